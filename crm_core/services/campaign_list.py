"""Reading campaigns: pages of them with search and filters, one with its participants, and those of a customer."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Campaign, Contact, Customer, Participation, Step
from crm_core.models.campaign import GOING
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.services.campaign_results import count_steps
from crm_core.services.campaigns import not_found
from crm_core.services.users import user_names
from crm_core.validation import clean_text
from crm_core.visibility import glance, see


@dataclass(frozen=True)
class CampaignQuery:
    """What is asked for; several values of one filter mean any of them. Without states: all."""

    phrase: str = ""
    states: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    owners: tuple[int, ...] = ()
    starts_from: date | None = None
    starts_until: date | None = None
    page: int = 1


@dataclass(frozen=True)
class ParticipantQuery:
    """Whose participants are asked for, and which: `step` keeps those whose last step it is."""

    campaign_id: int = 0
    phrase: str = ""
    step: str = ""
    page: int = 1


@dataclass(frozen=True)
class Listed:
    """A campaign as it is shown."""

    id: int
    version: int
    code: str
    name: str
    channel: str
    starts_on: date
    ends_on: date
    place: str | None
    budget: Decimal | None
    cost: Decimal | None
    result_days: int
    interests: list[str]
    tags: list[str]
    tags_from: str
    plan: str | None
    owner_id: int | None
    state: str
    closed_at: datetime | None
    owner: str
    link: str
    """The token of the check-in page, for those who run campaigns."""
    participants: int = 0
    attended: int = 0

    @property
    def is_going(self) -> bool:
        """People can take part."""
        return self.state in GOING

    @property
    def is_past(self) -> bool:
        """Its days are over and nobody has closed it."""
        return self.is_going and self.ends_on < clock.today()


@dataclass(frozen=True)
class CampaignPage(Page):
    """One page of campaigns."""

    size = 20
    rows: list[Listed]
    total: int
    page: int


@dataclass(frozen=True)
class Participant:
    """Somebody who takes part, as a list shows it."""

    id: int
    customer_id: int
    customer_code: str
    customer: str
    contact: str
    phone: str
    invited_at: datetime
    clicked_at: datetime | None
    registered_at: datetime | None
    attended_at: datetime | None
    answered_at: datetime | None
    is_self_checked: bool
    score: int | None
    feedback: str
    step: Step
    is_listed: bool
    """Whether its customer lies in the library, so that something can be recorded."""


@dataclass(frozen=True)
class ParticipantPage(Page):
    """One page of participants, and how many there are."""

    size = 20
    rows: list[Participant]
    total: int
    page: int


@dataclass(frozen=True)
class Taken:
    """One participation of a customer: which campaign, who for it, how far."""

    id: int
    code: str
    name: str
    contact: str
    step: Step
    at: datetime
    score: int | None
    feedback: str


@dataclass(frozen=True)
class TakenPage(Page):
    """One page of the participations of a customer, the latest first."""

    size = 20
    rows: list[Taken]
    total: int
    page: int


def list_campaigns(session: CrmSession, actor: Actor, query: CampaignQuery) -> CampaignPage:
    """One page of the campaigns: what goes on first, then what is over, the latest first. Campaigns are no customer's, all see all."""
    require(actor, Permission.CAMPAIGN_READ)
    own = select(Campaign).where(*_conditions(query))
    total: int = session.execute(select(func.count()).select_from(own.subquery())).scalar_one()
    page = CampaignPage.nearest(query.page, total)
    order = (case((Campaign.state.in_(GOING), 0), else_=1), Campaign.starts_on.desc(), Campaign.id.desc())
    rows = session.execute(CampaignPage.cut(own.order_by(*order), page)).scalars().all()
    counts, names = count_steps(session, [row.id for row in rows]), user_names(session)
    return CampaignPage([_listed(actor, row, names, counts.get(row.id, (0, 0))) for row in rows], total, page)


def get_campaign(session: CrmSession, actor: Actor, code: str) -> Listed:
    """One campaign by its code. Raises `NotFound`."""
    require(actor, Permission.CAMPAIGN_READ)
    row = session.execute(select(Campaign).where(Campaign.code == clean_text(code))).scalar_one_or_none()
    if row is None:
        raise not_found()
    return _listed(actor, row, user_names(session), count_steps(session, [row.id]).get(row.id, (0, 0)))


def open_campaigns(session: CrmSession, actor: Actor) -> dict[int, str]:
    """The campaigns in which people can take part, by id, the latest first; at most a hundred."""
    require(actor, Permission.CAMPAIGN_READ)
    going = select(Campaign.id, Campaign.name, Campaign.starts_on).where(Campaign.state.in_(GOING))
    rows = session.execute(going.order_by(Campaign.starts_on.desc(), Campaign.id.desc()).limit(100))
    return {row.id: f"{row.name} ({row.starts_on})" for row in rows}


def leading(session: CrmSession, actor: Actor) -> dict[int, str]:
    """Who has campaigns, by id."""
    require(actor, Permission.CAMPAIGN_READ)
    ids = set(session.execute(select(Campaign.owner_id).where(Campaign.owner_id.is_not(None)).distinct()).scalars())
    return {number: name for number, name in user_names(session).items() if number in ids}


