"""Real processes that are killed at work: nothing is lost, and nothing is told twice but a mail that was taken and not noted."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from crm_core import clock
from crm_core.config import ROOT
from crm_core.db import reading, transaction
from crm_core.models import Job, Lease, Notice, OutboxMessage, Task, User
from crm_core.permissions import SYSTEM
from crm_core.services import outbox
from tests import factories
from tests.core.test_outbox import Clock, mailbox, messages, send_all, wait_until, write
from tests.mailbox import MailBox

__all__ = ["mailbox"]

DIE = "import os, signal\ndef die(*_given, **_named): os.kill(os.getpid(), signal.SIGKILL)\n"
SEND = "from crm_core.services import outbox\n{change}\nwhile outbox.send_next(): pass\n"
POINTS = {
    "before the claim is kept": "outbox.transaction = die",
    "after the claim": "outbox._held_until = die",
    "before the server takes it": "import smtplib\nsmtplib.SMTP.mail = die",
    "in the middle of the mail": "import smtplib\nsmtplib.SMTP.data = die",
    "after the server took it": "outbox._mark_sent = die",
}
"""Where the process is killed, and what lets it be."""


def run(code: str) -> int:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ, check=False, timeout=60).returncode


@pytest.mark.parametrize("point", POINTS)
def test_a_mail_survives_a_process_killed_at_any_point(database: str, mailbox: MailBox, set_clock: Clock, point: str) -> None:
    mailbox.open()
    write()
    assert run(DIE + SEND.format(change=POINTS[point])) == -signal.SIGKILL
    is_taken = point == "after the server took it"
    assert len(mailbox.mails) == is_taken
    set_clock(clock.now() + outbox.CLAIM)
    send_all()
    send_all()
    (row,) = messages()
    assert row.sent_at
    assert [mail["Message-ID"] for mail in mailbox.mails] == [row.message_id] * (2 if is_taken else 1)


def test_what_a_killed_process_had_not_committed_was_never_written(database: str, mailbox: MailBox) -> None:
    mailbox.open()
    cause = "from crm_core.db import transaction\nfrom crm_core.services import outbox\nwith transaction() as session:\n"
    cause += "    outbox.enqueue_mail(session, recipient='li@example.com', subject='x', body='x')\n    die()\n"
    assert run(DIE + cause) == -signal.SIGKILL
    send_all()
    assert (mailbox.mails, messages()) == ([], [])


WORKER = """
import time
from datetime import timedelta
from crm_core import background
from crm_core.services import leases, reminders
leases.TERM, background.BEAT, background.ROUND = timedelta(seconds=4), 0.5, 0.2
tell = reminders._tell
def slowly(*given):
    tell(*given)
    time.sleep({pause})
reminders._tell = slowly
from crm_core.cli import main
import sys
sys.argv = ["crm_core", "worker"]
main()
"""


@pytest.fixture
def workers() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    begun: list[subprocess.Popen[bytes]] = []

    def begin(pause: float = 0) -> subprocess.Popen[bytes]:
        begun.append(subprocess.Popen([sys.executable, "-c", WORKER.format(pause=pause)], cwd=ROOT, env=os.environ))
        return begun[-1]

    yield begin
    for one in begun:
        one.kill()
        one.wait()


def overdue_tasks(count: int) -> None:
    """So many people with a mailbox, each with a task that is overdue."""
    people = [factories.make_user(role="sales", username=f"person{number}", language="en") for number in range(count)]
    with transaction(SYSTEM) as session:
        for number, actor in enumerate(people):
            session.execute(update(User).where(User.id == actor.id).values(email=f"person{number}@example.com"))
            session.add(Task(name=f"Call {number}", assignee_id=actor.id, due_at=clock.now() - timedelta(hours=1)))


def leader() -> str:
    with reading(SYSTEM) as session:
        lease = session.execute(select(Lease)).scalar_one_or_none()
    return lease.holder if lease and lease.until > clock.now() else ""


def is_at_work(name: str) -> bool:
    with reading(SYSTEM) as session:
        claimed = session.execute(select(Job.claimed_until).where(Job.name == name)).scalar_one_or_none()
    return claimed is not None


def told() -> Counter[str]:
    with reading(SYSTEM) as session:
        return Counter(session.execute(select(Notice.key).where(Notice.kind == "task_overdue")).scalars())


class TestTwoWorkers:
    def test_the_second_takes_over_from_one_killed_in_the_middle_and_everybody_is_told_once(
        self, postgres_database: str, mailbox: MailBox, workers: Callable[..., subprocess.Popen[bytes]]
    ) -> None:
        mailbox.open()
        overdue_tasks(6)
        first = workers(pause=60)
        wait_until(lambda: is_at_work("overdue_tasks"), 40)
        second = workers()
        assert leader().split(":")[1] == str(first.pid)
        time.sleep(1)
        first.kill()
        assert told() == {}  # what it had written was not committed
        wait_until(lambda: leader().split(":")[1:2] == [str(second.pid)], 40)
        wait_until(lambda: len(mailbox.mails) >= 6, 40)
        time.sleep(2)
        assert set(told().values()) == {1}
        assert sorted(mail["To"] for mail in mailbox.mails) == [f"person{number}@example.com" for number in range(6)]
        assert all(f"Call {mail['To'][6]}" in mail.get_content() for mail in mailbox.mails)

    def test_both_at_once_tell_everybody_once_and_one_that_is_stopped_hands_over_at_once(
        self, postgres_database: str, mailbox: MailBox, workers: Callable[..., subprocess.Popen[bytes]]
    ) -> None:
        mailbox.open()
        overdue_tasks(8)
        both = [workers(), workers()]
        wait_until(lambda: len(mailbox.mails) >= 8, 40)
        time.sleep(2)
        assert len(mailbox.mails) == 8
        assert set(told().values()) == {1}
        (leading,) = [one for one in both if str(one.pid) == leader().split(":")[1]]
        (other,) = [one for one in both if one is not leading]
        leading.send_signal(signal.SIGTERM)
        assert leading.wait(20) == 0
        wait_until(lambda: leader().split(":")[1:2] == [str(other.pid)], 3)  # not only when the lease runs out
        with reading(SYSTEM) as session:
            assert session.execute(select(OutboxMessage.id).where(OutboxMessage.sent_at.is_(None))).all() == []
