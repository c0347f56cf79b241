"""市场活动: what is done to win customers, what it costs, and who took part in it [001][003]."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Index, Integer, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core import clock
from crm_core.checks.campaigns import check_campaign_end, check_result_days
from crm_core.checks.dates import check_any_date
from crm_core.checks.money import check_money
from crm_core.errors import IllegalTransition
from crm_core.fields import Widget, always, declared
from crm_core.i18n import N_, _, join_words
from crm_core.models.base import Base, Dated, Encrypted, Key, Money, UserKey, UtcTime, Versioned
from crm_core.validation import check_length

LONGEST_PLAN = 10_000
"""Letters of a plan."""
RESULT_DAYS = 90


class CampaignState(StrEnum):
    """Where a campaign stands."""

    PLANNED = "planned"
    RUNNING = "running"
    CLOSED = "closed"
    CANCELLED = "cancelled"


CAMPAIGN_STATES = {
    CampaignState.PLANNED: N_("Being planned"),
    CampaignState.RUNNING: N_("Campaign running"),
    CampaignState.CLOSED: N_("Campaign closed"),
    CampaignState.CANCELLED: N_("Campaign cancelled"),
}
GOING = (CampaignState.PLANNED, CampaignState.RUNNING)
"""People can take part."""


class CampaignMove(StrEnum):
    """What takes a campaign from one state to another."""

    START = "start"
    CLOSE = "close"
    CANCEL = "cancel"
    REOPEN = "reopen"


@dataclass(frozen=True)
class CampaignWay:
    """One move: from where, and to where."""

    label: str
    sources: tuple[CampaignState, ...]
    target: CampaignState


CAMPAIGN_MOVES: dict[CampaignMove, CampaignWay] = {
    CampaignMove.START: CampaignWay(N_("Start campaign"), (CampaignState.PLANNED,), CampaignState.RUNNING),
    CampaignMove.CLOSE: CampaignWay(N_("Close campaign"), (CampaignState.RUNNING,), CampaignState.CLOSED),
    CampaignMove.CANCEL: CampaignWay(N_("Cancel campaign"), GOING, CampaignState.CANCELLED),
    CampaignMove.REOPEN: CampaignWay(N_("Open again"), (CampaignState.CLOSED, CampaignState.CANCELLED), CampaignState.RUNNING),
}
"""The state machine of campaigns. `services/campaigns.py` makes the moves."""


class Step(StrEnum):
    """How far somebody came with a campaign."""

    INVITED = "invited"
    CLICKED = "clicked"
    REGISTERED = "registered"
    ATTENDED = "attended"
    ANSWERED = "answered"


STEPS = {
    Step.INVITED: N_("Invited"),
    Step.CLICKED: N_("Clicked"),
    Step.REGISTERED: N_("Signed up"),
    Step.ATTENDED: N_("Attended"),
    Step.ANSWERED: N_("Gave feedback"),
}
"""邀请, 点击, 报名, 到场, 反馈; in their order."""
REACTIONS = tuple(step for step in Step if step is not Step.INVITED)
TAGGING_STEPS = {step: STEPS[step] for step in REACTIONS}


def _check_plan(value: str, _values: Any) -> str:
    return check_length(value, LONGEST_PLAN)


class Campaign(Base, Dated, Versioned):
    """One campaign. Its state changes through `move` alone."""

    __tablename__ = "campaign"
    __table_args__ = (Index("ix_campaign_listed", "state", "starts_on", "id"), Index("ix_campaign_starts_on", "starts_on", "id"))
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(20), unique=True)
    key: Mapped[str | None] = mapped_column(String(36), unique=True)
    """Of the form in which it was entered, so that a second click makes no second one."""
    name: Mapped[str] = declared(String(120), nullable=False, label=N_("Campaign name"), group="campaign", required=always)
    channel: Mapped[str] = declared(
        String(60),
        foreign_key=ForeignKey("preset.code", onupdate="CASCADE"),
        nullable=False,
        label=N_("Campaign channel"),
        group="campaign",
        widget=Widget.PRESET,
        preset="campaign_channel",
        required=always,
    )
    starts_on: Mapped[date] = declared(
        Date(),
        nullable=False,
        label=N_("First day"),
        group="campaign",
        widget=Widget.DATE,
        required=always,
        check=check_any_date,
        may_lie_ahead=True,
    )
    ends_on: Mapped[date] = declared(
        Date(),
        nullable=False,
        label=N_("Last day"),
        group="campaign",
        widget=Widget.DATE,
        required=always,
        check=check_campaign_end,
        may_lie_ahead=True,
    )
    place: Mapped[str | None] = declared(String(200), label=N_("Venue"), group="campaign")
    budget: Mapped[Decimal | None] = declared(
        Money(), label=N_("Budget"), group="campaign", widget=Widget.MONEY, check=check_money, help=N_("In yuan.")
    )
    cost: Mapped[Decimal | None] = declared(
        Money(),
        label=N_("Actual cost"),
        group="campaign",
        widget=Widget.MONEY,
        check=check_money,
        help=N_("In yuan. The return is reckoned with it."),
    )
    result_days: Mapped[int] = declared(
        Integer(),
        nullable=False,
        default=RESULT_DAYS,
        label=N_("Results counted for (days)"),
        group="campaign",
        widget=Widget.NUMBER,
        required=always,
        check=check_result_days,
        help=N_("So many days after the last day customers and contracts still count as its result."),
    )
    interests: Mapped[list[str]] = declared(
        JSON(),
        nullable=False,
        default=list,
        label=N_("Interest tags"),
        group="campaign",
        widget=Widget.PRESETS,
        preset="interest",
        help=N_("Customers whose people take part get them."),
    )
    tags_from: Mapped[str] = declared(
        String(12),
        nullable=False,
        default=Step.ATTENDED,
        label=N_("Tags are set for those who"),
        group="campaign",
        widget=Widget.CHOICE,
        choices=TAGGING_STEPS,
        required=always,
    )
    plan: Mapped[str | None] = declared(
        Text(), label=N_("Plan of the campaign"), group="campaign", widget=Widget.LONG_TEXT, check=_check_plan
    )
    tags: Mapped[list[str]] = mapped_column(JSON(), default=list)
    """Words by which customers are grouped, set together with the interest tags."""
    owner_id: Mapped[UserKey]
    state: Mapped[str] = mapped_column(String(10), default=CampaignState.PLANNED)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    link: Mapped[str | None] = mapped_column(Encrypted)
    """The token of the page on which visitors check in, while that is switched on."""
    link_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    created_by_id: Mapped[UserKey]

    @property
    def moves(self) -> dict[CampaignMove, CampaignWay]:
        """What can be done in the present state."""
        return {move: way for move, way in CAMPAIGN_MOVES.items() if self.state in way.sources}

    def move(self, move: CampaignMove) -> None:
        """Go on to the state that follows. Raises `IllegalTransition`, naming what can be done instead."""
        if move not in self.moves:
            sentence = _("This campaign is in the state “{state}”. What can be done with it: {moves}.")
            names = join_words(_(way.label) for way in self.moves.values())
            raise IllegalTransition(sentence.format(state=_(CAMPAIGN_STATES[CampaignState(self.state)]), moves=names))
        self.state = CAMPAIGN_MOVES[move].target


class Participation(Base):
    """Somebody of a customer in a campaign, or the customer as such; when they came to each step."""

    __tablename__ = "participation"
    __table_args__ = (
        UniqueConstraint("campaign_id", "contact_id"),
        Index("ix_participation_of_campaign", "campaign_id", "customer_id"),
        Index("ix_participation_of_customer", "customer_id", "id"),
    )
    audited = True

    id: Mapped[Key]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="SET NULL"), index=True)
    contact_name: Mapped[str | None] = mapped_column(String(60))
    """As the contact was called then: contacts leave."""
    invited_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    clicked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    registered_at: Mapped[datetime | None] = mapped_column(UtcTime)
    attended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcTime)
    reacted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """The first of these times: what came of it counts from here."""
    reacted_on: Mapped[date | None] = mapped_column(Date())
    """Its day where the company is, which is compared with the days of contracts."""
    is_self_checked: Mapped[bool] = mapped_column(default=False)
    """Whether the visitor checked in by the code at the entrance."""
    score: Mapped[int | None] = mapped_column(SmallInteger)
    """What they thought of it, of `SCORES`."""
    feedback: Mapped[str | None] = mapped_column(Text())
    invited_by_id: Mapped[UserKey]
    campaign: Mapped[Campaign] = relationship(lazy="joined", innerjoin=True)

    @property
    def name(self) -> str:
        """What the change log calls it."""
        return " · ".join(part for part in (self.campaign.name, self.contact_name) if part)

    @property
    def step(self) -> Step:
        """The last step that was reached."""
        return next(step for step in reversed(Step) if getattr(self, f"{step}_at"))

    def settle(self) -> None:
        """When the first reaction was follows from the times of the steps."""
        times = [time for time in (getattr(self, f"{step}_at") for step in REACTIONS) if time]
        self.reacted_at = min(times, default=None)
        self.reacted_on = clock.day_of(self.reacted_at) if self.reacted_at else None