def list_participants(session: CrmSession, actor: Actor, query: ParticipantQuery) -> ParticipantPage:
    """One page of those who take part, within the actor's scope: who did something last comes first.

    Phones are masked for everybody, as in all lists.
    """
    require(actor, Permission.CAMPAIGN_READ)
    own = _taking_part(query)
    total: int = session.execute(select(func.count()).select_from(own.with_only_columns(Participation.id).subquery())).scalar_one()
    page = ParticipantPage.nearest(query.page, total)
    rows = session.execute(ParticipantPage.cut(own.order_by(latest_step().desc(), Participation.id.desc()), page))
    return ParticipantPage([_participant(row, glance(actor, "phone", row.phone)) for row in rows], total, page)


def list_all_participants(session: CrmSession, actor: Actor, query: ParticipantQuery, limit: int) -> list[Participant]:
    """Those of all pages of a query, at most so many; phones as the actor's role sees them, for a file."""
    require(actor, Permission.CAMPAIGN_READ)
    rows = session.execute(_taking_part(query).order_by(Participation.id).limit(limit))
    return [_participant(row, see(actor, "phone", row.phone)) for row in rows]


def _taking_part(query: ParticipantQuery) -> Select[*tuple[Any, ...]]:
    columns = (Participation, Customer.code, Customer.name.label("customer"), Customer.is_listed.label("is_listed"), Contact.phone)
    own: Select[*tuple[Any, ...]] = select(*columns).join(Customer, Customer.id == Participation.customer_id)
    own = own.outerjoin(Contact, Contact.id == Participation.contact_id)
    own = own.where(Participation.campaign_id == query.campaign_id, Customer.is_open, *_stands_at(query.step))
    return own.where(*(_names(word) for word in clean_text(query.phrase).split()[:8]))


def list_of_customer(session: CrmSession, actor: Actor, customer_id: int, *, page: int = 1) -> TakenPage:
    """The campaigns in which a customer took part, the latest first; nothing outside the actor's scope."""
    require(actor, Permission.CAMPAIGN_READ)
    own = select(Participation).where(Participation.customer_id == customer_id)
    total: int = session.execute(select(func.count()).select_from(own.with_only_columns(Participation.id).subquery())).scalar_one()
    page = TakenPage.nearest(page, total)
    rows = session.execute(TakenPage.cut(own.order_by(Participation.invited_at.desc(), Participation.id.desc()), page)).scalars()
    return TakenPage([_taken(row) for row in rows], total, page)


def latest_step() -> ColumnElement[Any]:
    """When the last step was recorded."""
    return func.coalesce(*(getattr(Participation, f"{step}_at") for step in reversed(Step)))


def _conditions(query: CampaignQuery) -> list[ColumnElement[bool]]:
    chosen: dict[Any, tuple[Any, ...]] = {
        Campaign.state: query.states,
        Campaign.channel: query.channels,
        Campaign.owner_id: query.owners,
    }
    found: list[ColumnElement[bool]] = [column.in_(values) for column, values in chosen.items() if values]
    if query.starts_from:
        found.append(Campaign.starts_on >= query.starts_from)
    if query.starts_until:
        found.append(Campaign.starts_on <= query.starts_until)
    for word in clean_text(query.phrase).split()[:8]:
        columns = (Campaign.code, Campaign.name, Campaign.place)
        found.append(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    return found


def _stands_at(step: str) -> list[ColumnElement[bool]]:
    if step not in list(Step):
        return []
    later = list(Step)[list(Step).index(Step(step)) + 1 :]
    here: ColumnElement[bool] = getattr(Participation, f"{step}_at").is_not(None)
    return [here, *(getattr(Participation, f"{one}_at").is_(None) for one in later)]


def _names(word: str) -> ColumnElement[bool]:
    columns = (Customer.name, Customer.code, Participation.contact_name)
    return or_(*(column.icontains(word, autoescape=True) for column in columns))


_COPIED = [one.name for one in fields(Listed) if one.name in Campaign.__table__.columns and one.name != "link"]


def _listed(actor: Actor, row: Campaign, names: dict[int, str], counts: tuple[int, int]) -> Listed:
    link = (row.link or "") if actor.can(Permission.CAMPAIGN_WRITE) else ""
    copied = {name: getattr(row, name) for name in _COPIED}
    return Listed(**copied, owner=names.get(row.owner_id or 0, ""), link=link, participants=counts[0], attended=counts[1])


def _participant(row: Any, phone: str | None) -> Participant:
    one: Participation = row.Participation
    own = ("id", "customer_id", "is_self_checked", "score", "step", *(f"{step}_at" for step in Step))
    return Participant(
        **{name: getattr(one, name) for name in own},
        customer_code=row.code,
        customer=row.customer,
        contact=one.contact_name or "",
        phone=phone or "",
        feedback=one.feedback or "",
        is_listed=row.is_listed,
    )


def _taken(row: Participation) -> Taken:
    campaign = row.campaign
    return Taken(
        id=row.id,
        code=campaign.code,
        name=campaign.name,
        contact=row.contact_name or "",
        step=row.step,
        at=getattr(row, f"{row.step}_at"),
        score=row.score,
        feedback=row.feedback or "",
    )
