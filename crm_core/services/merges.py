"""合并: two customers that are one become one, field by field, and can be taken apart again for a while."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from crm_core import audit, clock
from crm_core.checks.contacts import NOT_PROVIDED
from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, NotFound
from crm_core.fields import read_values
from crm_core.i18n import _
from crm_core.models import Contact, Customer, Merge, OwnerChange, Place, StageChange
from crm_core.models.base import Base
from crm_core.permissions import Actor, Permission, require
from crm_core.services import owners
from crm_core.services.cooperation import renew_from_rows
from crm_core.services.customer_changes import refresh
from crm_core.services.customers import load_customer, put, tell_owner
from crm_core.services.library import get_library
from crm_core.services.merge_rows import WAYS, Journal, Way, rows_under, share_tags, tier_of, undo
from crm_core.services.merge_values import Difference, differences, give_values, merged_values
from crm_core.services.service_figures import keep_figures
from crm_core.services.tags import tags_of
from crm_core.services.users import user_names
from crm_core.validation import clean_text, is_blank
from crm_core.visibility import View

UNDO_FOR = timedelta(days=30)
_MERGED: Any = Customer.__table__.alias()
"""The merged customer as a bare table: no scope applies to it, since the merge belongs to the one that was kept."""
FILLED = ("position", "phone", "email", "wechat")
"""What the kept contact takes from its twin where it lacks it."""


@dataclass(frozen=True)
class Preview:
    """What a merge of two customers would do. `moved` counts the rows that go over, by table."""

    kept: View
    merged: View
    differences: list[Difference]
    same: list[str]
    contacts: list[tuple[View, bool]]
    """The contacts afterwards, and whether each comes from the merged customer."""
    twins: int
    tags: list[str]
    moved: dict[str, int]


@dataclass(frozen=True)
class Undoable:
    """A merge as the kept customer's page tells of it; `until` when it can be undone."""

    id: int
    code: str
    name: str
    at: datetime
    by: str
    until: datetime

    @property
    def is_open(self) -> bool:
        """Whether it can still be undone."""
        return clock.now() < self.until


def preview_merge(session: CrmSession, actor: Actor, kept_code: str, merged_code: str) -> Preview:
    """Both customers side by side. Raises `NotFound`, `NotAllowed`, and `IllegalTransition` where they cannot be merged."""
    require(actor, Permission.CUSTOMER_MERGE)
    kept, merged = load_customer(session, actor, kept_code), load_customer(session, actor, merged_code)
    if kept.id == merged.id and kept_code != merged_code:  # the code of a merged customer leads to the kept one
        raise IllegalTransition(_("These two have been merged meanwhile. What stays is {name}.").format(name=kept.name))
    _refuse(kept, merged)
    fields = get_library(session).fields
    differing = differences(fields, kept, merged)
    names = {name for one in differing for name in one.fields}
    people, twins = _people(session, kept.id), 0
    contacts = [(View(actor, person), False) for person in people]
    for person in _people(session, merged.id):
        twins += 1 if _twin_of(person, people) else 0
        contacts += [] if _twin_of(person, people) else [(View(actor, person), True)]
    return Preview(
        View(actor, kept),
        View(actor, merged),
        differing,
        [name for name, value in read_values(kept, fields).items() if name not in names and not is_blank(value)],
        contacts,
        twins,
        sorted({*tags_of(session, kept.id), *tags_of(session, merged.id, by_hand=True)}),
        _count_moved(session, merged.id),
    )


def merge_customers(
    session: CrmSession,
    actor: Actor,
    kept_id: int,
    merged_id: int,
    choices: Mapping[str, str],
    *,
    versions: tuple[int, int],
    reason: str = "",
) -> Merge:
    """Merge the second customer into the first. `choices` says by difference whose value stays; what it leaves out stays as it comes.

    `versions` are those of the preview: what was saved meanwhile has to be seen first. Of two merges of one customer at once one
    wins. Raises `Conflict`, `IllegalTransition`, `NotFound`, `NotAllowed`, and `ValidationFailed` where the chosen values do not fit
    together.
    """
    require(actor, Permission.CUSTOMER_MERGE)
    kept, merged = _lock(session, kept_id, merged_id)
    _refuse(kept, merged)
    if (kept.version, merged.version) != versions:
        raise Conflict(version=kept.version, theirs={})
    session.info["reason"] = clean_text(reason)[:300] or f"{merged.code} {merged.name}"[:300]
    journal = _unite(session, actor, kept, merged, choices)
    made = Merge(customer_id=kept.id, merged_id=merged.id, actor_id=actor.id, before=journal.content)
    session.add(made)
    audit.record(session, "merged", kept, new=f"{merged.code} {merged.name}", reason=session.info["reason"])
    for customer in _by_owner(kept, merged):
        path = f"/customer?code={kept.code}"
        tell_owner(session, actor, customer, "customer_merged", path=path, name=merged.name, kept=kept.name, reason=clean_text(reason))
    return made


