"""Which of several processes leads: it holds a lease that it renews, and that another one takes when it runs out."""

import os
import secrets
import socket
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from crm_core import clock, db
from crm_core.db import insert_unless_there
from crm_core.models import Lease
from crm_core.permissions import SYSTEM

WORK = "work"
"""The lease of whoever does the jobs and sends the messages."""
TERM = timedelta(seconds=30)
"""How long a lease lasts: so long after a process died another one takes over."""


@dataclass(frozen=True)
class Held:
    """What came of asking for a lease."""

    is_mine: bool
    is_taken_over: bool = False
    """Whether another process held it before and let it run out."""


def new_holder() -> str:
    """A name for the present process: machine and number as an administrator knows them, and a mark, since numbers come again."""
    return f"{socket.gethostname()[:50]}:{os.getpid()}:{secrets.token_hex(3)}"


def hold(name: str, holder: str) -> Held:
    """Take a lease that nobody holds, or renew one's own."""
    with db.transaction(SYSTEM) as session:
        now = clock.now()
        if insert_unless_there(session, Lease, name=name, holder=holder, until=now + TERM):
            return Held(is_mine=True)
        lease = session.execute(select(Lease).where(Lease.name == name).with_for_update()).scalar_one()
        before, was_held = lease.holder, lease.until > now
        if was_held and before != holder:
            return Held(is_mine=False)
        lease.holder, lease.until = holder, now + TERM
        return Held(is_mine=True, is_taken_over=before != holder)


def let_go(name: str, holder: str) -> None:
    """End one's own lease, so that the next process need not wait for it."""
    with db.transaction(SYSTEM) as session:
        mine = update(Lease).where(Lease.name == name, Lease.holder == holder).values(until=clock.now())
        session.execute(mine, execution_options={"synchronize_session": False})
