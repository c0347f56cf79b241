"""What can be analysed: subjects with the dimensions and measures that each has, a row of a table each.

A dimension is a bare column with a way to read its codes; none is a sensitive value, so that nothing has to be masked in a pivot.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from crm_core.db import CrmSession
from crm_core.i18n import N_, _
from crm_core.models import (
    ACTIVITIES,
    KINDS,
    METHODS,
    OUTCOMES,
    SALES_STAGES,
    SCORES,
    STAGES,
    TICKET_PRIORITIES,
    TICKET_STATES,
    TICKET_TYPES,
    TIERS,
    Contract,
    Customer,
    FollowUp,
    Opportunity,
    OpportunityStage,
    Ticket,
    User,
)
from crm_core.permissions import Permission
from crm_core.reference import regions
from crm_core.services.insight.board import Unit
from crm_core.services.library import Library, get_library
from crm_core.services.teams import list_teams
from crm_core.services.users import user_names

COUNT = "count"
MONTH, QUARTER, YEAR = "month", "quarter", "year"
SPANS = {MONTH: N_("by month"), QUARTER: N_("by quarter"), YEAR: N_("by year")}


class Words:
    """What codes are called, read once for a pivot."""

    def __init__(self, session: CrmSession) -> None:
        self.library: Library = get_library(session)
        self.people, self.teams = user_names(session), list_teams(session)
        # Removed ones too: what was lost long ago may stand in one.
        self.stages = {stage.id: stage.label for stage in session.execute(select(OpportunityStage)).scalars()}


Read = Callable[[Any, Words], str]


@dataclass(frozen=True)
class Dimension:
    """One way to divide a subject. With a `span` its column is a day or a moment, divided into months, quarters or years."""

    label: str
    column: Any
    read: Read
    span: str = ""

    @property
    def title(self) -> str:
        """What it is called, in the language in force."""
        label, span = _(self.label), _(SPANS[self.span]) if self.span else ""
        return f"{label} ({span})" if span else label


@dataclass(frozen=True)
class Measure:
    """What is counted: rows, or a column of theirs summed up or averaged."""

    label: str
    unit: Unit
    column: Any = None
    is_average: bool = False


@dataclass(frozen=True)
class Subject:
    """One kind of records, all of customers in the list."""

    label: str
    model: Any
    permission: Permission
    dated: Any
    """The column that a range of days is about."""
    dated_label: str
    owner: Any
    dimensions: Mapping[str, Dimension]
    measures: Mapping[str, Measure]
    conditions: tuple[Any, ...] = ()
    area: str = "customers"
    """The revision that changes with its rows."""
    is_of_stage: bool = False
    """Whether its rows are read with their stage of opportunities."""


def _one_of(labels: Mapping[Any, str]) -> Read:
    return lambda code, _words: _(labels[code]) if code in labels else str(code)


def _preset(code: Any, words: Words) -> str:
    return words.library.label(code)


def _industry(code: Any, words: Words) -> str:
    return words.library.industry_label(code)


def _region(code: Any, _words: Words) -> str:
    return regions()[code].label if code in regions() else str(code)


def _person(number: Any, words: Words) -> str:
    return words.people.get(number, "—")


def _team(number: Any, words: Words) -> str:
    return words.teams.get(number, "—")


def _stage(number: Any, words: Words) -> str:
    return words.stages.get(number, "—")


def _day(code: Any, _words: Words) -> str:
    return str(code)


def _by(label: str, column: Any, prefix: str) -> dict[str, Dimension]:
    return {f"{prefix}_{span}": Dimension(label, column, _day, span) for span in SPANS}


def _held_by(owner: Any, label: str) -> dict[str, Dimension]:
    team = select(User.team_id).where(User.id == owner).scalar_subquery()
    return {"owner": Dimension(label, owner, _person), "team": Dimension(N_("Team"), team, _team)}


OF_CUSTOMER = {
    "stage": Dimension(N_("Customer type"), Customer.stage, _one_of(STAGES)),
    "tier": Dimension(N_("Customer tier"), Customer.tier, _one_of(TIERS)),
    "activity": Dimension(N_("Customer status"), Customer.activity, _one_of(ACTIVITIES)),
    "kind": Dimension(N_("Customer nature"), Customer.kind, _one_of(KINDS)),
    "segment": Dimension(N_("Segment"), Customer.segment, _preset),
    "source": Dimension(N_("Customer source"), Customer.source, _preset),
    "section": Dimension(N_("Section"), func.substr(Customer.industry, 1, 1), _industry),
    "industry": Dimension(N_("Industry"), Customer.industry, _industry),
    "province": Dimension(N_("Province"), Customer.province, _region),
    "city": Dimension(N_("City"), Customer.city, _region),
}
"""What every subject can be divided by: the customer that it belongs to."""

ROWS = Measure(N_("Count"), Unit.COUNT)


def _amounts(column: Any, label: str, average: str) -> dict[str, Measure]:
    return {COUNT: ROWS, "sum": Measure(label, Unit.MONEY, column), "average": Measure(average, Unit.MONEY, column, is_average=True)}


SUBJECTS = {
    "customers": Subject(
        N_("Customers"),
        Customer,
        Permission.CUSTOMER_READ,
        Customer.created_at,
        N_("Created"),
        Customer.owner_id,
        {
            **OF_CUSTOMER,
            "state": Dimension(N_("Follow-up state"), Customer.sales_stage, _one_of(SALES_STAGES)),
            **_held_by(Customer.owner_id, N_("Owner")),
            **_by(N_("Created"), Customer.created_at, "created"),
        },
        _amounts(Customer.cooperation_amount, N_("Total cooperation amount"), N_("Average cooperation amount")),
    ),
    "follow_ups": Subject(
        N_("Follow-ups"),
        FollowUp,
        Permission.CUSTOMER_READ,
        FollowUp.happened_at,
        N_("Time of the follow-up"),
        FollowUp.author_id,
        {
            "method": Dimension(N_("Method"), FollowUp.method, _one_of(METHODS)),
            **_held_by(FollowUp.author_id, N_("Author")),
            **_by(N_("Time of the follow-up"), FollowUp.happened_at, "happened"),
            **OF_CUSTOMER,
        },
        {COUNT: ROWS},
        area="follow_ups",
    ),
    "opportunities": Subject(
        N_("Opportunities"),
        Opportunity,
        Permission.OPPORTUNITY_READ,
        Opportunity.opened_on,
        N_("Opened on"),
        Opportunity.owner_id,
        {
            "step": Dimension(N_("Stage"), Opportunity.stage_id, _stage),
            "outcome": Dimension(N_("Outcome"), OpportunityStage.outcome, _one_of(OUTCOMES)),
            "loss": Dimension(N_("Why it was lost"), Opportunity.loss_reason, _preset),
            **_held_by(Opportunity.owner_id, N_("Owner")),
            **_by(N_("Opened on"), Opportunity.opened_on, "opened"),
            **_by(N_("Expected on"), Opportunity.expected_on, "expected"),
            **OF_CUSTOMER,
        },
        _amounts(Opportunity.amount, N_("Expected amount"), N_("Average expected amount")),
        (Opportunity.deleted_at.is_(None),),
        area="opportunities",
        is_of_stage=True,
    ),
    "contracts": Subject(
        N_("Contracts"),
        Contract,
        Permission.CONTRACT_READ,
        Contract.signed_on,
        N_("Signed on"),
        Contract.owner_id,
        {
            **_held_by(Contract.owner_id, N_("Contract owner")),
            **_by(N_("Signed on"), Contract.signed_on, "signed"),
            **_by(N_("Contract ends on"), Contract.ends_on, "ends"),
            **OF_CUSTOMER,
        },
        _amounts(Contract.amount, N_("Contract amount"), N_("Average contract amount")),
        (Contract.is_in_force,),
        area="contracts",
    ),
    "tickets": Subject(
        N_("Tickets"),
        Ticket,
        Permission.TICKET_READ,
        Ticket.created_at,
        N_("Created"),
        Ticket.handler_id,
        {
            "type": Dimension(N_("Ticket type"), Ticket.type, _one_of(TICKET_TYPES)),
            "category": Dimension(N_("Ticket category"), Ticket.category, _preset),
            "priority": Dimension(N_("Priority"), Ticket.priority, _one_of(TICKET_PRIORITIES)),
            "state": Dimension(N_("State"), Ticket.state, _one_of(TICKET_STATES)),
            "via": Dimension(N_("Ticket source"), Ticket.source, _preset),
            "satisfaction": Dimension(N_("Satisfaction"), Ticket.satisfaction, _one_of(SCORES)),
            **_held_by(Ticket.handler_id, N_("Handler")),
            **_by(N_("Created"), Ticket.created_at, "created"),
            **OF_CUSTOMER,
        },
        {COUNT: ROWS, "average": Measure(N_("Average satisfaction"), Unit.SCORE, Ticket.satisfaction, is_average=True)},
        area="tickets",
    ),
}
"""Everything that can be analysed. A new dimension is a row here."""


def read_code(dimension: Dimension, code: Any, words: Words) -> str:
    """What a code of a dimension is called; nothing stands for records without one."""
    return _("not given") if code in (None, "") else dimension.read(code, words)
