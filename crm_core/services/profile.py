"""What users say of themselves: name, mailboxes, phone, language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.fields import Field, fields_of
from crm_core.i18n import LANGUAGES, _
from crm_core.models import User
from crm_core.numbering import bump
from crm_core.permissions import Actor
from crm_core.services import account_links, lockout
from crm_core.services.account_links import FORGOTTEN
from crm_core.services.outbox import enqueue_mail
from crm_core.services.passwords import is_password
from crm_core.services.users import get_manageable, get_user
from crm_core.validation import clean_values

MAILBOXES = ("email", "alert_email")
"""Who changes these can take an account over, so the present password is asked for."""
_SHOWN = ("name", "email", "alert_email", "phone")


@dataclass(frozen=True)
class Profile:
    """One's own data as the form shows and sends them."""

    values: Mapping[str, Any]
    language: str


def profile_fields() -> dict[str, Field]:
    """The fields of an account that its owner edits, in their order."""
    fields = fields_of(User)
    return {name: fields[name] for name in _SHOWN}


def get_profile(session: CrmSession, actor: Actor) -> Profile:
    """One's own data."""
    user = get_user(session, actor.id or 0)
    return Profile({name: getattr(user, name) for name in profile_fields()}, user.language)


def check_profile(session: CrmSession, actor: Actor, entered: Profile, *, password: str) -> Profile:
    """Check what was entered; it is kept by `update_profile`. Raises `ValidationFailed`.

    Both mailboxes change only with the present password. It is compared here, outside the transaction that writes.
    """
    user = get_user(session, actor.id or 0)
    values, errors = clean_values(profile_fields(), entered.values)
    errors |= _taken(session, user, values.get("email"))
    if _is_mailbox_new(user, values) and not is_password(user, password):
        errors["password"] = [_("Enter your present password to change a mailbox.")]
    if errors:
        raise ValidationFailed(errors)
    language = entered.language if entered.language in LANGUAGES else user.language
    return Profile(values, language)


def needs_password(session: CrmSession, actor: Actor, entered: Profile) -> bool:
    """Whether what was entered changes a mailbox, so that the password is compared; the attempt is counted before."""
    values, _errors = clean_values(profile_fields(), entered.values)
    return _is_mailbox_new(get_user(session, actor.id or 0), values)


def _is_mailbox_new(user: User, values: Mapping[str, Any]) -> bool:
    return any(name in values and values[name] != getattr(user, name) for name in MAILBOXES)


def update_profile(session: CrmSession, actor: Actor, checked: Profile) -> None:
    """Keep what `check_profile` accepted; a mailbox that lost its account is told so, and its links end."""
    user = get_user(session, actor.id or 0)
    if user.email and user.email != checked.values["email"]:
        _tell_former_mailbox(session, user, user.email)
        account_links.end_links(session, user.id, purpose=FORGOTTEN)
    if _is_mailbox_new(user, checked.values):
        lockout.take_back_confirmation(session, actor)
    if user.name != checked.values["name"]:
        bump(session, "users")
    for name, value in checked.values.items():
        setattr(user, name, value)
    user.language = checked.language


def _tell_former_mailbox(session: CrmSession, user: User, mailbox: str) -> None:
    enqueue_mail(
        session,
        recipient=mailbox,
        subject=_("The mailbox of your account was changed"),
        body=_("The account “{name}” has another mailbox from now on. If that was not you, tell your administrator at once.").format(
            name=user.username
        ),
        user_id=user.id,
    )


def set_mailbox(session: CrmSession, actor: Actor, user_id: int, email: str) -> None:
    """Give an account its mailbox, as an administrator; empty for none. Raises `NotAllowed`, `ValidationFailed`."""
    user = get_manageable(session, actor, user_id)  # a mailbox opens its account
    values, errors = clean_values({"email": fields_of(User)["email"]}, {"email": email})
    errors |= _taken(session, user, values.get("email"))
    if errors:
        raise ValidationFailed(errors)
    if user.email != values["email"]:
        account_links.end_links(session, user.id, purpose=FORGOTTEN)
    user.email = values["email"]


def _taken(session: CrmSession, user: User, email: str | None) -> dict[str, list[str]]:
    """A mailbox belongs to one active account, whatever the case of its letters."""
    if not email or not user.is_active:
        return {}
    others = select(User.id).where(func.lower(User.email) == email.lower(), User.is_active, User.id != user.id)
    if session.execute(others).first() is None:
        return {}
    return {"email": [_("Another account has this mailbox. Enter your own one, or ask your administrator.")]}
