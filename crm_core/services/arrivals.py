"""Where an account is signed in from: known devices and places, the warning about new ones, and "this was not me"."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update

from crm_core import audit, channels, clock, crypto
from crm_core.clients import Client, device_of
from crm_core.db import CrmSession, insert_unless_there
from crm_core.i18n import _, format_time, in_language
from crm_core.models import KnownDevice, KnownPlace, User, UserSession
from crm_core.permissions import Permission
from crm_core.places import city_of, place_label
from crm_core.services import account_links, notices
from crm_core.services.actors import list_actors
from crm_core.services.outbox import enqueue_mail

NOT_ME = "not_me"
NOT_ME_PATH = "/not-me"
LINK_LIFE = timedelta(days=7)


def note_arrival(session: CrmSession, arrived: UserSession, client: Client) -> None:
    """Keep from where a session was begun; a device or city that is new to the account is told to its owner [001].

    The first sign-in of an account is not told: everything is new then.
    """
    arrived.address, arrived.city, arrived.device = client.address, city_of(client.address), device_of(client.user_agent)
    is_first = session.execute(select(KnownDevice.id).where(KnownDevice.user_id == arrived.user_id).limit(1)).first() is None
    is_new_device = _remember(session, KnownDevice, arrived.user_id, browser_hash=crypto.token_hash(client.browser))
    is_new_place = _remember(session, KnownPlace, arrived.user_id, city=arrived.city)
    if (is_new_device or is_new_place) and not is_first:
        _warn(session, arrived)


def _remember(session: CrmSession, model: type[Any], user_id: int, **key: str) -> bool:
    """Note that something was seen now; returns whether for the first time."""
    seen = update(model).filter_by(user_id=user_id, **key).values(last_seen_at=clock.now()).returning(model.id)
    if session.execute(seen).first():
        return False
    insert_unless_there(session, model, user_id=user_id, **key)
    return True


def _warn(session: CrmSession, arrived: UserSession) -> None:
    user = session.get_one(User, arrived.user_id)
    path = f"{NOT_ME_PATH}?token={account_links.make_link(session, user.id, purpose=NOT_ME, life=LINK_LIFE)}"
    data = {"time": arrived.created_at.isoformat(), "place": arrived.city, "device": arrived.device}
    notices.notify(session, [user.id], "new_sign_in", data, path=path)
    recipient = user.alert_email or user.email
    if recipient and "mail" in channels.ways_for(user.channels, "sign_in"):
        with in_language(user.language):
            subject, body = _("Kemai: sign-in from a new device or place"), _mail(user, arrived, account_links.address_of(path))
        enqueue_mail(session, recipient=recipient, subject=subject, body=body, user_id=user.id)


def _mail(user: User, arrived: UserSession, link: str) -> str:
    way_out = (
        _("If this was not you, open this address within seven days and confirm. It ends all sessions and blocks the account:")
        if link
        else _("If this was not you, tell your administrator at once.")
    )
    return "\n\n".join(
        (
            _("{name}, somebody signed in to your account {username} from a device or place that was not seen before.").format(
                name=user.name, username=user.username
            ),
            "\n".join(
                (
                    _("Time: {time}").format(time=format_time(arrived.created_at)),
                    _("Place: {place}").format(place=place_label(arrived.city)),
                    _("Device: {device}").format(device=arrived.device or _("unknown device")),
                    _("Network address: {address}").format(address=arrived.address or "-"),
                )
            ),
            _("If this was you, there is nothing to do."),
            f"{way_out}\n{link}",
        )
    )


def language_of_link(session: CrmSession, token: str) -> str:
    """The language of the account whose owner follows the link. Raises `NotFound` for a link that is no longer good."""
    link = account_links.get_link(session, token, purpose=NOT_ME)
    return session.get_one(User, link.user_id).language


def disown(session: CrmSession, token: str) -> None:
    """Follow the link "this was not me": end all sessions, forget what became known since, block, tell the administrators.

    Raises `NotFound` for a link that is no longer good.
    """
    link = account_links.get_link(session, token, purpose=NOT_ME)
    link.used_at = clock.now()
    user = session.get_one(User, link.user_id)
    session.execute(delete(UserSession).where(UserSession.user_id == user.id))
    _forget_since(session, user.id, link.expires_at - LINK_LIFE)
    user.blocked_at = clock.now()
    audit.record(session, "account_blocked", user)
    helpers = [actor.id for actor in list_actors(session, User.is_active.is_(True), User.id != user.id) if actor.can(Permission.USER_EDIT)]
    notices.notify(session, _ids(helpers), "account_blocked", {"name": user.name, "username": user.username}, path="/users")


def _ids(found: Sequence[int | None]) -> list[int]:
    return [one for one in found if one is not None]


def _forget_since(session: CrmSession, user_id: int, moment: datetime) -> None:
    # Else the next sign-in from the stranger's device would be one from a known device.
    for model in (KnownDevice, KnownPlace):
        session.execute(delete(model).where(model.user_id == user_id, model.first_seen_at >= moment))
    session.execute(update(KnownDevice).where(KnownDevice.user_id == user_id).values(trusted_until=None))
