"""Files: recognised by content, limited in size, named by rule, stored once, given out only to those who may see them."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from crm_core import clock
from crm_core.config import MAX_ATTACHMENT_BYTES, settings
from crm_core.db import reading, transaction
from crm_core.errors import FileRefused, NotAllowed, NotFound
from crm_core.models import Attachment, Customer
from crm_core.permissions import Actor, Permission
from crm_core.services.attachments import (
    IDENTITY_CARD,
    add_attachment,
    delete_attachment,
    list_attachments,
    open_attachment,
    safe_name,
)
from crm_core.services.customers import delete_customer
from crm_core.services.drafts import discard_draft, start_draft
from crm_core.services.file_store import KEPT_UNUSED, recognise, remove_unused_files, store_file
from tests import factories
from tests.core.sentences import is_sentence

LICENCE = "attachment_type.business_licence"


@pytest.fixture
def customer(database: str, sales: Actor) -> Customer:
    return factories.make_customer(sales, name="杭州恒远机械有限公司")


def add(actor: Actor, customer: Customer | None = None, *, content: bytes = factories.PDF, type: str = LICENCE, **over: Any) -> Attachment:
    with transaction(actor) as session:
        return add_attachment(session, actor, file=store_file(content), type=type, customer_id=customer.id if customer else None, **over)


def files_of(actor: Actor, customer: Customer) -> list[str]:
    with reading(actor) as session:
        return [row.filename for row in list_attachments(session, actor, customer_id=customer.id)]


def stored_files() -> list[Path]:
    return [path for path in Path(settings().files_location).rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("content", "media_type", "extension"),
    [
        (factories.PDF, "application/pdf", "pdf"),
        (factories.PNG, "image/png", "png"),
        (factories.JPG, "image/jpeg", "jpg"),
    ],
)
def test_pdf_jpg_and_png_are_kept_and_named_by_the_rule(
    customer: Customer, sales: Actor, content: bytes, media_type: str, extension: str
) -> None:
    made = add(sales, customer, content=content)
    name = f"杭州恒远机械有限公司-营业执照-{clock.today():%Y%m%d}.{extension}"
    assert (made.filename, made.media_type, made.size) == (name, media_type, len(content))
    with reading(sales) as session:
        download = open_attachment(session, sales, made.id)
    assert (download.filename, download.media_type, download.content) == (name, media_type, content)
    (line,) = factories.log_of("attachment", made.id, action="created")
    assert (line.subject, line.customer_id, line.actor_id) == (name, customer.id, sales.id)


@pytest.mark.parametrize(
    "content", [b"MZ\x90\x00 an executable", b"PK\x03\x04 a zip", b"<html></html>", b"<svg/>", b"GIF89a", b" %PDF-1.7", b"\x00"]
)
def test_a_program_renamed_to_pdf_is_refused_by_its_content(customer: Customer, sales: Actor, content: bytes) -> None:
    with pytest.raises(FileRefused) as refusal:
        add(sales, customer, content=content)
    assert is_sentence(str(refusal.value))
    assert files_of(sales, customer) == []
    assert stored_files() == []


def test_ten_megabytes_are_the_limit(customer: Customer, sales: Actor) -> None:
    largest = factories.PDF + bytes(MAX_ATTACHMENT_BYTES - len(factories.PDF))
    assert add(sales, customer, content=largest).size == 10 * 1024 * 1024
    with pytest.raises(FileRefused) as refusal:
        add(sales, customer, content=largest + b"\x00")
    assert is_sentence(str(refusal.value))
    with pytest.raises(FileRefused):
        add(sales, customer, content=b"")
    assert len(files_of(sales, customer)) == 1


def test_an_identity_card_needs_the_consent_of_the_customer(customer: Customer, sales: Actor) -> None:
    with pytest.raises(FileRefused) as refusal:
        add(sales, customer, type=IDENTITY_CARD)
    assert is_sentence(str(refusal.value))
    assert add(sales, customer, type=IDENTITY_CARD, has_consent=True).has_consent


def test_a_look_at_an_identity_card_is_logged_and_limited(customer: Customer, sales: Actor, manager: Actor, administrator: Actor) -> None:
    card = add(manager, customer, type=IDENTITY_CARD, has_consent=True)
    with transaction(manager) as session:
        open_attachment(session, manager, card.id)
    (line,) = factories.log_of("attachment", card.id, action="viewed")
    assert (line.actor_id, line.customer_id) == (manager.id, customer.id)
    with transaction(sales) as session, pytest.raises(NotFound):
        open_attachment(session, sales, card.id)
    assert len(factories.log_of("attachment", card.id, action="viewed")) == 1


def test_a_kind_of_document_outside_the_library_is_refused(customer: Customer, sales: Actor) -> None:
    with pytest.raises(FileRefused):
        add(sales, customer, type="source.exhibition")


def test_the_same_content_is_stored_once(customer: Customer, sales: Actor) -> None:
    other = factories.make_customer(sales)
    first, second = add(sales, customer), add(sales, other)
    assert first.digest == second.digest
    assert len(stored_files()) == 1
    with transaction(sales) as session:
        delete_attachment(session, sales, first.id)
    with reading(sales) as session:
        assert open_attachment(session, sales, second.id).content == factories.PDF


def test_a_file_that_no_row_names_is_removed_after_an_hour(customer: Customer, sales: Actor) -> None:
    kept, removed = add(sales, customer), add(sales, customer, content=factories.PNG)
    with transaction(sales) as session:
        delete_attachment(session, sales, removed.id)
    just_stored = store_file(factories.JPG)
    unfinished = Path(settings().files_location) / kept.digest[:2] / f"{kept.digest}.0123abcd"
    unfinished.write_bytes(b"%PDF-")
    assert clean() == 0
    age(*(path for path in stored_files() if just_stored.digest not in path.name))
    assert clean() == 2
    assert {path.name for path in stored_files()} == {kept.digest, just_stored.digest}
    with reading(sales) as session:
        assert open_attachment(session, sales, kept.id).content == factories.PDF


def test_a_file_stored_again_counts_as_new(customer: Customer, sales: Actor) -> None:
    stored = store_file(factories.PDF)
    age(*stored_files())
    assert store_file(factories.PDF) == stored
    assert clean() == 0
    assert [path.name for path in stored_files()] == [stored.digest]


def test_without_files_there_is_nothing_to_remove(sqlite_database: str) -> None:
    assert clean() == 0


def clean() -> int:
    with reading() as session:
        return remove_unused_files(session)


def age(*paths: Path) -> None:
    """Make files older than what may still be waiting for its row."""
    then = (clock.now() - KEPT_UNUSED - timedelta(minutes=1)).timestamp()
    for path in paths:
        os.utime(path, (then, then))


def test_a_write_that_breaks_off_leaves_no_file_under_a_digest(sqlite_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(_self: object, path: str, value: bytes, **_options: object) -> None:
        Path(path).write_bytes(value[:3])
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "pipe_file", break_off)
        with pytest.raises(OSError, match="space"):
            store_file(factories.PDF)
    age(*stored_files())
    assert (len(stored_files()), clean()) == (1, 1)
    assert store_file(factories.PDF).size == len(factories.PDF)


def test_a_second_file_of_a_kind_gets_a_number(customer: Customer, sales: Actor) -> None:
    day = f"{clock.today():%Y%m%d}"
    for _time in range(3):
        add(sales, customer)
    stem = f"杭州恒远机械有限公司-营业执照-{day}"
    assert set(files_of(sales, customer)) == {f"{stem}.pdf", f"{stem}-2.pdf", f"{stem}-3.pdf"}


def test_the_files_of_a_draft_become_the_customers(database: str, sales: Actor, stranger: Actor) -> None:
    with transaction(sales) as session:
        draft = start_draft(session, sales, {})
    waiting = add(sales, draft_id=draft)
    with reading(stranger) as session:
        with pytest.raises(NotFound):
            open_attachment(session, stranger, waiting.id)
        with pytest.raises(NotFound):
            list_attachments(session, stranger, draft_id=draft)
    with pytest.raises(NotFound):
        add(stranger, draft_id=draft)
    with pytest.raises(NotFound), transaction(stranger) as session:
        delete_attachment(session, stranger, waiting.id)
    made = factories.make_customer(sales, name="杭州恒远机械有限公司", draft_id=draft)
    assert files_of(sales, made) == [f"杭州恒远机械有限公司-营业执照-{clock.today():%Y%m%d}.pdf"]
    with reading(sales) as session:
        assert session.get(Attachment, waiting.id).draft_id is None


def test_a_discarded_draft_takes_its_files_along(database: str, sales: Actor) -> None:
    with transaction(sales) as session:
        draft = start_draft(session, sales, {})
    waiting = add(sales, draft_id=draft)
    with transaction(sales) as session:
        discard_draft(session, sales, draft)
    with reading(sales) as session:
        assert session.get(Attachment, waiting.id) is None
    (line,) = factories.log_of("attachment", waiting.id, action="deleted")
    assert (line.subject, line.actor_id) == (waiting.filename, sales.id)


def test_a_removed_file_leaves_its_name_in_the_log(customer: Customer, sales: Actor) -> None:
    made = add(sales, customer)
    with transaction(sales) as session:
        delete_attachment(session, sales, made.id)
    assert files_of(sales, customer) == []
    (line,) = factories.log_of("attachment", made.id, action="deleted")
    assert (line.subject, line.customer_id) == (made.filename, customer.id)


def test_files_of_a_deleted_customer_are_not_given_out(customer: Customer, sales: Actor, manager: Actor) -> None:
    made = add(sales, customer)
    with transaction(manager) as session:
        delete_customer(session, manager, customer.id)
    with reading(sales) as session, pytest.raises(NotFound):
        open_attachment(session, sales, made.id)
    with pytest.raises(NotFound):
        add(sales, customer)


def test_adding_and_removing_need_the_permission_to_edit(customer: Customer, sales: Actor) -> None:
    made = add(sales, customer)
    reader = Actor(id=sales.id, name="只读", permissions=frozenset({Permission.CUSTOMER_READ}))
    with pytest.raises(NotAllowed):
        add(reader, customer)
    with pytest.raises(NotAllowed), transaction(reader) as session:
        delete_attachment(session, reader, made.id)
    assert len(files_of(sales, customer)) == 1


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/b\\c:d", "a_b_c_d"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("...", "_"),
        ("恒远\x00\u202e公司", "恒远公司"),
        ("长" * 200, "长" * 120),
    ],
)
def test_a_name_becomes_one_that_every_file_system_takes(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_recognising_needs_the_whole_signature() -> None:
    with pytest.raises(FileRefused):
        recognise(b"%PDF")
