"""Who works in a run, and on which customers: actors, session tokens, and codes spread over all the data."""

import random

from sqlalchemy import select

from crm_core import db
from crm_core.models import Customer, User
from crm_core.permissions import Actor
from crm_core.services import sign_in
from crm_core.services.actors import list_actors

TEAM = ("administrator1", "administrator2", "manager1", "manager2", "manager3", "sales11", "sales22", "sales33")
"""The eight people of the rows with eight sessions: of every role, the ones who see all customers first."""


def actor(username: str) -> Actor:
    """The present rights of an account."""
    with db.reading() as session:
        return list_actors(session, User.username == username)[0]


def everybody() -> list[str]:
    """The names of all accounts."""
    with db.reading() as session:
        return list(session.execute(select(User.username).order_by(User.id)).scalars())


def sign_in_as(username: str) -> str:
    """A session of this account; its token is what the browser keeps as a cookie."""
    with db.transaction() as session:
        token = sign_in.redeem_ticket(session, sign_in.open_session(session, username))
    assert token
    return token


def codes(count: int, username: str) -> list[str]:
    """Customers from all over what an account sees."""
    seen = actor(username)
    with db.reading(seen) as session:
        found = list(session.execute(select(Customer.code).where(Customer.is_listed)).scalars())
    return random.Random(3).sample(found, count)
