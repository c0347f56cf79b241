"""Page runs take turns: one at a time, in the order of coming, and a long one holds nobody up."""

from threading import Event, Thread

import pytest

from ui import turns
from ui.turns import Turns


def test_a_run_begins_when_the_one_before_is_done_in_the_order_of_coming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST", 60)
    queue, order = Turns(), list[int]()

    def run(number: int) -> None:
        with queue.take():
            order.append(number)

    with queue.take():
        threads = []
        for number in range(5):
            threads.append(Thread(target=run, args=(number,)))
            threads[-1].start()
            while len(queue._waiting) <= number:
                pass
        assert order == []
    for thread in threads:
        thread.join(10)
    assert order == [0, 1, 2, 3, 4]


def test_a_long_run_goes_on_beside_the_next_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST", 0.01)
    queue, done, order = Turns(), Event(), list[str]()

    def run_long() -> None:
        with queue.take():
            order.append("long began")
            done.wait(10)
        order.append("long ended")

    long = Thread(target=run_long)
    long.start()
    while not order:
        pass
    for name in ("second", "third"):
        with queue.take():
            order.append(name)
    done.set()
    long.join(10)
    assert order == ["long began", "second", "third", "long ended"]


def test_a_run_that_fails_gives_its_turn_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST", 60)
    queue = Turns()
    for _again in range(3):
        try:
            with queue.take():
                raise ValueError
        except ValueError:
            continue
    assert queue._holder is None
