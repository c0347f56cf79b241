"""Who does the jobs: one process of several, by a lease; and what an administrator sees of them and may ask for."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from crm_core import background, clock
from crm_core.background import Background, Leadership
from crm_core.db import reading, transaction
from crm_core.errors import NotAllowed, NotFound
from crm_core.models import Job
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import job_list, jobs, leases
from crm_core.services.job_list import JobState
from tests import factories
from tests.core.test_concurrency import at_once
from tests.core.test_outbox import wait_until

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SetClock = Callable[[datetime], None]


def states(actor: Actor) -> dict[str, JobState]:
    with reading(actor) as session:
        return {one.name: one for one in job_list.list_jobs(session, actor)}


def only(monkeypatch: pytest.MonkeyPatch, do: Callable[..., None]) -> None:
    monkeypatch.setattr(jobs, "JOBS", {"cleanup": replace(jobs.JOBS["cleanup"], do=do)})


class TestLease:
    def test_one_holds_it_until_it_runs_out_and_then_the_next(self, database: str, set_clock: SetClock) -> None:
        set_clock(START)
        assert leases.hold("work", "a") == leases.Held(is_mine=True)
        assert leases.hold("work", "b") == leases.Held(is_mine=False)
        set_clock(START + leases.TERM / 2)
        assert leases.hold("work", "a") == leases.Held(is_mine=True)
        set_clock(START + leases.TERM)
        assert not leases.hold("work", "b").is_mine
        set_clock(START + leases.TERM * 2)
        assert leases.hold("work", "b") == leases.Held(is_mine=True, is_taken_over=True)
        assert not leases.hold("work", "a").is_mine

    def test_of_many_who_ask_at_once_one_gets_it(self, database: str) -> None:
        asked = at_once([partial(leases.hold, "work", str(number)) for number in range(6)])
        assert [one for one in asked if isinstance(one, Exception)] == []
        assert sum(one.is_mine for one in asked) == 1

    def test_whoever_lets_it_go_leaves_it_to_the_next_at_once(self, database: str) -> None:
        leases.hold("work", "a")
        leases.let_go("work", "b")
        assert not leases.hold("work", "b").is_mine
        leases.let_go("work", "a")
        assert leases.hold("work", "b").is_mine

    def test_a_leader_that_cannot_renew_it_leads_no_more(self, sqlite_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(leases, "TERM", timedelta(seconds=0.3))
        leadership = Leadership()
        leadership._ask()
        assert leadership.is_mine
        wait_until(lambda: not leadership.is_mine, 2)

    def test_the_jobs_of_a_dead_leader_are_done_by_the_next_at_once(
        self, database: str, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done: list[str] = []
        only(monkeypatch, lambda _session: done.append("x"))
        set_clock(START)
        leases.hold("work", "dead")
        assert jobs.claim("cleanup")
        jobs.run_due()
        assert done == []
        set_clock(START + leases.TERM * 2)
        Leadership()._ask()
        jobs.run_due()
        assert done == ["x"]


class TestBackground:
    def test_two_in_turn_do_each_job_once(self, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
        done: list[str] = []
        only(monkeypatch, lambda _session: done.append("x"))
        monkeypatch.setattr(background, "ROUND", 0.05)
        monkeypatch.setattr(background, "BEAT", 0.1)
        first, second = Background(), Background()
        first.start()
        wait_until(lambda: bool(done))
        second.start()
        first.stop()
        wait_until(lambda: second._leadership.is_mine, 3)
        second.stop()
        assert done == ["x"]

    def test_a_process_that_does_not_lead_does_nothing(self, sqlite_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
        done: list[str] = []
        only(monkeypatch, lambda _session: done.append("x"))
        monkeypatch.setattr(background, "ROUND", 0.05)
        leases.hold(leases.WORK, "another")
        idle = Background()
        idle.start()
        wait_until(idle._leadership.is_alive)
        idle._stopping.wait(0.5)
        idle.stop()
        assert done == []


class TestJobList:
    def test_it_tells_when_a_job_ran_how_long_and_when_it_comes_again(
        self, database: str, administrator: Actor, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_clock(START)
        assert (states(administrator)["cleanup"].finished_at, states(administrator)["cleanup"].due_at) == (None, None)
        jobs.run_due()
        state = states(administrator)["cleanup"]
        assert (state.finished_at, state.due_at, state.error, state.failures) == (START, START + timedelta(days=1), "", 0)
        assert state.took_ms is not None
        assert set(states(administrator)) == set(jobs.JOBS)

    def test_a_job_that_fails_says_why_and_how_often_and_is_tried_again(
        self, database: str, administrator: Actor, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        only(monkeypatch, lambda _session: 1 / 0)
        for number in (1, 2):
            set_clock(START + jobs.AGAIN * number)
            jobs.run_due()
            state = states(administrator)["cleanup"]
            assert (state.failures, state.due_at) == (number, START + jobs.AGAIN * (number + 1))
            assert "ZeroDivisionError" in state.error
        only(monkeypatch, lambda _session: None)
        set_clock(START + jobs.AGAIN * 3)
        jobs.run_due()
        assert (states(administrator)["cleanup"].failures, states(administrator)["cleanup"].error) == (0, "")

    def test_an_administrator_runs_one_now(self, database: str, administrator: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        done: list[str] = []
        only(monkeypatch, lambda _session: done.append("x"))
        jobs.run_due()
        jobs.run_due()
        with transaction(administrator) as session:
            job_list.run_now(session, administrator, "cleanup")
        jobs.run_due()
        assert done == ["x", "x"]
        assert [line.entity_id for line in factories.log_of("job", action="job_asked")] == ["cleanup"]

    def test_one_that_is_at_work_is_left_to_it(self, database: str, administrator: Actor) -> None:
        assert jobs.claim("cleanup")
        with transaction(administrator) as session:
            job_list.run_now(session, administrator, "cleanup")
        assert states(administrator)["cleanup"].running_since
        assert not jobs.claim("cleanup")

    def test_who_leads_is_told_by_machine_and_number(self, database: str, administrator: Actor, set_clock: SetClock) -> None:
        set_clock(START)
        with reading(administrator) as session:
            assert job_list.get_leader(session, administrator) is None
        leases.hold(leases.WORK, "server1:4711:a1b2c3")
        for moment, is_there in ((START, True), (START + leases.TERM, False)):
            set_clock(moment)
            with reading(administrator) as session:
                leader = job_list.get_leader(session, administrator)
            assert leader
            assert (leader.name, leader.is_there) == ("server1:4711", is_there)

    def test_nobody_else_sees_or_runs_them(self, sqlite_database: str, manager: Actor, administrator: Actor) -> None:
        for act in (job_list.list_jobs, job_list.get_leader, partial(job_list.run_now, name="cleanup")):
            with pytest.raises(NotAllowed), transaction(manager) as session:
                act(session, manager)
        with pytest.raises(NotFound), transaction(administrator) as session:
            job_list.run_now(session, administrator, "nothing")
        with reading(SYSTEM) as session:
            assert session.get(Job, "nothing") is None
        assert clock.now()
