"""Running an import: chunk by chunk, each in a transaction of its own.

One transaction for a whole file would be simpler, but would keep every other writer waiting for as long as a long file takes.
A chunk is checked before its transaction begins, so the database is held for well under a second. Should the
machine stop half-way, what was written stands, the import's record says how much, and the same file again with
`skip` adds the rest.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

from sqlalchemy import select

from crm_core import audit
from crm_core.db import CrmSession, reading, transaction
from crm_core.i18n import _
from crm_core.models import Customer, ImportBatch
from crm_core.numbering import customer_codes
from crm_core.permissions import Actor, Permission, require
from crm_core.services.customers import hand_in
from crm_core.services.entry import stage_refusal
from crm_core.services.imports.matches import Match, Matches
from crm_core.services.imports.plan import ImportPlan, ImportResult, OnDuplicate
from crm_core.services.imports.rows import Entry, RowReader
from crm_core.services.imports.table import Table
from crm_core.services.imports.updating import Update, Updates
from crm_core.services.imports.writing import write_entries
from crm_core.services.library import get_library
from crm_core.services.notices import notify
from crm_core.services.review_rules import get_rules

CHUNK = 500
COUNTS = ("rows", "created", "updated", "skipped", "failed", "incomplete")

Progress = Callable[[int, int], None]


def run_import(actor: Actor, table: Table, plan: ImportPlan, *, dry_run: bool = False, progress: Progress | None = None) -> ImportResult:
    """Import the rows of a table; with `dry_run` only say what would happen. Opens its own transactions.

    Each row is imported whole or not at all. Raises `NotAllowed`; `FileRefused` if no column carries the name;
    `ValidationFailed` for a default that breaks its rule.
    """
    require(actor, Permission.CUSTOMER_IMPORT)
    if plan.on_duplicate is OnDuplicate.UPDATE:
        require(actor, Permission.CUSTOMER_EDIT)
    begun = perf_counter()
    with reading(actor) as session:
        library = get_library(session)
    run = _Run(actor, table, plan, RowReader(library, table, plan), dry_run=dry_run)
    for done in run.chunks():
        if progress:
            progress(done, len(table.rows))
    run.result.seconds = round(perf_counter() - begun, 3)
    return run.result


class _Run:
    """One run of one table: its counts, and what it has met so far."""

    def __init__(self, actor: Actor, table: Table, plan: ImportPlan, reader: RowReader, *, dry_run: bool) -> None:
        self.actor, self.table, self.plan, self.reader = actor, table, plan, reader
        self.writes = not dry_run
        self.result = ImportResult()
        self.matches = Matches()
        self.reason = _("Import of {filename}").format(filename=table.filename)[:300]
        self.batch_id = 0
        self.waiting: Counter[int] = Counter()

    def chunks(self) -> Iterator[int]:
        """Work through the table; yields the number of rows done after every chunk."""
        rows = self.table.rows
        for start in range(0, len(rows), CHUNK):
            entries = [self.reader.read(row) for row in rows[start : start + CHUNK]]
            with self._session() as session:
                self._take(session, entries)
                if self.writes:
                    self._keep_record(session, is_last=start + CHUNK >= len(rows))
            yield start + len(entries)

    @contextmanager
    def _session(self) -> Iterator[CrmSession]:
        with transaction(self.actor, reason=self.reason) if self.writes else reading(self.actor) as session:
            if self.writes:
                # Locks the numbering, so that whoever enters the same customer at this moment is seen by the search for duplicates.
                customer_codes(session, 0)
            yield session

    def _take(self, session: CrmSession, entries: Sequence[Entry]) -> None:
        self.matches.load(session, self.actor, entries)
        new: list[tuple[Entry, Match]] = []
        updates: list[tuple[Entry, Match]] = []
        repeated: set[int] = set()
        for entry in entries:
            match = self.matches.find(entry)
            if match and self.plan.on_duplicate is OnDuplicate.UPDATE:
                updates.append((entry, match))
            elif entry.checked.errors:
                self.result.fail(entry.number, entry.checked.errors)
            elif match and self.plan.on_duplicate is OnDuplicate.SKIP:
                self.result.skip(entry.number, _("This customer exists already: same name, credit code or identity number."))
            elif refusal := stage_refusal(self.actor, entry.checked.values["stage"]):
                self.result.fail(entry.number, {"stage": [refusal]})
            else:
                repeated |= {entry.number} if match else set()
                new.append((entry, self.matches.add(entry)))
        self._create(session, new, frozenset(repeated))
        if updates:
            self._update(session, updates)
        self.result.rows += len(entries)

    def _create(self, session: CrmSession, new: Sequence[tuple[Entry, Match]], repeated: frozenset[int]) -> None:
        entries = [entry for entry, _match in new]
        if self.writes:
            ids = write_entries(session, self.actor, entries, reason=self.reason, duplicates=repeated)
            for (_entry, match), customer_id in zip(new, ids, strict=True):
                match.id = customer_id
            self._hand_in(session, ids)
        self.result.created += len(entries)
        self.result.incomplete += sum(entry.is_incomplete for entry in entries)

    def _hand_in(self, session: CrmSession, ids: Sequence[int]) -> None:
        """Imported rows follow the rules of review like entries by hand."""
        if not get_rules(session)[0]:
            return
        for customer in session.execute(select(Customer).where(Customer.id.in_(ids)).order_by(Customer.id)).scalars():
            reviewers = hand_in(session, self.actor, customer)
            self.waiting.update(reviewers)
            self.result.waiting += bool(reviewers)

    def _update(self, session: CrmSession, matched: Sequence[tuple[Entry, Match]]) -> None:
        ids = [match.id for _entry, match in matched if match.id and match.is_visible]
        updates = Updates(session, self.actor, self.reader, ids, writes=self.writes)
        for entry, match in matched:
            if match.is_visible and match.id is None:
                self._count(entry, Update(entry.checked.errors, has_news=True))  # a dry run: it stands further up in the same file
            elif match.id in updates.customers:
                self._count(entry, updates.update(updates.customers[match.id], entry))
            else:
                self.result.skip(entry.number, _("This customer exists already, but you may not change it. Ask an administrator to do so."))
        updates.finish()

    def _count(self, entry: Entry, update: Update) -> None:
        if update.errors:
            self.result.fail(entry.number, update.errors)
        elif update.has_news:
            self.result.updated += 1
        else:
            self.result.skip(entry.number, _("This customer exists already, and the row says nothing new."))

    def _keep_record(self, session: CrmSession, *, is_last: bool) -> None:
        batch = session.get(ImportBatch, self.batch_id) or ImportBatch(filename=self.table.filename[:300], user_id=self.actor.id)
        session.add(batch)
        for name in COUNTS:
            setattr(batch, name, getattr(self.result, name))
        session.flush()
        self.batch_id = batch.id
        if is_last:
            for reviewer, count in self.waiting.items():
                notify(session, [reviewer], "review_imported", {"name": self.actor.name, "count": count}, path="/reviews")
            counts = ", ".join(f"{name} {getattr(batch, name)}" for name in COUNTS)
            audit.record(session, "imported", batch, new=counts)
