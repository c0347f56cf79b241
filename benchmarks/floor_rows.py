"""The floors: an empty page under plain `streamlit run`, and the same page served as the product is."""

from collections.abc import Callable, Iterator

from benchmarks import servers
from benchmarks.load import SESSIONS, closed_loop
from benchmarks.measure import Row
from benchmarks.probe import CLICKS, Probe
from benchmarks.tab import Tab


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """Each way of serving with 1 and 8 sessions, and in a browser."""
    for way, command, is_plain in (("streamlit_run", servers.empty_run(), True), ("app", servers.empty_app(), False)):
        name = f"floor.{way}"
        if not is_wanted(name):
            continue
        with servers.running(command, plain=is_plain) as server:
            for count in SESSIONS:
                if is_wanted(f"{name}.ws.{count}"):
                    yield closed_loop(f"{name}.ws.{count}", server, [Tab(server.address) for _place in range(count)], _press)
            if is_wanted(f"{name}.browser"):
                yield Row(f"{name}.browser", _click_in_browser(server.address))


def _press(tab: Tab) -> float:
    return tab.set("Count", "trigger_value", True)


def _click_in_browser(address: str) -> list[float]:
    with Probe() as probe:
        probe.open(address, "document.body.innerText.includes('runs: ')")
        times = []
        for number in range(2, CLICKS + 5):
            painted = f"document.body.innerText.includes('runs: {number}')"
            times.append(probe.measure(lambda page: page.get_by_role("button", name="Count").click(), painted))
            probe.pause()
    return times[3:]
