"""Attachments: renamed by rule, with consent where it is needed, given out only within the row scope."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from crm_core import audit, clock
from crm_core.db import CrmSession
from crm_core.errors import FileRefused, NotFound
from crm_core.i18n import N_, _, localized
from crm_core.models import Attachment, Contract, Customer, Draft, FollowUp, Review, Ticket
from crm_core.permissions import Access, Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services.drafts import get_draft
from crm_core.services.file_store import StoredFile, load_file
from crm_core.services.library import Library, get_library
from crm_core.services.locking import lock_listed
from crm_core.services.review_access import ENTRY, reads_entry
from crm_core.validation import clean_text

IDENTITY_CARD = "attachment_type.identity_card"


@dataclass(frozen=True)
class Origin:
    """A kind of record with which files come: who adds and who reads them, and what is said of a record that is gone."""

    model: Any
    writes: Permission
    reads: Permission
    gone: str


ORIGINS = {
    "follow_up_id": Origin(FollowUp, Permission.FOLLOW_UP_WRITE, Permission.CUSTOMER_READ, N_("This follow-up is gone. Reload the page.")),
    "ticket_id": Origin(
        Ticket,
        Permission.TICKET_WRITE,
        Permission.TICKET_READ,
        N_("This ticket is gone or not visible to you. Go back to the list of tickets."),
    ),
    "contract_id": Origin(
        Contract,
        Permission.CONTRACT_WRITE,
        Permission.CONTRACT_READ,
        N_("This contract is gone or not visible to you. Reload the page."),
    ),
}
"""By the column of the attachment."""


@dataclass(frozen=True)
class Download:
    """A file to send."""

    filename: str
    media_type: str
    digest: str

    @property
    def content(self) -> bytes:
        """The bytes, read from the store when they are asked for: after the transaction that found the file."""
        return load_file(self.digest)


def add_attachment(
    session: CrmSession,
    actor: Actor,
    *,
    file: StoredFile,
    type: str,
    customer_id: int | None = None,
    draft_id: str | None = None,
    follow_up_id: int | None = None,
    ticket_id: int | None = None,
    contract_id: int | None = None,
    has_consent: bool = False,
) -> Attachment:
    """Give a file of the store to a customer, or to a draft; it may have come with a record of the customer (`ORIGINS`).

    Raises `FileRefused`, `NotAllowed`, `NotFound`.

    A customer's file is named 客户名称-文件类型-日期 [002]; a draft's gets its name when the draft is submitted.
    """
    origins = {"follow_up_id": follow_up_id, "ticket_id": ticket_id, "contract_id": contract_id}
    came_with = {name: number for name, number in origins.items() if number}
    usual = next((ORIGINS[name].writes for name in came_with), Permission.CUSTOMER_EDIT)
    require(actor, Permission.CUSTOMER_CREATE if draft_id else usual)
    attachment = _made(get_library(session), actor, file, type, has_consent=has_consent)
    if draft_id:
        attachment.draft_id = get_draft(session, actor, draft_id).id
        session.add(attachment)
    else:
        customer = lock_listed(session, customer_id)
        for name, number in came_with.items():
            setattr(attachment, name, _origin(session, customer, ORIGINS[name], number))
        attach(session, attachment, customer)
    session.flush()
    return attachment


def _made(library: Library, actor: Actor, file: StoredFile, type: str, *, has_consent: bool) -> Attachment:
    _check_type(library, type, has_consent=has_consent)
    return Attachment(
        type=type,
        media_type=file.media_type,
        size=file.size,
        digest=file.digest,
        has_consent=has_consent,
        uploaded_by_id=actor.id,
        filename=f"{library.label(type)}.{file.extension}",
    )


def _check_type(library: Library, type: str, *, has_consent: bool) -> None:
    if type not in {entry.code for entry in library.active("attachment_type")}:
        raise FileRefused(_("Choose what kind of document this is."))
    if type == IDENTITY_CARD and not has_consent:
        raise FileRefused(_("A copy of an identity card may only be kept with the customer's consent. Record the consent first."))


def _origin(session: CrmSession, customer: Customer, origin: Origin, number: int) -> int:
    own = select(origin.model.id).where(origin.model.id == number, origin.model.customer_id == customer.id)
    found: int | None = session.execute(own).scalar()
    if found is None:
        raise NotFound(_(origin.gone))
    return found


def attach(session: CrmSession, attachment: Attachment, customer: Customer) -> None:
    """Link a file to its customer and give it its name."""
    entry = get_library(session).presets[attachment.type]
    extension = attachment.filename.rpartition(".")[2]
    stem = f"{safe_name(customer.name)}-{localized(entry.name, None)}-{clock.today():%Y%m%d}"
    taken = set(session.execute(select(Attachment.filename).where(Attachment.customer_id == customer.id)).scalars())
    filename, number = f"{stem}.{extension}", 1
    while filename in taken:
        number += 1
        filename = f"{stem}-{number}.{extension}"
    attachment.customer_id, attachment.draft_id, attachment.filename = customer.id, None, filename
    session.add(attachment)
    session.flush()


def safe_name(name: str) -> str:
    """A name without characters that file systems refuse."""
    return "".join("_" if one in '\\/:*?"<>|' else one for one in clean_text(name))[:120].strip(". ") or "_"


def list_attachments(session: CrmSession, actor: Actor, *, customer_id: int | None = None, draft_id: str | None = None) -> list[Attachment]:
    """The files of a customer, or of one's own draft, latest first; a correction has those of its entry beside the new ones."""
    require(actor, Permission.CUSTOMER_CREATE if draft_id else Permission.CUSTOMER_READ)
    own = Attachment.customer_id == customer_id
    if draft_id:
        draft = get_draft(session, actor, draft_id)
        entry = select(Review.customer_id).where(Review.id == draft.review_id).scalar_subquery()
        own = or_(Attachment.draft_id == draft.id, Attachment.customer_id == entry)
    return list(session.execute(select(Attachment).where(own, *_readable(actor)).order_by(Attachment.id.desc())).scalars())


