"""Work beside the requests in a process of its own, and a server that leaves it to that."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

import app
from crm_core import config
from crm_core.config import ROOT
from crm_core.db import reading
from crm_core.models import Lease
from crm_core.permissions import SYSTEM
from tests.core.test_outbox import mailbox, messages, wait_until, write
from tests.mailbox import MailBox

__all__ = ["mailbox"]


def leaders() -> list[str]:
    with reading(SYSTEM) as session:
        return list(session.execute(select(Lease.holder)).scalars())


def test_a_worker_sends_what_waits_and_ends_when_it_is_told_to(database: str, mailbox: MailBox) -> None:
    mailbox.open()
    write()
    worker = subprocess.Popen([sys.executable, "-m", "crm_core", "worker"], cwd=ROOT, env=os.environ, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: bool(mailbox.mails) and bool(messages()[0].sent_at), 40)
        assert [holder.split(":")[1] for holder in leaders()] == [str(worker.pid)]
        worker.send_signal(signal.SIGTERM)
        _nothing, told = worker.communicate(timeout=20)
    finally:
        worker.kill()
    assert (worker.returncode, told) == (0, "")


@pytest.mark.parametrize(("setting", "leads"), [("", True), ("1", True), ("0", False)])
def test_a_server_works_itself_unless_a_worker_is_to(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch, setting: str, leads: bool
) -> None:
    monkeypatch.setattr(app, "prepare", lambda: None)  # what takes its time at the start is done already
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setenv("CRM_BACKGROUND", setting)
    config.settings.cache_clear()

    async def live() -> None:
        async with app.lifespan(app.app):
            await asyncio.sleep(0.5)

    with ThreadPoolExecutor(1) as pool:  # a browser test before may have left a loop running in this thread
        pool.submit(asyncio.run, live()).result()
    assert bool(leaders()) is leads
