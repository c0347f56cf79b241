"""合并: two customers that are one become one, field by field, and can be taken apart again for a while."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from crm_core import audit, clock
from crm_core.checks.contacts import NOT_PROVIDED
from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, NotFound, ValidationFailed
from crm_core.fields import Widget, fields_of
from crm_core.i18n import _
from crm_core.models import Contact, Customer, Merge, Place, StageChange
from crm_core.models.base import Base
from crm_core.permissions import Actor, Permission, require
from crm_core.services.customer_changes import refresh
from crm_core.services.customers import load_customer, put, tell_owner
from crm_core.services.entry import check_changes
from crm_core.services.library import get_library
from crm_core.services.merge_rows import NAMED, WAYS, Journal, Way, share_tags, undo
from crm_core.services.tags import tags_of
from crm_core.services.users import user_names
from crm_core.validation import clean_text, is_blank
from crm_core.visibility import View

UNDO_FOR = timedelta(days=30)
KEPT, MERGED = "kept", "merged"
TOGETHER: dict[str, tuple[str, ...]] = {
    "province": ("province", "city", "district"),
    "industry": ("industry", "industry_text"),
    "tier": ("tier", "tier_by_hand", "tier_reason", "tier_until"),
}
"""Fields that are one choice, under the name of the first."""
WITH_OTHERS = frozenset({"city", "district"})
UNITED = frozenset({Widget.CHOICES, Widget.PRESETS})
"""Lists of choices are united, as tags are."""
FILLED = ("position", "phone", "email", "wechat")
"""What the kept contact takes from its twin where it lacks it."""


@dataclass(frozen=True)
class Difference:
    """One choice: the fields that go together, and whose values stay unless somebody chooses otherwise."""

    name: str
    fields: tuple[str, ...]
    default: str


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
    _refuse(kept, merged)
    differing = differences(kept, merged)
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
        [name for name in fields_of(Customer) if name not in names and not is_blank(getattr(kept, name))],
        contacts,
        twins,
        sorted({*tags_of(session, kept.id), *tags_of(session, merged.id)}),
        _count_moved(session, merged.id),
    )


def differences(kept: Any, merged: Any) -> list[Difference]:
    """What has to be chosen: the kept customer's value stays unless it is empty."""
    found = []
    for name, declared in fields_of(Customer).items():
        fields = TOGETHER.get(name, (name,))
        if name in WITH_OTHERS or name == "kind" or declared.widget in UNITED:
            continue
        ours, theirs = ([getattr(one, field) for field in fields] for one in (kept, merged))
        if ours != theirs and not all(is_blank(value) for value in theirs if value is not False):
            found.append(Difference(name, fields, MERGED if all(is_blank(value) for value in ours if value is not False) else KEPT))
    return found


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
    journal = Journal(session)
    values = _values(session, kept, merged, choices)
    before = kept.stage
    for name, value in values.items():
        setattr(kept, name, value)
    put(merged, Place.MERGED)
    journal.note_edit(kept)
    journal.note_edit(merged)
    if kept.stage != before:
        change = StageChange(customer_id=kept.id, actor_id=actor.id, from_stage=before, to_stage=kept.stage, reason=session.info["reason"])
        session.add(change)
        journal.note_added(change)
    _move_all(session, journal, kept.id, merged.id)
    session.expire_all()
    made = Merge(customer_id=kept.id, merged_id=merged.id, actor_id=actor.id, before=journal.content)
    session.add(made)
    refresh(session, kept)
    audit.record(session, "merged", kept, new=f"{merged.code} {merged.name}", reason=session.info["reason"])
    for customer in _by_owner(kept, merged):
        path = f"/customer?code={kept.code}"
        tell_owner(session, actor, customer, "customer_merged", path=path, name=merged.name, kept=kept.name, reason=clean_text(reason))
    return made


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


def _values(session: CrmSession, kept: Customer, merged: Customer, choices: Mapping[str, str]) -> dict[str, Any]:
    """What the kept customer gets. Fields that its nature and type do not show stay as they are."""
    declared = fields_of(Customer)
    taken = [one for one in differences(kept, merged) if choices.get(one.name, one.default) == MERGED]
    stage = merged.stage if any(one.name == "stage" for one in taken) else kept.stage
    shown = {"kind": kept.kind, "stage": stage}
    values = {field: getattr(merged, field) for one in taken if declared[one.name].shown(shown) for field in one.fields}
    for name, field in declared.items():
        if field.widget in UNITED and (more := [code for code in getattr(merged, name) or [] if code not in (getattr(kept, name) or [])]):
            values[name] = [*(getattr(kept, name) or []), *more]
    if more_extra := {key: value for key, value in merged.extra.items() if is_blank(kept.extra.get(key)) and not is_blank(value)}:
        values["extra"] = {**kept.extra, **more_extra}
    _check(session, kept, values)
    return values


def _check(session: CrmSession, kept: Customer, values: Mapping[str, Any]) -> None:
    before = {name: getattr(kept, name) for name in fields_of(Customer)}
    changes = {name: value for name, value in values.items() if name in before}
    for some, text in ((before, kept.industry_text), (changes, values.get("industry_text"))):
        if "industry" in some:
            some["industry"] = some["industry"] or text
    _clean, errors = check_changes(get_library(session), before, changes)
    if errors:
        raise ValidationFailed(errors)


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
        table, _dot, column = reference.partition(".")
        if way is Way.MOVE and table in NAMED:
            own = Base.metadata.tables[table].c[column] == merged_id
            found[table] = session.execute(select(func.count()).select_from(Base.metadata.tables[table]).where(own)).scalar_one()
    return {table: count for table, count in found.items() if count}


def list_merges(session: CrmSession, actor: Actor, customer_id: int) -> list[Undoable]:
    """What was merged into a customer, the latest first; none outside the actor's scope."""
    require(actor, Permission.CUSTOMER_READ)
    merged = aliased(Customer.__table__)
    rows = select(Merge.id, Merge.at, Merge.actor_id, merged.c.code, merged.c.name).join(merged, merged.c.id == Merge.merged_id)
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
    undo(session, merge.before)
    merge.undone_at = clock.now()
    for customer in (kept, merged):
        refresh(session, customer)
    audit.record(session, "unmerged", kept, new=f"{merged.code} {merged.name}", reason=session.info["reason"])
    for customer in _by_owner(kept, merged):
        path = f"/customer?code={customer.code}"
        tell_owner(session, actor, customer, "merge_undone", path=path, name=merged.name, kept=kept.name)