def _readable(actor: Actor) -> list[ColumnElement[bool]]:
    return [getattr(Attachment, name).is_(None) for name in _unread(actor)]


def _unread(actor: Actor) -> list[str]:
    """The columns of those records which the actor may not read."""
    return [name for name, origin in ORIGINS.items() if not actor.can(origin.reads)]


def open_attachment(session: CrmSession, actor: Actor, attachment_id: int) -> Download:
    """A file for download. Raises `NotFound` outside the actor's scope or for somebody else's draft; identity cards are logged."""
    require(actor, Permission.CUSTOMER_READ)
    row = session.execute(select(Attachment).where(Attachment.id == attachment_id), execution_options=unscoped).scalar_one_or_none()
    if row is None or (row.draft_id and row.uploaded_by_id != actor.id) or any(getattr(row, name) for name in _unread(actor)):
        raise NotFound
    if row.customer_id and not _is_live(session, row.customer_id) and not reads_entry(session, actor, row.customer_id):
        raise NotFound
    if row.type == IDENTITY_CARD:
        if not may_open(actor, row):
            raise NotFound
        audit.record(session, "viewed", row)
    return Download(row.filename, row.media_type, row.digest)


def may_open(actor: Actor, attachment: Attachment) -> bool:
    """Whether the actor may look at a file; a copy of an identity card shows the number, so it is like revealing that one."""
    if attachment.type != IDENTITY_CARD or attachment.uploaded_by_id == actor.id:
        return True
    return actor.can(Permission.SENSITIVE_REVEAL) and actor.access_to("identity_number") is not Access.HIDDEN


def _is_live(session: CrmSession, customer_id: int) -> bool:
    return session.execute(select(Customer.id).where(Customer.id == customer_id, Customer.is_open)).first() is not None


def delete_attachment(session: CrmSession, actor: Actor, attachment_id: int) -> None:
    """Take a file off its record; the log keeps its name. Raises `NotFound`, `NotAllowed`."""
    row = session.execute(select(Attachment).where(Attachment.id == attachment_id)).scalar_one_or_none()
    if row is None or (row.draft_id and row.uploaded_by_id != actor.id):
        raise NotFound
    is_corrected = _is_corrected(session, actor, row)
    usual = Permission.CONTRACT_WRITE if row.contract_id else Permission.CUSTOMER_EDIT
    require(actor, Permission.CUSTOMER_CREATE if row.draft_id or is_corrected else usual)
    if row.customer_id and not is_corrected:
        lock_listed(session, row.customer_id)
    session.delete(row)


def _is_corrected(session: CrmSession, actor: Actor, row: Attachment) -> bool:
    """Whether the file belongs to an entry that the actor corrects in a draft: a returned or withdrawn one of theirs."""
    drafts = select(Draft.id).join(Review, Review.id == Draft.review_id).join(Customer, Customer.id == Review.customer_id)
    own = (Customer.id == row.customer_id, Customer.place.in_(ENTRY), Draft.user_id == actor.id)
    return session.execute(drafts.where(*own)).first() is not None
