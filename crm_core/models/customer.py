"""The customer: every field that users enter, declared once."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, Date, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, validates

from crm_core import crypto
from crm_core.checks.dates import check_date, check_last_cooperation
from crm_core.checks.identifiers import check_credit_code, check_identity_number
from crm_core.checks.money import check_money
from crm_core.checks.names import check_customer_name
from crm_core.fields import Widget, always, declared, for_kind, for_stage
from crm_core.i18n import N_
from crm_core.models.base import Base, Dated, Encrypted, Key, Money, UtcTime, Versioned
from crm_core.models.lifecycle import STAGES, TIERS, LifecycleStage
from crm_core.models.standing import AWAITING, Standing
from crm_core.normal import name_key


class Kind(StrEnum):
    """客户性质."""

    ENTERPRISE = "enterprise"
    INDIVIDUAL = "individual"


KINDS = {Kind.ENTERPRISE: N_("Enterprise"), Kind.INDIVIDUAL: N_("Individual")}
SALES_STAGES = {
    "contact": N_("First contact"),
    "proposal": N_("Proposal sent"),
    "negotiation": N_("Negotiating"),
    "won": N_("Won"),
}
DECISION_ROLES = {
    "decision_maker": N_("Decision maker"),
    "influencer": N_("Influencer"),
    "user": N_("User"),
    "buyer": N_("Buyer"),
}

enterprise = for_kind(Kind.ENTERPRISE)
has_needs = for_stage(LifecycleStage.QUALIFIED, LifecycleStage.CUSTOMER)
has_cooperated = for_stage(LifecycleStage.CUSTOMER, LifecycleStage.CHURNED)
has_churned = for_stage(LifecycleStage.CHURNED)


def _preset() -> Any:
    return ForeignKey("preset.code", onupdate="CASCADE")


class Customer(Base, Standing, Dated, Versioned):
    """A company or person the team has, wants or had business with.

    Fields, groups and rules are those of the intake manual (requirements B.3); order here is order in the form.
    """

    __tablename__ = "customer"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        # The owner stands in it so that what lies outside somebody's scope is passed over without reading its row.
        Index("ix_customer_listing", "place", "id", "owner_id"),
        Index("ix_customer_updated", "place", "updated_at"),
        Index("ix_customer_amount", "place", "cooperation_amount"),
        Index("ix_customer_named", "place", "name_key", "id"),
        Index("ix_customer_owned", "place", "owner_id", "id", "stage"),
        Index("ix_customer_placed", "place", "placed_at", "id"),
        # These two cover every count on the overview dashboard, in the order it groups by, so that it never reads the wide rows.
        Index("ix_customer_created", "place", "created_at", "owner_id", "stage", "source", "first_contact_on"),
        # What the boards group by, in that order, and when first follow-ups were due.
        Index("ix_customer_staged", "place", "stage", "owner_id"),
        Index("ix_customer_structure", "place", "province", "city", "tier", "activity", "owner_id", "stage", "source", "industry"),
        # The day first: what one person has to do is found by the person.
        Index("ix_customer_first_due", "first_follow_up_on", "place", "owner_id", "followed_up_at"),
        Index("ix_customer_contacted", "place", "last_contact_at", "owner_id"),
        Index("ix_customer_complaints", "place", "complaints", "id"),
        # Of the few that wait for their first follow-up.
        Index("ix_customer_awaiting", "first_follow_up_on", "owner_id", sqlite_where=text(AWAITING), postgresql_where=text(AWAITING)),
    )
    audited = True

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(20), unique=True)

    kind: Mapped[str] = declared(
        String(12),
        nullable=False,
        label=N_("Customer nature"),
        widget=Widget.CHOICE,
        choices=KINDS,
        required=always,
        fixed=True,
        filterable=True,
    )
    stage: Mapped[str] = declared(
        String(12),
        nullable=False,
        label=N_("Customer type"),
        widget=Widget.CHOICE,
        choices=STAGES,
        required=always,
        fixed=True,
        filterable=True,
        aliases=("客户状态分类", "type", "stage"),
    )
    name: Mapped[str] = declared(
        String(200),
        nullable=False,
        label=N_("Customer name"),
        required=always,
        check=check_customer_name,
        aliases=("名称", "公司名称", "企业名称", "客户", "公司", "单位名称", "name", "company", "company name", "account", "account name"),
    )
    segment: Mapped[str | None] = declared(
        String(60), foreign_key=_preset(), index=True, label=N_("Segment"), widget=Widget.PRESET, preset="segment", filterable=True
    )
    credit_code: Mapped[str | None] = declared(
        String(18),
        index=True,
        label=N_("Unified social credit code"),
        shown=enterprise,
        check=check_credit_code,
        aliases=("信用代码", "统一信用代码", "社会信用代码", "uscc", "credit code", "tax id", "税号"),
    )
    identity_number: Mapped[str | None] = declared(
        Encrypted(400),
        label=N_("Identity number"),
        shown=for_kind(Kind.INDIVIDUAL),
        check=check_identity_number,
        sensitive="identity_number",
        help=N_("Only if the customer offers it. It is stored encrypted, and every look at it is logged."),
        aliases=("身份证号", "身份证号码", "证件号"),
    )
    industry: Mapped[str | None] = declared(
        String(20),
        foreign_key=ForeignKey("industry.code", onupdate="CASCADE"),
        index=True,
        label=N_("Industry"),
        is_open=True,
        required=always,
        widget=Widget.INDUSTRY,
        filterable=True,
        aliases=("行业", "industry", "sector"),
        help=N_("Type to search. If nothing fits, choose the last entry and write your own words; an administrator will assign them."),
    )
    source: Mapped[str | None] = declared(
        String(60),
        foreign_key=_preset(),
        index=True,
        label=N_("Customer source"),
        required=always,
        widget=Widget.PRESET,
        preset="source",
        filterable=True,
        aliases=("来源", "客户来源渠道", "获客渠道", "source", "lead source"),
    )
    source_detail: Mapped[str | None] = declared(
        String(200),
        label=N_("Source detail"),
        required=always,
        help=N_("The concrete occasion, for example the name and year of the fair."),
        aliases=("具体来源", "source detail"),
    )
    first_contact_on: Mapped[date | None] = declared(
        Date(), label=N_("First contact on"), widget=Widget.DATE, check=check_date, aliases=("首次接触日期", "first contact")
    )
    tier: Mapped[str | None] = declared(
        String(1),
        index=True,
        label=N_("Customer tier"),
        widget=Widget.CHOICE,
        choices=TIERS,
        filterable=True,
        aliases=("等级", "tier", "level"),
    )
    sales_stage: Mapped[str | None] = declared(
        String(12), label=N_("Follow-up state"), widget=Widget.CHOICE, choices=SALES_STAGES, filterable=True
    )
    province: Mapped[str | None] = declared(
        String(6), label=N_("Province"), widget=Widget.REGION, filterable=True, aliases=("省", "省份", "province", "state")
    )
    city: Mapped[str | None] = declared(String(6), label=N_("City"), widget=Widget.REGION, filterable=True, aliases=("市", "城市", "city"))
    district: Mapped[str | None] = declared(
        String(6), label=N_("District"), widget=Widget.REGION, aliases=("区", "区县", "district", "county")
    )
    address: Mapped[str | None] = declared(
        String(300), label=N_("Street address"), sensitive="address", aliases=("地址", "联系地址", "注册地址", "address", "street")
    )
    remark: Mapped[str | None] = declared(
        Text(), label=N_("Remarks"), widget=Widget.LONG_TEXT, aliases=("说明", "remark", "notes", "description")
    )

    employees: Mapped[str | None] = declared(
        String(60),
        foreign_key=_preset(),
        label=N_("Number of employees"),
        group="scale",
        widget=Widget.PRESET,
        preset="employees",
        shown=enterprise,
        required=enterprise,
        aliases=("员工数", "人数", "employees"),
    )
    revenue: Mapped[str | None] = declared(
        String(60),
        foreign_key=_preset(),
        label=N_("Annual revenue"),
        group="scale",
        widget=Widget.PRESET,
        preset="revenue",
        shown=enterprise,
        required=enterprise,
        aliases=("年营收", "营业额", "revenue", "annual revenue"),
    )
    founded_on: Mapped[date | None] = declared(
        Date(),
        label=N_("Founded on"),
        group="scale",
        widget=Widget.DATE,
        shown=enterprise,
        required=enterprise,
        check=check_date,
        aliases=("成立日期", "注册日期", "registered_on", "founded", "founded on", "established"),
    )

    core_need: Mapped[str | None] = declared(
        Text(),
        label=N_("Core need"),
        group="needs",
        widget=Widget.LONG_TEXT,
        required=has_needs,
        aliases=("核心需求描述", "需求", "need", "requirements"),
    )
    wanted_products: Mapped[str | None] = declared(
        String(200), label=N_("Products or services of interest"), group="needs", aliases=("意向产品", "意向产品服务", "products")
    )
    purchase_time: Mapped[str | None] = declared(
        String(60),
        label=N_("Expected purchase time"),
        group="needs",
        help=N_("For example: before December 2026."),
        aliases=("采购时间", "purchase time"),
    )
    budget: Mapped[str | None] = declared(
        String(60),
        label=N_("Budget range"),
        is_open=True,
        group="needs",
        widget=Widget.PRESET,
        preset="budget",
        help=N_("Choose a range, write your own such as 20万-30万, or choose 待定."),
        aliases=("预算", "budget"),
    )

    decision_roles: Mapped[list[str]] = declared(
        JSON(),
        nullable=False,
        default=list,
        label=N_("Decision chain roles"),
        group="decision",
        widget=Widget.CHOICES,
        choices=DECISION_ROLES,
    )
    key_people: Mapped[str | None] = declared(
        String(200), label=N_("Key decision makers"), group="decision", aliases=("决策人", "关键决策人及影响人")
    )

    first_cooperated_on: Mapped[date | None] = declared(
        Date(),
        label=N_("First cooperation on"),
        group="cooperation",
        widget=Widget.DATE,
        shown=has_cooperated,
        required=has_cooperated,
        check=check_date,
        aliases=("首次合作日期",),
    )
    last_cooperated_on: Mapped[date | None] = declared(
        Date(),
        label=N_("Latest cooperation on"),
        group="cooperation",
        widget=Widget.DATE,
        shown=has_cooperated,
        required=has_cooperated,
        check=check_last_cooperation,
        aliases=("最近合作日期",),
    )
    cooperation_amount: Mapped[Decimal | None] = declared(
        Money(),
        label=N_("Total cooperation amount"),
        group="cooperation",
        widget=Widget.MONEY,
        shown=has_cooperated,
        required=has_cooperated,
        check=check_money,
        help=N_("In yuan."),
        aliases=("合作金额", "累计金额", "amount"),
    )

    churn_reason: Mapped[str | None] = declared(
        String(60),
        foreign_key=_preset(),
        label=N_("Reason of loss"),
        group="churn",
        widget=Widget.PRESET,
        preset="loss_reason",
        shown=has_churned,
        required=has_churned,
    )
    churn_note: Mapped[str | None] = declared(
        Text(), label=N_("Explanation of the loss"), group="churn", widget=Widget.LONG_TEXT, shown=has_churned, required=has_churned
    )

    interests: Mapped[list[str]] = declared(
        JSON(), nullable=False, default=list, label=N_("Interest tags"), group="preferences", widget=Widget.PRESETS, preset="interest"
    )
    events: Mapped[list[str]] = declared(
        JSON(), nullable=False, default=list, label=N_("Events attended"), group="preferences", widget=Widget.PRESETS, preset="event"
    )

    entered_first_on: Mapped[date | None] = mapped_column(Date())
    entered_last_on: Mapped[date | None] = mapped_column(Date())
    entered_amount: Mapped[Decimal | None] = mapped_column(Money())
    """What people entered or imported of the cooperation besides the contracts; with them it makes the figures above."""
    industry_text: Mapped[str | None] = mapped_column(String(100), index=True)
    # In the order of code points, which SQLite has anyway: so that lists are in one order whatever the server's own collation.
    name_key: Mapped[str] = mapped_column(String(200).with_variant(String(200, collation="C"), "postgresql"))
    identity_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    is_incomplete: Mapped[bool] = mapped_column(Boolean(), default=False)
    duplicate_reason: Mapped[str | None] = mapped_column(String(300))
    intake_key: Mapped[str | None] = mapped_column(String(36), unique=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    owned_since: Mapped[datetime | None] = mapped_column(UtcTime)
    pooled_at: Mapped[datetime | None] = mapped_column(UtcTime, index=True)
    """Since when the customer is in the pool (公海) and has no owner."""
    pool_warned_on: Mapped[date | None] = mapped_column(Date())
    """When its owner was told that it goes back to the pool; nothing where that does not threaten."""
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

    extra: Mapped[dict[str, Any]] = mapped_column(JSON(), default=dict)
    """The values of custom fields, by their key."""

    @validates("name")
    def _derive_name_key(self, _attribute: str, name: str) -> str:
        self.name_key = name_key(name)
        return name

    @validates("tier")
    def _note_hand(self, _attribute: str, tier: str | None) -> str | None:
        """A tier that somebody enters holds until they change it; emptied, it is derived again."""
        self.tier_by_hand, self.tier_reason, self.tier_until = tier is not None, None, None
        return tier

    @validates("identity_number")
    def _derive_identity_hash(self, _attribute: str, number: str | None) -> str | None:
        self.identity_hash = crypto.keyed_hash(number) if number else None
        return number
