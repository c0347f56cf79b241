"""What one person perceives in Chromium: pages opening, filters, searches, a customer opened, a customer saved."""

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from playwright.sync_api import Page

from benchmarks import people, sales_rows, servers, workbench_rows
from benchmarks.core_rows import COMMON
from benchmarks.dataset import invent_customer
from benchmarks.measure import Row
from benchmarks.names import Inventor
from benchmarks.probe import CLICKS, Probe
from crm_core import clock, db
from crm_core.i18n import _
from crm_core.models import DEFAULT_STAGES, STAGES, Outcome
from crm_core.permissions import Actor
from crm_core.services import customer_list, drafts, jobs, library
from crm_core.services.customer_list import CustomerQuery
from crm_core.services.insight import boards
from crm_core.services.insight.question import Period, Question
from crm_core.services.opportunity_views import COLUMN_SIZE
from ui.guard import COOKIE

WHO = "administrator1"
OPENED = 20
SAVED = 12
BOARDS_OPENED = 12
TRACES = ".trace, .hm"
"""What plotly draws of each series; of a heat map."""


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """One window after the other, each signed in."""
    # Done before, since in a copy of the data all jobs are due, and would be measured with the first rows.
    jobs.run_due()
    with servers.running(servers.product(), health="/healthz") as server, Probe() as probe:
        user = User(probe, server.address)
        user.warm_up()
        for name, times in (
            ("load_cold", user.load_cold),
            ("load", user.load),
            ("first_click", user.first_click),
            ("filter", user.filter),
            ("page", user.turn_page),
            ("search", user.search),
            ("search_live", user.search_live),
            ("detail", user.open_detail),
            ("save", user.save),
        ):
            if is_wanted(f"browser.{name}"):
                yield Row(f"browser.{name}", times())
        for key in boards.BOARDS:
            if is_wanted(f"browser.dashboard.{key}"):
                yield Row(f"browser.dashboard.{key}", user.open_dashboard(key))
    if is_wanted("browser.workbench"):
        with workbench_rows.busy_data(), servers.running(servers.product(), health="/healthz") as server, Probe() as probe:
            user = User(probe, server.address, workbench_rows.WHO)
            user.warm_up()
            yield Row("browser.workbench", user.open_workbench())
    for name, crowded in (("browser.board", False), ("browser.board_crowded", True)):
        if is_wanted(name):
            data = sales_rows.full_board(crowded=crowded)
            with data, servers.running(servers.product(), health="/healthz") as server, Probe() as probe:
                user = User(probe, server.address, sales_rows.WHO)
                user.warm_up()
                yield Row(name, user.open_board())


