"""Running an import: chunk by chunk, each in a transaction of its own.

One transaction for a whole file would be simpler, but would keep every other writer waiting for as long as a long file takes.
A chunk is checked before its transaction begins, so the database is held for well under a second. Should the
machine stop half-way, what was written stands, the import's record says how much, and the same file again with
`skip` adds the rest.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import perf_counter

from crm_core import audit
from crm_core.db import CrmSession, reading, transaction
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import ImportBatch
from crm_core.permissions import Actor, Permission, require
from crm_core.services.imports.accounts import Accounts
from crm_core.services.imports.contracts import Contracts
from crm_core.services.imports.customers import Customers
from crm_core.services.imports.intake import Intake, Run
from crm_core.services.imports.kinds import CONTRACT, CUSTOMER, KINDS, OPPORTUNITY, PRODUCT, USER
from crm_core.services.imports.opportunities import Opportunities
from crm_core.services.imports.plan import ImportPlan, ImportResult, OnDuplicate
from crm_core.services.imports.products import Products
from crm_core.services.imports.table import Row, Table
from crm_core.services.imports.undoing import note_created
from crm_core.services.library import get_library

CHUNK = 500
COUNTS = ("rows", "created", "updated", "skipped", "failed", "incomplete")
INTAKES: dict[str, Callable[[Run], Intake]] = {
    CUSTOMER: Customers,
    PRODUCT: Products,
    USER: Accounts,
    OPPORTUNITY: Opportunities,
    CONTRACT: Contracts,
}

Progress = Callable[[int, int], None]


def run_import(actor: Actor, table: Table, plan: ImportPlan, *, dry_run: bool = False, progress: Progress | None = None) -> ImportResult:
    """Import the rows of a table; with `dry_run` only say what would happen. Opens its own transactions.

    Each row is imported whole or not at all. Raises `NotAllowed`; `FileRefused` if no column carries what every row needs;
    `ValidationFailed` for a default that breaks its rule, and for a way with duplicates that the kind does not know.
    """
    _refuse(actor, plan)
    begun = perf_counter()
    with reading(actor) as session:
        library = get_library(session)
    run = Run(actor, table, plan, library, writes=not dry_run)
    for done in _chunks(run, INTAKES[plan.kind](run)):
        if progress:
            progress(done, len(table.rows))
    run.result.seconds = round(perf_counter() - begun, 3)
    return run.result


def _refuse(actor: Actor, plan: ImportPlan) -> None:
    kind = KINDS[plan.kind]
    for permission in kind.permissions:
        require(actor, permission)
    if plan.on_duplicate not in kind.on_duplicate:
        sentence = _("Rows of this kind that are there already are skipped. Choose that.")
        raise ValidationFailed({"on_duplicate": [sentence]})
    if plan.kind == CUSTOMER and plan.on_duplicate is OnDuplicate.UPDATE:
        require(actor, Permission.CUSTOMER_EDIT)


def _chunks(run: Run, intake: Intake) -> Iterator[int]:
    """Work through the table; yields the number of rows done after every chunk."""
    batch_id = 0
    for rows in _parts(run.table.rows, intake):
        entries = [intake.read(row) for row in rows]
        with _session(run, intake) as session:
            intake.take(session, entries)
            run.result.rows += len(entries)
            if run.writes:
                batch_id = _keep_record(session, run, batch_id)
                if run.result.rows == len(run.table.rows):
                    intake.finish(session)
                    _log(session, batch_id)
        yield run.result.rows


def _parts(rows: Sequence[Row], intake: Intake) -> Iterator[Sequence[Row]]:
    """The rows in chunks. Those that are one record lie in one chunk, that of the first of them, wherever in the file they stand."""
    if not intake.key:
        yield from (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))
        return
    records: dict[str | int, list[Row]] = {}
    for row in rows:
        records.setdefault(intake.key_of(row) or row.number, []).append(row)
    part: list[Row] = []
    for record in records.values():
        if part and len(part) + len(record) > CHUNK:
            yield part
            part = []
        part += record
    if part:
        yield part


class _Tried(Exception):
    """Ends a transaction that was only a trial."""


@contextmanager
def _session(run: Run, intake: Intake) -> Iterator[CrmSession]:
    if not run.writes and not intake.tries:
        with reading(run.actor) as session:
            yield session
        return
    with suppress(_Tried), transaction(run.actor, reason=run.reason) as session:
        intake.begin(session)
        yield session
        if not run.writes:
            raise _Tried


def _keep_record(session: CrmSession, run: Run, batch_id: int) -> int:
    batch = session.get(ImportBatch, batch_id) or ImportBatch(filename=run.table.filename[:300], user_id=run.actor.id)
    session.add(batch)
    for name in COUNTS:
        setattr(batch, name, getattr(run.result, name))
    session.flush()
    note_created(session, run, batch.id, part=run.result.rows)
    return batch.id


def _log(session: CrmSession, batch_id: int) -> None:
    batch = session.get_one(ImportBatch, batch_id)
    audit.record(session, "imported", batch, new=", ".join(f"{name} {getattr(batch, name)}" for name in COUNTS))
