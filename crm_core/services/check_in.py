"""Checking in by the code at the entrance of a campaign: its link, and what a visitor without an account can do with it.

The page knows no list: a visitor says who they are, by name and the last digits of the phone that we have, and hears whether that
person is checked in. See ADR 8.
"""

import hmac
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import func, select

from crm_core import audit, clock, crypto
from crm_core.db import CrmSession
from crm_core.models import Campaign, Contact, Customer, Participation, Step
from crm_core.models.campaign import GOING
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import attempts
from crm_core.services.actors import acting_as
from crm_core.services.attempts import Limit
from crm_core.services.campaigns import lock_campaign, lock_going
from crm_core.services.locking import lock_listed
from crm_core.services.participations import move_on, tell_owner
from crm_core.validation import clean_text

LONGEST_NAME = 60
DIGITS = 4
"""So many last digits of the phone are asked for."""
PERSON_LIMIT = Limit(5, timedelta(minutes=15), timedelta(hours=12))
"""For one name at one campaign: whoever knows a name does not find out the digits."""
ADDRESS_LIMIT = Limit(60, timedelta(minutes=5), timedelta(hours=1), memory=timedelta(minutes=10))
"""For one network address; all visitors of an event may share one."""


class Answer(StrEnum):
    """What a visitor hears."""

    WELCOME = "welcome"
    ALREADY = "already"
    UNKNOWN = "unknown"
    LATER = "later"
    """Too many attempts."""
    CLOSED = "closed"
    """The link is not good, not yet or no more."""


@dataclass(frozen=True)
class Entrance:
    """What the page shows of a campaign before anybody says who they are: what stands on the poster, too."""

    name: str
    starts_on: date
    place: str


def open_check_in(session: CrmSession, actor: Actor, campaign_id: int) -> str:
    """Switch the check-in on with a new link, any earlier one ends; returns its token. Raises `IllegalTransition` once it is over."""
    campaign = lock_going(session, actor, campaign_id)
    campaign.link = crypto.token()
    campaign.link_hash = crypto.token_hash(campaign.link)
    session.flush()
    audit.record(session, "check_in_opened", campaign)
    return campaign.link


def close_check_in(session: CrmSession, actor: Actor, campaign_id: int) -> None:
    """Switch it off: the link is no longer good. Raises `NotAllowed`, `NotFound`."""
    campaign = lock_campaign(session, actor, campaign_id)
    if campaign.link:
        campaign.link = campaign.link_hash = None
        session.flush()
        audit.record(session, "check_in_closed", campaign)


def path_of(token: str) -> str:
    """Where visitors check in."""
    return f"/check-in?to={token}"


def find_entrance(session: CrmSession, token: str) -> Entrance | None:
    """What the page shows for a token; the same nothing for one that is unknown, switched off, too early or expired."""
    campaign = _campaign(session, token)
    return Entrance(campaign.name, campaign.starts_on, campaign.place or "") if campaign else None


def check_in(session: CrmSession, token: str, *, name: str, digits: str, address: str = "") -> Answer:
    """Record that a visitor is here, if exactly one who takes part has this name and a phone that ends with these digits.

    Attempts are counted before they are looked at; those that fit are taken back, so that only failures lock.
    """
    campaign = _campaign(session, token)
    if campaign is None:
        return Answer.CLOSED
    said, number = clean_text(name)[:LONGEST_NAME], clean_text(digits)
    person = attempts.counter("check-in", f"{campaign.id}:{said.casefold()}", PERSON_LIMIT)
    counters = [person, *attempts.of_address("check-in", address, ADDRESS_LIMIT)]
    if not attempts.claim(session, counters):
        return Answer.LATER
    with acting_as(session, SYSTEM):
        found = _find(session, campaign.id, said, number)
        if found is None:
            return Answer.UNKNOWN
        attempts.take_back(session, counters)
        return _admit(session, campaign.id, found)


def _admit(session: CrmSession, campaign_id: int, found: tuple[int, int]) -> Answer:
    row_id, customer_id = found
    lock_going(session, SYSTEM, campaign_id)
    lock_listed(session, customer_id)
    statement = select(Participation).where(Participation.id == row_id).with_for_update(of=Participation)
    row = session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()
    if row is None:
        return Answer.UNKNOWN  # removed at this very moment
    if row.attended_at:
        return Answer.ALREADY
    row.is_self_checked = True
    move_on(session, row, Step.ATTENDED)
    tell_owner(session, row)
    return Answer.WELCOME


def _campaign(session: CrmSession, token: str) -> Campaign | None:
    """The campaign of a link that is good today: switched on, from the first to the last day, and not closed."""
    digest = crypto.token_hash(token)
    found = session.execute(select(Campaign).where(Campaign.link_hash == digest)).scalar_one_or_none()
    if found is None or not hmac.compare_digest(found.link_hash or "", digest):
        return None
    is_open = found.state in GOING and found.starts_on <= clock.today() <= found.ends_on
    return found if is_open else None


def _find(session: CrmSession, campaign_id: int, said: str, digits: str) -> tuple[int, int] | None:
    """The one participation that fits, and its customer; none for none, and for several, which the reception tells apart.

    A customer that takes part in nobody's person is found by each of its contacts.
    """
    if len(digits) != DIGITS or not digits.isascii() or not digits.isdecimal() or not said:
        return None
    who = (Participation.contact_id == Contact.id) | Participation.contact_id.is_(None)
    people = (
        select(Participation.id, Participation.customer_id)
        .join(Customer, Customer.id == Participation.customer_id)
        .join(Contact, (Contact.customer_id == Customer.id) & who)
        .where(Participation.campaign_id == campaign_id, Customer.is_listed)
        .where((Contact.name == said) | (func.lower(Contact.name) == said.casefold()), Contact.phone_key.endswith(digits, autoescape=True))
    )
    rows = session.execute(people.distinct().limit(2)).all()
    return (rows[0].id, rows[0].customer_id) if len(rows) == 1 else None
