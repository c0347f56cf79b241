"""Which worker of pytest-xdist runs which tests, and in which order.

The groups of pytest-xdist (`xdist_group`) would say the same, but its release 3.8 overlooks them with pytest 9.2 and tells nobody.
"""

from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

FIRST = (
    "tests/browser",
    "tests/pages/test_languages.py",
    "tests/pages/test_access.py",
    "tests/core/test_demo.py",
    "tests/core/test_insight.py",
    "tests/ops",
)
"""What takes longest begins first, so that nothing long is left over when all the rest is done."""
BROWSERS = 2
"""How many workers walk through the product in a browser at a time: they wait much, and the other workers use what they leave."""
_walks = sorted(path.name for path in Path(__file__).parent.glob("browser/test_*.py"))
WALKS = {f"tests/browser/{name}": f"browser {place * BROWSERS // len(_walks)}" for place, name in enumerate(_walks)}


class ByFile(LoadScopeScheduling):
    """One worker runs all tests of a file, so that what they share is made once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return WALKS.get(file, file)


@pytest.hookimpl(optionalhook=True)  # tests run without pytest-xdist too
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile | None:
    return ByFile(config, log) if config.getoption("dist") == "loadgroup" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=lambda item: next((place for place, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST)))
