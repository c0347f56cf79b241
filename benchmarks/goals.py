"""What each row should come to: a limit, a multiple of a floor measured in the same run, or both."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.measure import Row
from crm_core.services.insight.boards import BOARDS

PLAIN = "floor.streamlit_run"
OURS = "floor.app"
ESPO = "EspoCRM"


@dataclass(frozen=True)
class Goal:
    """`measure` is p50, p95 or the name of a figure. `floor` makes the limit a multiple of that row's p50."""

    measure: str
    limit: float
    unit: str = "ms"
    floor: str = ""
    is_least: bool = False
    whose: str = ""

    def told(self) -> str:
        """The goal in one phrase."""
        sign = "≥" if self.is_least else "≤"
        limit = f"{self.limit:g} × {self.floor}" if self.floor else f"{self.limit:g} {self.unit}".strip()
        return f"{self.measure} {sign} {limit}" + (f" ({self.whose})" if self.whose else "")

    def is_met(self, row: Row, floors: Mapping[str, float]) -> bool | None:
        """Whether the row keeps it; None where the row or its floor was not measured."""
        found = getattr(row, self.measure) if self.measure in ("p50", "p95") else row.figures.get(self.measure)
        limit = self.limit * floors[self.floor] if self.floor in floors else None if self.floor else self.limit
        if found is None or limit is None:
            return None
        return found >= limit if self.is_least else found <= limit


def p95(limit: float) -> Goal:
    """At most this many milliseconds in nineteen of twenty calls."""
    return Goal("p95", limit)


def painted(times: float) -> Goal:
    """Painted within so many times what an empty page takes under plain `streamlit run`."""
    return Goal("p50", times, floor=f"{PLAIN}.browser")


def scoped(everything: str) -> Goal:
    """The list within a scope, or masked, at most a fifth dearer than the same list of all customers, unmasked."""
    return Goal("p50", 1.2, floor=everything)


def beat(limit: float, measure: str = "p50") -> Goal:
    """What EspoCRM took for the same thing with the same data, measured the same way."""
    return Goal(measure, limit, whose=ESPO)


NO_ERRORS = Goal("errors", 0, unit="errors")
LEAN = Goal("memory_mb", 1000, unit="MB")

GOALS: dict[str, tuple[Goal, ...]] = {
    "core.list": (p95(10),),
    **{f"core.list.{scope}": (p95(10), scoped("core.list.first")) for scope in ("team", "own", "masked")},
    **{f"core.list.{scope}.uncached": (p95(10), scoped("core.list.first.uncached")) for scope in ("team", "own", "masked")},
    "core.search": (p95(10),),
    "core.bulk.tag": (p95(3000),),
    "core.detail": (p95(15),),
    "core.create": (p95(30),),
    "core.edit.save": (p95(30),),
    **{f"core.dashboard.{key}": (p95(600),) for key in BOARDS},
    **{f"core.dashboard.{key}.cached": (p95(20),) for key in BOARDS},
    **{f"postgres.dashboard.{key}": (p95(600),) for key in BOARDS},
    **{f"postgres.dashboard.{key}.cached": (p95(20),) for key in BOARDS},
    "core.reminders.tasks": (Goal("p50", 20_000),),
    "core.workbench": (p95(50),),
    "core.contract.save": (p95(40),),
    "ws.list.8": (p95(200), Goal("per_second", 45, unit="per second", is_least=True), NO_ERRORS),
    "ws.list_full.8": (p95(200), NO_ERRORS),
    "ws.search.8": (p95(200), NO_ERRORS),
    "ws.detail.8": (p95(250), NO_ERRORS),
    "ws": (NO_ERRORS,),
    "load": (NO_ERRORS,),
    "browser.load": (beat(545),),
    "browser.filter": (painted(1), beat(104), beat(312, "p95")),
    "browser.page": (painted(1), beat(104), beat(312, "p95")),
    "browser.search": (painted(1), beat(295), beat(458, "p95")),
    "browser.detail": (painted(1.5), beat(398)),
    "browser.save": (beat(270),),
    "browser.workbench": (painted(2),),
    "browser.board": (painted(2.5),),
    "browser.dashboard": (painted(3),),
    "duplicates.scan": (Goal("p50", 60_000),),
    **{f"{before}report.pdf": (Goal("p50", 10_000), LEAN) for before in ("", "postgres.")},
    **{f"{before}report.xlsx": (Goal("p50", 15_000), LEAN) for before in ("", "postgres.")},
    "import.first": (Goal("rows_per_second", 2000, unit="per second", is_least=True), Goal("peak_mb", 600, unit="MB")),
    "import.again": (Goal("created", 0, unit="created"),),
}


def goals_of(name: str) -> tuple[Goal, ...]:
    """The goals of a row: those under its name or the longest beginning of it."""
    while name:
        if name in GOALS:
            return GOALS[name]
        name = name.rpartition(".")[0]
    return ()


def floor_of(name: str) -> str:
    """The row that shows what is left when everything of ours is taken away."""
    depth, _dot, rest = name.partition(".")
    if depth == "ws":
        return f"{OURS}.ws.{rest.rpartition('.')[2]}"
    return f"{PLAIN}.browser" if depth == "browser" and rest != "load" else ""
