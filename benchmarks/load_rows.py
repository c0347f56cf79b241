"""A team at work: as many people as there are accounts, each in a tab, who look, search, write and think for some minutes.

`KEMAI_LOAD_SECONDS` makes it shorter, for trying.
"""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks import people, servers
from benchmarks.measure import Row
from benchmarks.servers import Server
from benchmarks.socket_rows import Person
from crm_core.services import jobs

NAME = "load.30"
SECONDS = float(os.environ.get("KEMAI_LOAD_SECONDS") or 180)
THINKING = (2.0, 6.0)
"""Seconds between an answer and the next action, evenly spread."""


class Colleague(Person):
    """Somebody who writes follow-ups too."""

    def __init__(self, address: str, username: str) -> None:
        super().__init__(address, username)
        self.numbers = itertools.count(1)

    def find(self) -> float:
        """Another phrase in the search field of the list, which is open before."""
        if self.tab.page != "customers":
            self.open_list()
        return self.search()

    def write_follow_up(self) -> float:
        """One line on a customer's page, read into the form, and saved; the page is open before."""
        self.open_detail()
        words = f"电话沟通第 {next(self.numbers)} 版报价，客户希望先看案例"
        line = next(key for key in self.tab.widgets if key.endswith(".line"))
        took = self.tab.set(line, "string_value", words) + self.tab.set("follow_up_save", "trigger_value", True)
        self.tab.expect(words)
        return took


ACTS: dict[str, tuple[int, Callable[[Colleague], float]]] = {
    "list": (30, Colleague.open_list),
    "search": (25, Colleague.find),
    "detail": (25, Colleague.open_detail),
    "follow_up": (10, Colleague.write_follow_up),
    "dashboard": (10, Colleague.open_overview),
}
"""What people do, and how often of a hundred times."""


@dataclass
class Day:
    """What came of it, by action."""

    times: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in ACTS})
    errors: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in ACTS})

    def work(self, one: Colleague, until: float) -> None:
        """Do one thing after the other, each after some thought."""
        weights = [weight for weight, _act in ACTS.values()]
        while time.perf_counter() < until:
            time.sleep(one.random.uniform(*THINKING))
            (name,) = one.random.choices(list(ACTS), weights)
            try:
                self.times[name].append(ACTS[name][1](one))
            except Exception as problem:  # counted and told, never hidden
                self.errors[name].append(repr(problem)[:300])


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """One row for all together with the server's memory, and one for each action."""
    if not is_wanted(NAME):
        return
    jobs.run_due()  # before, since in a copy of the data all jobs are due
    with servers.running(servers.product(), health="/healthz") as server:
        empty = server.memory_mb()
        team = [Colleague(server.address, username) for username in people.everybody()]
        day, figures = _let_work(server, team)
    errors = [problem for some in day.errors.values() for problem in some]
    figures = {"sessions": len(team), **figures, "memory_empty_mb": empty, "errors": len(errors)}
    yield Row(NAME, [took for some in day.times.values() for took in some], figures, "; ".join(errors[:2]))
    for name in ACTS:
        yield Row(f"{NAME}.{name}", day.times[name], {"actions": len(day.times[name]), "errors": len(day.errors[name])})


def _let_work(server: Server, team: list[Colleague]) -> tuple[Day, dict[str, float]]:
    day, begun, spent, memory = Day(), time.perf_counter(), server.cpu_ms(), server.memory_mb()
    threads = [threading.Thread(target=day.work, args=(one, begun + SECONDS)) for one in team]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, actions = time.perf_counter() - begun, sum(map(len, day.times.values()))
    figures = {
        "seconds": round(took),
        "per_second": round(actions / took, 1),
        "cpu_ms": round((server.cpu_ms() - spent) / max(1, actions), 1),
        "memory_start_mb": memory,
        "memory_end_mb": server.memory_mb(),
    }
    for one in team:
        one.close()
    return day, figures
