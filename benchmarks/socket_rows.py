"""The whole server under load: real sessions of people of every role, over the websocket that browsers use."""

import itertools
import random
from collections.abc import Callable, Iterator

from benchmarks import people, servers
from benchmarks.core_rows import COMMON
from benchmarks.load import SESSIONS, closed_loop
from benchmarks.measure import Row
from benchmarks.names import Inventor
from benchmarks.tab import Tab
from crm_core.services import jobs
from ui.guard import COOKIE

OWN_CUSTOMERS = 200


class Person:
    """Somebody at work in one tab: opens pages and changes widgets, and looks whether the answer came."""

    def __init__(self, address: str, username: str) -> None:
        self.random = random.Random(username)
        self.tab = Tab(f"{address}/customers", cookie=f"{COOKIE}={people.sign_in_as(username)}")
        self.codes = itertools.cycle(people.codes(OWN_CUSTOMERS, username))
        inventor = Inventor(len(username))
        self.phrases = itertools.cycle([*COMMON, *(inventor.company()[0][2:4] for _place in range(60))])
        self.pages = itertools.cycle([*range(2, 42), *range(41, 1, -1)])

    def close(self) -> None:
        """Close the tab."""
        self.tab.close()

    def turn_page(self) -> float:
        """The next page of the list: only its fragment runs."""
        page = next(self.pages)
        took = self.tab.tell("list_footer", "turned", {"page": page})
        self.tab.expect(f"{(page - 1) * 50 + 1}")
        return took

    def open_list(self) -> float:
        """The list as when it is opened: the whole script runs."""
        took = self.tab.open("customers", f"page={next(self.pages)}")
        assert self.tab.tables, "no table"
        return took

    def search(self) -> float:
        """Another phrase in the list's search field."""
        return self.tab.set("q", "string_value", next(self.phrases))

    def open_detail(self) -> float:
        """A customer's page."""
        code = next(self.codes)
        took = self.tab.open("customer", f"code={code}")
        self.tab.expect(code)
        return took

    def open_overview(self) -> float:
        """The dashboard."""
        took = self.tab.open("overview")
        assert self.tab.charts, "no charts"
        return took


ACTS: dict[str, Callable[[Person], float]] = {
    "list": Person.turn_page,
    "list_full": Person.open_list,
    "search": Person.search,
    "detail": Person.open_detail,
    "dashboard": Person.open_overview,
}


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """Each thing people do most, with 1 and with 8 sessions."""
    # Done before, since in a copy of the data all jobs are due, and would be measured with the first rows.
    jobs.run_due()
    with servers.running(servers.product(), health="/healthz") as server:
        for name, act in ACTS.items():
            for count in SESSIONS:
                if is_wanted(f"ws.{name}.{count}"):
                    team = [Person(server.address, username) for username in people.TEAM[:count]]
                    yield closed_loop(f"ws.{name}.{count}", server, team, act)