class User:
    """The person at the browser; every method returns the milliseconds of its repetitions."""

    def __init__(self, probe: Probe, address: str, who: str = WHO) -> None:
        self.probe, self.address = probe, address
        self.actor: Actor = people.actor(who)
        self.token = people.sign_in_as(who)
        self.new_window()

    def new_window(self) -> None:
        """A browser that has cached nothing, signed in."""
        self.probe.new_window(name=COOKIE, value=self.token, url=self.address)

    def warm_up(self) -> None:
        """What the first visitor of all pays is not what people feel every day."""
        for page in ("customers", "overview", "intake"):
            self.probe.open(f"{self.address}/{page}", "document.querySelector('h1')")
        self._open_list()

    def _open_list(self) -> float:
        took = self.probe.open(f"{self.address}/customers", self._painted(CustomerQuery()))
        self.probe.pause()
        return took

    def _painted(self, query: CustomerQuery) -> str:
        """JavaScript: the first and the last row are there, and the line below them tells the count and the rows."""
        with db.reading(self.actor) as session:
            page = customer_list.list_customers(session, self.actor, query)
        told = _("more than {total} customers") if page.is_capped else _("{total} customers")
        first = (page.page - 1) * page.size + 1
        span = _("rows {first} to {last}").format(first=first, last=first + len(page.rows) - 1)
        caption = f"{told.format(total=f'{page.total:,}')} · {span}"
        rows = json.dumps([page.rows[0].code, page.rows[-1].code])
        return f"{TOLD}('customers', {rows}) && {TOLD}('list_footer', {json.dumps([caption])})"

    def load_cold(self) -> list[float]:
        """The list, by somebody who was never here."""
        times = []
        for _place in range(5):
            self.probe.context.close()
            self.new_window()
            times.append(self._open_list())
        return times

    def load(self) -> list[float]:
        """The list, opened or loaded again by somebody who was here before."""
        return [self._open_list() for _place in range(OPENED)]

    def first_click(self) -> list[float]:
        """The first filter after the page was opened."""
        times = []
        for stage in list(STAGES) * 2:
            self._open_list()
            times.append(self._filter(stage, CustomerQuery(filters=(("stage", (stage,)),))))
        return times

    def filter(self) -> list[float]:
        """A type chosen and taken back."""
        self._open_list()
        times = []
        for stage in itertools.islice(itertools.cycle(STAGES), CLICKS // 2 + 1):
            times.append(self._filter(stage, CustomerQuery(filters=(("stage", (stage,)),))))
            times.append(self._filter(stage, CustomerQuery()))
        return times[2:]

    def _filter(self, stage: str, query: CustomerQuery) -> float:
        pill = self.probe.page.locator(".st-key-stage_bar button", has_text=_(STAGES[stage])).first
        took = self.probe.measure(lambda _page: pill.click(), self._painted(query))
        self.probe.pause()
        return took

    def turn_page(self) -> list[float]:
        """The next page of the list."""
        self._open_list()
        times = []
        for number in range(2, CLICKS + 4):
            button = self.probe.page.locator(".st-key-list_footer .pages button").last
            times.append(self.probe.measure(lambda _page, next_one=button: next_one.click(), self._painted(CustomerQuery(page=number))))
            self.probe.pause()
        return times[2:]

    def search(self) -> list[float]:
        """A phrase and Enter, from the key."""
        return self._search(lambda field, phrase: (field.fill(phrase), field.press("Enter")), "keydown")

    def search_live(self) -> list[float]:
        """A phrase without Enter, from the last letter: with the pause after which the list searches by itself."""
        return self._search(lambda field, phrase: field.fill(phrase), "input")

    def _search(self, act: Callable[[Any, str], object], event: str) -> list[float]:
        self._open_list()
        inventor = Inventor(11)
        phrases = [
            phrase for pair in zip(COMMON * 2, (inventor.company()[0][2:4] for _place in range(CLICKS)), strict=False) for phrase in pair
        ]
        field = self.probe.page.locator(".st-key-list_search input")
        times = []
        for phrase in phrases[: CLICKS + 2]:
            painted = self._painted(CustomerQuery(phrase=phrase))
            times.append(self.probe.measure(lambda _page, words=phrase: act(field, words), painted, event))
            self.probe.page.wait_for_timeout(400)
        return times[2:]

    def open_detail(self) -> list[float]:
        """A click on a name in the list."""
        times = []
        for place in range(OPENED):
            self._open_list()
            with db.reading(self.actor) as session:
                row = customer_list.list_customers(session, self.actor, CustomerQuery()).rows[place % 14]
            name = self.probe.page.locator(".st-key-customers .name", has_text=row.name).first
            painted = f"{_titled(row.name)} && {_shown(row.code)} && {_shown(_(LAST))}"
            times.append(self.probe.measure(lambda _page, to=name: to.click(), painted))
        return times[1:]

    def open_dashboard(self, key: str) -> list[float]:
        """A click on the name of a board whose figures are known, until its last chart is drawn."""
        other = next(one for one in boards.BOARDS if one != key)
        drawn, drawn_before = self._drawn(key), self._drawn(other)
        self.probe.open(f"{self.address}/overview?board={other}", drawn_before)
        self.probe.pause()
        times = []
        for _place in range(BOARDS_OPENED):
            times.append(self.probe.measure(lambda _page: self._board(key).click(), drawn))
            self.probe.pause()
            self.probe.measure(lambda _page: self._board(other).click(), drawn_before)
            self.probe.pause()
        return times[2:]

    def _board(self, key: str) -> Any:
        return self.probe.page.locator(".st-key-board button", has_text=_(boards.BOARDS[key].title)).first

    def _drawn(self, key: str) -> str:
        """JavaScript: every chart of the board that has something to draw has drawn it."""
        today = clock.today()
        with db.reading(self.actor) as session:
            library.get_library(session)
            board = boards.answer(session, self.actor, key, Question(Period(date(today.year, 1, 1), today)))
        charts = [chart.key for chart in board.charts if chart.has_values]
        return f"{json.dumps(charts)}.every((one) => document.querySelector(`.st-key-card_chart_{key}_${{one}} :is({TRACES})`))"

    def open_workbench(self) -> list[float]:
        """The start page from the navigation, until the blocks of tasks and of customers without a next step are there."""
        times = []
        for _place in range(OPENED):
            self._open_list()
            link = self.probe.page.locator(".st-key-navigation a").first
            blocks = " && ".join(f"{ROWS}('{block}')" for block in ("duties", "no_step"))
            times.append(self.probe.measure(lambda _page, to=link: to.click(), f"{_titled(_('Workbench'))} && {blocks}"))
        return times[1:]

    def open_board(self) -> list[float]:
        """The opportunities from the navigation, until the first cards of every open stage are on the board."""
        cards = COLUMN_SIZE * sum(stage["outcome"] == Outcome.OPEN for stage in DEFAULT_STAGES)
        times = []
        for _place in range(OPENED):
            self._open_list()
            link = self.probe.page.locator('.st-key-navigation a[href="/opportunities"]')
            drawn = f"{_titled(_('Opportunities'))} && {CARDS} >= {cards}"
            times.append(self.probe.measure(lambda _page, to=link: to.click(), drawn))
        return times[1:]

    def save(self) -> list[float]:
        """The last click of an entry, until the new customer's page is there."""
        inventor = Inventor(13)
        times = []
        while len(times) < SAVED:
            values, people_of = invent_customer(inventor)
            with db.transaction(self.actor) as session:
                draft = drafts.start_draft(session, self.actor, {**values, "contacts": people_of})
            self.probe.open(f"{self.address}/intake?draft={draft}", _shown(_("Submit")))
            self.probe.pause()
            self._confirm(self.probe.page)
            done = f"{_titled(values['name'])} && {_shown(_(LAST))} && !document.querySelector('[role=dialog]')"
            times.append(self.probe.measure(lambda page: _button(page, "Save customer").click(), done))
        return times[1:]

    def _confirm(self, page: Page) -> None:
        _button(page, "Submit").click()
        page.get_by_text(_("Name and phone are right")).click()
        page.wait_for_timeout(500)


def _button(page: Page, name: str) -> Any:
    return page.get_by_role("button", name=_(name)).last


TOLD = """((key, texts) => [...document.querySelectorAll(`.st-key-${key} *`)]
  .some((one) => texts.every((text) => one.shadowRoot?.textContent.includes(text))))"""
"""JavaScript: whether a component of our own, which stands in a root of its own, shows these texts."""
ROWS = """((block) => [...document.querySelectorAll('.st-key-bench *')]
  .some((one) => (one.shadowRoot ?? one).querySelector(`[data-block="${block}"] .row`)))"""
"""JavaScript: whether a block of the workbench has its rows, which stand in a root of their own."""
CARDS = """[...document.querySelectorAll('.st-key-opportunity_board *')]
  .map((one) => (one.shadowRoot ?? one).querySelectorAll('.card').length).reduce((most, count) => Math.max(most, count), 0)"""
"""JavaScript: how many cards the board shows, which may stand in a root of its own."""
LAST = "Write a follow-up in one line"
"""What is drawn last of a customer's page: the head of its open tab."""


def _shown(text: str) -> str:
    return f"document.body.textContent.includes({json.dumps(text)})"


def _titled(text: str) -> str:
    return f"document.querySelector('h1')?.textContent.includes({json.dumps(text)})"