def _unite(session: CrmSession, actor: Actor, kept: Customer, merged: Customer, choices: Mapping[str, str]) -> Journal:
    """Make one of both, and note what was so that it can be undone."""
    journal, was_tier = Journal(session), tier_of(kept)
    values = merged_values(session, kept, merged, choices)
    present = (kept.stage, kept.owner_id)
    give_values(session, kept, values)
    _take_over(kept, merged)
    put(merged, Place.MERGED)
    journal.note_edit(kept)
    journal.note_edit(merged)
    _note_moves(session, actor, journal, kept, *present)
    _pass_work_on(session, journal, kept, merged)
    _move_all(session, journal, kept.id, merged.id)
    keep_figures(session, [kept.id, merged.id])
    session.expire_all()
    renew_from_rows(session, merged)  # its contracts have moved
    refresh(session, kept)
    session.refresh(kept)
    journal.tier = {"was": was_tier, "is": tier_of(kept)}
    return journal


def _lock(session: CrmSession, *ids: int) -> tuple[Customer, ...]:
    """The customers in the order asked for, locked in the order of their ids so that no two merges wait for each other."""
    rows = select(Customer).where(Customer.id.in_(ids)).order_by(Customer.id).with_for_update()
    found = {row.id: row for row in session.execute(rows, execution_options={"populate_existing": True}).scalars()}
    if len(found) < len(set(ids)):
        raise NotFound(_("This customer was deleted or is not visible to you. Go back to the customer list."))
    return tuple(found[one] for one in ids)


def _by_owner(*customers: Customer) -> Iterable[Customer]:
    return {customer.owner_id: customer for customer in customers}.values()


def _refuse(kept: Customer, merged: Customer) -> None:
    if kept.id == merged.id:
        raise IllegalTransition(_("This is one and the same customer. Choose another one to merge with."))
    for customer in (kept, merged):
        if not customer.is_listed:
            raise IllegalTransition(_("{name} is not in the customer list any more, so it cannot be merged.").format(name=customer.name))
    if kept.kind != merged.kind:
        raise IllegalTransition(_("A company and a person cannot be merged."))
    if merged.is_on_hold:
        raise IllegalTransition(_("{name} is on legal hold and cannot be merged away. Keep that one instead.").format(name=merged.name))


def _take_over(kept: Customer, merged: Customer) -> None:
    """The latest contact counts, and the earliest first follow-up; a customer in the pool gets the other one's owner, who works at it."""
    if merged.last_contact_at and (kept.last_contact_at is None or kept.last_contact_at < merged.last_contact_at):
        kept.last_contact_at = merged.last_contact_at
    if merged.followed_up_at and (kept.followed_up_at is None or kept.followed_up_at > merged.followed_up_at):
        kept.followed_up_at = merged.followed_up_at
    if kept.owner_id is None and merged.owner_id is not None:
        kept.owner_id, kept.owned_since = merged.owner_id, merged.owned_since
        kept.pooled_at = kept.pool_warned_on = None


def _note_moves(session: CrmSession, actor: Actor, journal: Journal, kept: Customer, stage: str, owner_id: int | None) -> None:
    what = {"customer_id": kept.id, "actor_id": actor.id, "reason": session.info["reason"]}
    changes: list[Base] = []
    if kept.stage != stage:
        changes.append(StageChange(**what, from_stage=stage, to_stage=kept.stage))
    if kept.owner_id != owner_id:
        changes.append(OwnerChange(**what, from_owner_id=owner_id, to_owner_id=kept.owner_id, cause="merge"))
    for change in changes:
        session.add(change)
        journal.note_added(change)


def _pass_work_on(session: CrmSession, journal: Journal, kept: Customer, merged: Customer) -> None:
    """What the merged customer's owner had to do for it is the kept one's owner's: the other may not see it any more."""
    giver = owners.givers_of(session, owners.lock(session, [merged.id]).values())[merged.id]
    if giver and kept.owner_id:
        moved = owners.pass_on(session, {merged.id: giver}, kept.owner_id)
        journal.work = {"work": moved.get(merged.id, {}), "holder": kept.owner_id, "to": giver}


def _move_all(session: CrmSession, journal: Journal, kept_id: int, merged_id: int) -> None:
    session.flush()
    for reference, way in WAYS.items():
        if way is Way.MOVE:
            journal.move(reference, merged_id, kept_id)
    share_tags(session, journal, merged_id, kept_id)
    _unite_contacts(session, journal, kept_id, merged_id)


