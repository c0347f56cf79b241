"""Rows that become customers: new ones, those that exist already, and what review makes of them."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.i18n import _
from crm_core.models import Customer
from crm_core.numbering import customer_codes
from crm_core.services.customers import hand_in
from crm_core.services.entry import stage_refusal
from crm_core.services.imports.intake import Run
from crm_core.services.imports.matches import Match, Matches
from crm_core.services.imports.plan import OnDuplicate
from crm_core.services.imports.rows import Entry, RowReader
from crm_core.services.imports.table import Row
from crm_core.services.imports.updating import Update, Updates
from crm_core.services.imports.writing import write_entries
from crm_core.services.notices import notify
from crm_core.services.review_rules import get_rules


class Customers:
    """The customers of one run, and what it has met so far."""

    tries = False
    key = ""

    def __init__(self, run: Run) -> None:
        """Raises `FileRefused` if no column carries the name, `ValidationFailed` for a default that breaks its rule."""
        self.run, self.actor, self.result = run, run.actor, run.result
        self.reader = RowReader(run.library, run.table, run.plan)
        self.matches = Matches()
        self.waiting: Counter[int] = Counter()

    def read(self, row: Row) -> Entry:
        """Check one row."""
        return self.reader.read(row)

    def key_of(self, _row: Row) -> str:
        """Each row is a customer."""
        return ""

    def begin(self, session: CrmSession) -> None:
        """Lock the numbering, so that whoever enters the same customer at this moment is seen by the search for duplicates."""
        customer_codes(session, 0)

    def take(self, session: CrmSession, entries: Sequence[Entry]) -> None:
        """Create, update, skip or fail each row."""
        self.matches.load(session, self.actor, entries)
        new: list[tuple[Entry, Match]] = []
        updates: list[tuple[Entry, Match]] = []
        repeated: set[int] = set()
        on_duplicate = self.run.plan.on_duplicate
        for entry in entries:
            match = self.matches.find(entry)
            if match and on_duplicate is OnDuplicate.UPDATE:
                updates.append((entry, match))
            elif entry.checked.errors:
                self.result.fail(entry.number, entry.checked.errors)
            elif match and on_duplicate is OnDuplicate.SKIP:
                self.result.skip(entry.number, _("This customer exists already: same name, credit code or identity number."))
            elif refusal := stage_refusal(self.actor, entry.checked.values["stage"]):
                self.result.fail(entry.number, {"stage": [refusal]})
            else:
                repeated |= {entry.number} if match else set()
                new.append((entry, self.matches.add(entry)))
        self._create(session, new, frozenset(repeated))
        if updates:
            self._update(session, updates)

    def finish(self, session: CrmSession) -> None:
        """Tell each reviewer once what waits for them."""
        for reviewer, count in self.waiting.items():
            notify(session, [reviewer], "review_imported", {"name": self.actor.name, "count": count}, path="/reviews")

    def _create(self, session: CrmSession, new: Sequence[tuple[Entry, Match]], repeated: frozenset[int]) -> None:
        entries = [entry for entry, _match in new]
        if self.run.writes:
            ids = write_entries(session, self.actor, entries, reason=self.run.reason, duplicates=repeated)
            for (_entry, match), customer_id in zip(new, ids, strict=True):
                match.id = customer_id
            self.run.made += ids
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
        updates = Updates(session, self.actor, self.reader, ids, writes=self.run.writes)
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
