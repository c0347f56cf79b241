"""Demo content: contracts in every state with products, plans and payments, and targets for people and teams."""

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Contract, Customer, User
from crm_core.permissions import Actor
from crm_core.services import contracts, payments, targets
from crm_core.services.actors import acting_as, list_actors

# Product, yuan, signed and ends so many days from today (negative: ago), planned and received as (days, share in percent).
_SIGNED: tuple[tuple[str, int, int, int, tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]], ...] = (
    ("数据采集网关 20 台", 186_000, -210, 155, ((-180, 30), (-90, 40), (30, 30)), ((-178, 30), (-85, 40))),
    ("年度运维服务", 96_000, -330, 24, ((-300, 50), (-60, 50)), ((-298, 50),)),
    ("排产系统实施", 420_000, -150, 215, ((-140, 40), (-20, 40), (60, 20)), ((-139, 40), (-15, 10))),
    ("培训服务", 28_800, -45, 320, ((-30, 100),), ((-31, 100),)),
    ("能耗监测平台", 268_000, -400, -35, ((-380, 50), (-200, 50)), ((-379, 50), (-190, 50))),
    ("备件包", 15_600, -12, 353, ((15, 100),), ()),
    ("质量追溯系统", 310_000, -75, 290, ((-70, 30), (-5, 40), (90, 30)), ((-66, 30),)),
    ("仓储改造咨询", 54_000, -8, 52, ((-3, 50), (27, 50)), ()),
)
_TARGETS = {"signed": (80_000, 60_000, 120_000, 90_000), "received": (60_000, 50_000, 90_000, 70_000)}
"""Monthly targets of the people in turn; the figure of a quarter's last month is half as much again."""
_SHARE = Decimal(100)


def fill_contracts(session: CrmSession) -> None:
    """Sign contracts as the owners of won customers would have done; one of them is void."""
    won = select(Customer).where(Customer.stage == "customer", Customer.is_listed, Customer.owner_id.is_not(None)).order_by(Customer.id)
    customers = list(session.execute(won).scalars())
    for place, row in enumerate(_SIGNED if customers else ()):
        _sign(session, customers[place % len(customers)], row)
    if customers:
        _void(session, customers[0])


def _day(days: int) -> date:
    return clock.today() + timedelta(days=days)


def _sign(
    session: CrmSession,
    customer: Customer,
    row: tuple[str, int, int, int, tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]],
) -> None:
    product, amount, signed, ends, planned, received = row
    (owner,) = list_actors(session, User.id == customer.owner_id)
    values = {"product": product, "amount": amount, "signed_on": _day(signed), "starts_on": _day(signed + 1), "ends_on": _day(ends)}
    with acting_as(session, owner):
        made = contracts.add_contract(session, owner, customer.id, values)
        plan = [{"due_on": _day(days), "amount": _part(amount, share)} for days, share in planned]
        payments.set_plan(session, owner, made.id, plan, version=made.version)
        for days, share in received:
            paid = {"received_on": _day(days), "amount": _part(amount, share), "note": "银行转账"}
            payments.record_payment(session, owner, made.id, paid)
        _date(made, signed)


def _part(amount: int, share: int) -> Decimal:
    return Decimal(amount) * share / _SHARE


def _date(contract: Contract, signed: int) -> None:
    contract.created_at = clock.start_of_day(_day(signed)) + timedelta(hours=15)


def _void(session: CrmSession, customer: Customer) -> None:
    (owner,) = list_actors(session, User.id == customer.owner_id)
    with acting_as(session, owner):
        values = {"product": "备件包", "amount": 12_000, "signed_on": _day(-20)}
        made = contracts.add_contract(session, owner, customer.id, values)
        contracts.void_contract(session, owner, made.id, version=made.version, reason="客户改签为年度框架合同")


def fill_targets(session: CrmSession, chief: Actor) -> None:
    """A year's targets of everybody who owns customers; their teams have the sums."""
    owning = select(Customer.owner_id).where(Customer.owner_id.is_not(None)).distinct().order_by(Customer.owner_id)
    people = [id for id in session.execute(owning).scalars() if id]
    for measure, amounts in _TARGETS.items():
        changes: dict[targets.Holder, dict[int, int]] = {}
        for place, id in enumerate(people):
            amount = amounts[place % len(amounts)]
            changes["user", id] = {month: amount * 3 // 2 if month % 3 == 0 else amount for month in targets.MONTHS}
        targets.save_targets(session, chief, clock.today().year, measure, changes, seen={})
