"""The receipts of transfers: who reads which, their lines, and the same as a workbook to print and sign."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from sqlalchemy import ColumnElement, or_, select, true

from crm_core import audit, clock
from crm_core.db import CrmSession, reading, transaction
from crm_core.errors import NotFound, ValidationFailed
from crm_core.i18n import _, format_time, in_language, join_words
from crm_core.models import STAGES, Batch, Contact
from crm_core.permissions import Actor, Permission, Scope, require
from crm_core.services.imports.failed_rows import safe_cell
from crm_core.services.owners import WORKS, in_parts
from crm_core.services.pool_rules import get_rules
from crm_core.services.transfers import KIND, may_answer_for, refusal_text
from crm_core.services.users import user_names
from crm_core.validation import clean_text
from crm_core.visibility import glance

LATEST = 50
PAGE_SIZE = 50


@dataclass(frozen=True)
class Receipt:
    """One transfer as its readers see it."""

    id: int
    at: datetime
    author: str
    to: str
    givers: list[tuple[str, int]]
    """From whom, and how many."""
    done: int
    work: dict[str, int]
    reason: str
    refused: list[str]
    undone_at: datetime | None
    undone: int
    undo_refused: list[str]
    undo_until: datetime | None
    """Until when the reader may take it back; nothing where they may not."""


@dataclass(frozen=True)
class Line:
    """One customer on a receipt, as it was then; its contact as it is now, masked, where the reader still sees the customer."""

    code: str
    name: str
    stage: str
    tier: str
    giver: str
    work: str
    """What moved along, in words."""
    contact: str
    phone: str


def list_receipts(session: CrmSession, actor: Actor) -> list[Receipt]:
    """The latest receipts that the actor may read."""
    columns = (Batch.id, Batch.at, Batch.actor_id, Batch.what, Batch.done, Batch.reason, Batch.refused, Batch.undone_at)
    latest = select(*columns).where(Batch.kind == KIND, _is_read_by(actor)).order_by(Batch.id.desc()).limit(LATEST)
    return [_receipt(session, actor, row) for row in session.execute(latest)]


def get_receipt(session: CrmSession, actor: Actor, receipt_id: int) -> Receipt:
    """A receipt. Raises `NotFound` for those who neither made nor received it, nor see everything."""
    return _receipt(session, actor, _load(session, actor, receipt_id))


def list_lines(session: CrmSession, actor: Actor, receipt_id: int, *, page: int = 1) -> list[Line]:
    """A page of the customers on a receipt."""
    before = _load(session, actor, receipt_id).before
    return _lines(session, actor, before[(page - 1) * PAGE_SIZE : page * PAGE_SIZE])


def _load(session: CrmSession, actor: Actor, receipt_id: int) -> Any:
    require(actor, Permission.CUSTOMER_READ)
    found = select(Batch).where(Batch.id == receipt_id, Batch.kind == KIND, _is_read_by(actor))
    batch = session.execute(found).scalar_one_or_none()
    if batch is None:
        raise NotFound(_("There is no such receipt, or it is not yours."))
    return batch


def _is_read_by(actor: Actor) -> ColumnElement[bool]:
    if actor.can(Permission.CUSTOMER_TRANSFER) and actor.scope is Scope.ALL:
        return true()
    return or_(Batch.actor_id == actor.id, Batch.what["to"].as_integer() == actor.id)


def _receipt(session: CrmSession, actor: Actor, batch: Any) -> Receipt:
    names, undone = user_names(session), batch.what.get("undone", {})
    rules, _version = get_rules(session)
    until = batch.at + timedelta(days=rules.undo_days)
    may_undo = may_answer_for(actor, batch.actor_id) and not batch.undone_at and clock.now() <= until
    return Receipt(
        id=batch.id,
        at=batch.at,
        author=names.get(batch.actor_id, _("the system")),
        to=names.get(batch.what["to"], ""),
        givers=[(_person(names, owner), count) for owner, count in batch.what["givers"]],
        done=batch.done,
        work=batch.what["work"],
        reason=batch.reason or "",
        refused=[refusal_text(one) for one in batch.refused],
        undone_at=batch.undone_at,
        undone=undone.get("done", 0),
        undo_refused=[refusal_text(one) for one in undone.get("refused", ())],
        undo_until=until if may_undo else None,
    )


def _person(names: Mapping[int, str], owner: int | None) -> str:
    return names.get(owner, "") if owner else _("Pool")


def _lines(session: CrmSession, actor: Actor, rows: list[dict[str, Any]]) -> list[Line]:
    names = user_names(session)
    people: dict[int, Any] = {}
    for part in in_parts(row["id"] for row in rows):
        contacts = select(Contact.customer_id, Contact.name, Contact.phone).where(Contact.customer_id.in_(part), Contact.is_primary)
        people |= {row.customer_id: row for row in session.execute(contacts)}
    return [_line(actor, row, names, people.get(row["id"])) for row in rows]


def _line(actor: Actor, row: dict[str, Any], names: Mapping[int, str], contact: Any) -> Line:
    stage = row["stage"]
    return Line(
        code=row["code"],
        name=row["name"],
        stage=_(STAGES[stage]),
        tier=row["tier"] or "",
        giver=_person(names, row["owner"]),
        work=_counted({kind: len(ids) for kind, ids in row["work"].items()}),
        contact=contact.name if contact else "",
        phone=(glance(actor, "phone", contact.phone) or "") if contact else "",
    )


def headings() -> list[str]:
    """What stands above the lines of a receipt."""
    return [
        _("Customer code"),
        _("Customer name"),
        _("Customer type"),
        _("Tier"),
        _("Owner before"),
        _("Work that moved along"),
        _("Contact"),
        _("Phone"),
    ]


def work_text(work: Mapping[str, int]) -> str:
    """The work that moved along, in words."""
    return _counted(work) or _("none")


def _counted(work: Mapping[str, int]) -> str:
    return join_words(_(WORKS[kind].label) + f" {count:,}" for kind, count in work.items() if count)


def check_export(session: CrmSession, actor: Actor, receipt_id: int, *, reason: str) -> None:
    """Raises `NotAllowed`, `NotFound`, and `ValidationFailed` without a reason."""
    require(actor, Permission.CUSTOMER_EXPORT)
    _load(session, actor, receipt_id)
    if not clean_text(reason):
        raise ValidationFailed({"reason": [_("Say what the file is for.")]})


def export_receipt(actor: Actor, receipt_id: int, *, reason: str) -> bytes:
    """The receipt as an xlsx file to print and sign; the export is logged with its reason. Opens its own transactions."""
    with in_language(actor.language):
        with reading(actor) as session:
            check_export(session, actor, receipt_id, reason=reason)
            batch = _load(session, actor, receipt_id)
            content = _workbook(actor, _receipt(session, actor, batch), _lines(session, actor, batch.before), clean_text(reason))
        with transaction(actor, reason=clean_text(reason)[:300]) as session:
            audit.record(session, "exported", _load(session, actor, receipt_id), new=str(batch.done))
    return content


def _workbook(actor: Actor, receipt: Receipt, lines: list[Line], purpose: str) -> bytes:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(_("Transfer receipt"))
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    for place, width in enumerate((16, 34, 12, 6, 12, 28, 12, 16), 1):
        sheet.column_dimensions["ABCDEFGH"[place - 1]].width = width
    sheet.append(_bold(sheet, [_("Transfer receipt") + f" {receipt.id}"]))
    for label, value in _head(receipt):
        sheet.append([label, safe_cell(value)])
    sheet.append([])
    sheet.append(_bold(sheet, headings()))
    for line in lines:
        sheet.append([safe_cell(value) for value in vars(line).values()])
    sheet.append([])
    for label in (_("Handed over by"), _("Received by"), _("Witness")):
        sheet.append([label, "____________________", "", "", _("Date"), "____________"])
    mark = _("Exported by {name} at {time}. Purpose: {reason}")
    sheet.append([safe_cell(mark.format(name=actor.name, time=format_time(clock.now()), reason=purpose))])
    file = BytesIO()
    workbook.save(file)
    return file.getvalue()


def _head(receipt: Receipt) -> list[tuple[str, str]]:
    givers = join_words(f"{name} {count:,}" for name, count in receipt.givers)
    head = [
        (_("Owner before"), givers),
        (_("New owner"), receipt.to),
        (_("Customers"), f"{receipt.done:,}"),
        (_("Work that moved along"), work_text(receipt.work)),
        (_("Reason"), receipt.reason),
        (_("By"), f"{receipt.author} {format_time(receipt.at)}"),
    ]
    if receipt.undone_at:
        head.append((_("Undone"), f"{format_time(receipt.undone_at)} · {receipt.undone:,}"))
    return head + [(_("Not moved"), sentence) for sentence in receipt.refused]


def _bold(sheet: Any, values: list[str]) -> list[WriteOnlyCell]:
    cells = [WriteOnlyCell(sheet, safe_cell(value)) for value in values]
    for cell in cells:
        cell.font = Font(bold=True)
    return cells
