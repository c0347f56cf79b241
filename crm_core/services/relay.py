"""From notices in the app to messages that leave the house: each notice once, all of one person's in one message a way.

A job looks every minute. In somebody's quiet hours their notices wait until the end of those; what was read in the app
meanwhile needs no message any more, and what the daily digest tells is left to it.
"""

import logging
from collections.abc import Sequence

from sqlalchemy import or_, select, update

from crm_core.channels import KINDS, WAYS
from crm_core.db import CrmSession
from crm_core.i18n import N_, _, in_language, plural
from crm_core.models import Customer, Notice, ReminderSetting, User
from crm_core.permissions import Actor
from crm_core.scope import unscoped, visible_customers
from crm_core.services import notice_kinds
from crm_core.services.account_links import address_of
from crm_core.services.actors import list_actors
from crm_core.services.delivery import Letter, deliver, ways_of
from crm_core.services.notices import told_outside
from crm_core.services.quiet_hours import who_rests

log = logging.getLogger("kemai")

AT_ONCE = 50
"""So many people are served in one transaction."""
LINES = 10
"""A message tells so many notices, and how many more there are."""
LOOKED_AT = 1000


def find_receivers(session: CrmSession) -> list[int]:
    """Who has notices that wait, and no quiet hours now."""
    waiting = select(Notice.user_id).where(Notice.is_waiting, Notice.user_id.not_in(who_rests(session))).distinct()
    return list(session.execute(waiting.order_by(Notice.user_id).limit(AT_ONCE), execution_options=unscoped).scalars())


def send_notices(session: CrmSession, user_ids: Sequence[int]) -> bool:
    """Put what waits for these people into the outbox; returns whether there may be more."""
    actors = {actor.id: actor for actor in list_actors(session, User.id.in_(user_ids), User.is_active.is_(True))}
    for user_id in user_ids:
        try:
            with session.begin_nested():
                _serve(session, user_id, actors.get(user_id))
        except Exception:
            # What cannot be told one person keeps nobody else from their messages; it waits, and is tried again.
            log.exception("the notices of the account %s could not be told", user_id)
    return len(user_ids) == AT_ONCE


def _serve(session: CrmSession, user_id: int, actor: Actor | None) -> None:
    # Claimed by the change itself: of two processes at it the second finds nothing that waits.
    taken = update(Notice).where(Notice.user_id == user_id, Notice.is_waiting).values(is_waiting=False)
    options = {**unscoped, "synchronize_session": False}
    claimed = sorted(session.execute(taken.returning(Notice.id), execution_options=options).scalars())
    if claimed and actor:
        _send(session, actor, claimed)


def _send(session: CrmSession, actor: Actor, claimed: Sequence[int]) -> None:
    user = session.get_one(User, actor.id)
    found, has_digest = _unread(session, actor, claimed[:LOOKED_AT]), _has_digest(session, user.id)
    with in_language(user.language):
        for way in WAYS:
            chosen = [(notice, name) for notice, name in found if _goes(user, notice, way, has_digest=has_digest)]
            if chosen:
                kind = notice_kinds.KINDS[chosen[0][0].kind].message or ""
                deliver(session, user, _letter(chosen), kind=kind, ways=(way,), key=f"notices:{chosen[-1][0].id}")


def _unread(session: CrmSession, actor: Actor, ids: Sequence[int]) -> list[tuple[Notice, str]]:
    """Those of these notices that their receiver did not read and still sees, with the names of the customers they are about."""
    of_customer = select(Notice, Customer.name).outerjoin(Customer, Customer.id == Notice.customer_id)
    is_seen = or_(Notice.customer_id.is_(None), Customer.id.is_not(None) & visible_customers(actor))
    rows = session.execute(
        of_customer.where(Notice.id.in_(ids), Notice.read_at.is_(None), is_seen).order_by(Notice.id), execution_options=unscoped
    )
    return [(notice, name or "") for notice, name in rows]


def _has_digest(session: CrmSession, user_id: int) -> bool:
    digest = select(ReminderSetting.digest_at).where(ReminderSetting.user_id == user_id)
    return session.execute(digest).scalar_one_or_none() is not None


def _goes(user: User, notice: Notice, way: str, *, has_digest: bool) -> bool:
    kind = notice_kinds.KINDS[notice.kind].message
    if kind is None or (has_digest and KINDS[kind].in_digest and way in ways_of(user, "daily")):
        return False
    return way in ways_of(user, kind)


def _letter(chosen: Sequence[tuple[Notice, str]]) -> Letter:
    told = [told_outside(notice, name) for notice, name in chosen[:LINES]]
    paragraphs = [f"{one.title}\n{one.sentence}\n{address_of(one.path) if one.path else ''}".strip() for one in told]
    if len(chosen) > LINES:
        paragraphs.append(_("… and {count} more. Open Kemai to see them.").format(count=len(chosen) - LINES))
    subject = (
        told[0].title if len(chosen) == 1 else plural(len(chosen), N_("{count} message"), N_("{count} messages")).format(count=len(chosen))
    )
    return Letter(subject, tuple(paragraphs))