def _unite_contacts(session: CrmSession, journal: Journal, kept_id: int, merged_id: int) -> None:
    """Move the contacts that the kept customer lacks; a twin stays with the merged one and fills what its twin lacks."""
    people, table = _people(session, kept_id), Base.metadata.tables["contact"]
    has_primary = bool(people)
    for person in _people(session, merged_id):
        if twin := _twin_of(person, people):
            for name in FILLED:
                if (is_blank(getattr(twin, name)) or getattr(twin, name) == NOT_PROVIDED) and not is_blank(getattr(person, name)):
                    setattr(twin, name, getattr(person, name))
            journal.note_edit(twin)
            session.flush()
        else:
            secondary = {"is_primary": False} if has_primary else {}
            journal.move_row(table, person.id, {"customer_id": kept_id, **secondary})


def _people(session: CrmSession, customer_id: int) -> list[Contact]:
    own = select(Contact).where(Contact.customer_id == customer_id).order_by(Contact.is_primary.desc(), Contact.id)
    return list(session.execute(own).scalars())


def _keep_primary(session: CrmSession, customer_id: int) -> None:
    """Whose primary contact went back to the other customer gets the next one."""
    people = _people(session, customer_id)
    if people and not people[0].is_primary:
        people[0].is_primary = True


def _twin_of(person: Contact, people: Sequence[Contact]) -> Contact | None:
    """The same person: same mailbox or mobile number; with a landline, which colleagues share, the same name too."""
    for other in people:
        has_phone = person.phone_key is not None and person.phone_key == other.phone_key
        has_mailbox = person.email_key is not None and person.email_key == other.email_key
        is_shared = has_phone and not has_mailbox and (person.phone_key or "").startswith("0")
        if (has_phone or has_mailbox) and (not is_shared or person.name == other.name):
            return other
    return None


def _count_moved(session: CrmSession, merged_id: int) -> dict[str, int]:
    found = {}
    for reference, way in WAYS.items():
        table, moving = rows_under(reference, merged_id)
        if way is Way.MOVE:
            found[table.name] = session.execute(select(func.count()).select_from(table).where(*moving)).scalar_one()
    return {table: count for table, count in found.items() if count}


def list_merges(session: CrmSession, actor: Actor, customer_id: int) -> list[Undoable]:
    """What was merged into a customer, the latest first; none outside the actor's scope."""
    require(actor, Permission.CUSTOMER_READ)
    rows = select(Merge.id, Merge.at, Merge.actor_id, _MERGED.c.code, _MERGED.c.name).join(_MERGED, _MERGED.c.id == Merge.merged_id)
    names = user_names(session)
    return [
        Undoable(row.id, row.code, row.name, row.at, names.get(row.actor_id or 0, ""), row.at + UNDO_FOR)
        for row in session.execute(rows.where(Merge.customer_id == customer_id, Merge.undone_at.is_(None)).order_by(Merge.id.desc()))
    ]


def undo_merge(session: CrmSession, actor: Actor, merge_id: int, *, reason: str = "") -> None:
    """Take two customers apart again, each as it was.

    Possible for `UNDO_FOR`, while the kept customer is in the library. Raises `IllegalTransition` with the reason where it is not, and
    where what was merged has been changed since (see `merge_rows.undo`); `NotFound`, `NotAllowed`.
    """
    require(actor, Permission.CUSTOMER_MERGE)
    merge = session.execute(select(Merge).where(Merge.id == merge_id).with_for_update()).scalar_one_or_none()
    if merge is None or merge.undone_at is not None:
        raise NotFound(_("This merge was undone already. Reload the page."))
    kept, merged = _lock(session, merge.customer_id, merge.merged_id)
    if clock.now() > merge.at + UNDO_FOR:
        raise IllegalTransition(_("A merge can be undone for {days} days; these are over.").format(days=UNDO_FOR.days))
    if not kept.is_listed:
        raise IllegalTransition(
            _("{name} is not in the customer list. Restore it, or undo its own merge, before this one is undone.").format(name=kept.name)
        )
    session.info["reason"] = clean_text(reason)[:300] or None
    undo(session, merge.before, kept)
    owners.give_back(session, **merge.before["work"])
    renew_from_rows(session, kept)
    renew_from_rows(session, merged)
    merge.undone_at = clock.now()
    keep_figures(session, [kept.id, merged.id])
    for customer in (kept, merged):
        _keep_primary(session, customer.id)
        refresh(session, customer)
    audit.record(session, "unmerged", kept, new=f"{merged.code} {merged.name}", reason=session.info["reason"])
    for customer in _by_owner(kept, merged):
        path = f"/customer?code={customer.code}"
        tell_owner(session, actor, customer, "merge_undone", path=path, name=merged.name, kept=kept.name)
