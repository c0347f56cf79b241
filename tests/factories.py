"""Makers of valid things: values a form could send, and records made through the services, so that tests name only what matters."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy import Column, Date, String, inspect, select
from stdnum.cn import ric, uscc

from crm_core.clock import today
from crm_core.db import CrmSession, reading, transaction
from crm_core.models import Base, Campaign, ChangeLog, Contact, Customer, Opportunity, Product, Ticket, User
from crm_core.models.base import UtcTime
from crm_core.permissions import SYSTEM, Actor
from crm_core.services.actors import list_actors
from crm_core.services.campaigns import create_campaign
from crm_core.services.contacts import add_contact
from crm_core.services.customers import create_customer
from crm_core.services.insight.boards import answer
from crm_core.services.insight.question import Period, Question
from crm_core.services.opportunities import Line, create_opportunity
from crm_core.services.passwords import hash_password
from crm_core.services.products import create_product
from crm_core.services.task_rows import Listed
from crm_core.services.task_views import TaskQuery, list_tasks
from crm_core.services.tickets import create_ticket
from crm_core.services.users import create_user

PASSWORD = "Valid-pass-123"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
JPG = b"\xff\xd8\xff\xe0" + bytes(32)

_numbers = count(1)
_random = random.Random(20240501)
_HAN = "宏达锐创瑞丰鼎盛博雅嘉禾天岳华信凯越泰和明德朗润景逸优胜卓尔启航星海云帆金桥"
"""What companies are called by chance; without 恒 and 远, by which tests look for companies that they name themselves."""
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = "伟芳娜敏静丽强磊洋艳勇军杰娟涛明超霞平刚"


def unique_number() -> int:
    """A number that this process has not used yet."""
    return next(_numbers)


def random_credit_code() -> str:
    """A 统一社会信用代码 with the right check digit."""
    body = "9133010" + "".join(_random.choices("0123456789", k=1)) + "MA" + "".join(_random.choices("0123456789ABCDEFGHJKLMNPQRTUWXY", k=7))
    return body + uscc.calc_check_digit(body)


def random_identity_number() -> str:
    """A resident identity number with the right check digit."""
    body = f"330106{_random.randint(1950, 2005)}{_random.randint(1, 12):02d}{_random.randint(1, 28):02d}{_random.randint(0, 999):03d}"
    return body + ric.calc_check_digit(body + "0")


def random_phone() -> str:
    """A mobile number."""
    return "13" + "".join(_random.choices("0123456789", k=9))


def random_person() -> str:
    """A person's name of three characters."""
    return _random.choice(_SURNAMES) + "".join(_random.choices(_GIVEN, k=2))


def random_company() -> str:
    """A registered name that no other call of this run returns, short enough for a column of the list."""
    tail, number = "", unique_number()
    while number:
        number, digit = divmod(number, len(_HAN))
        tail += _HAN[digit]
    return f"杭州{''.join(_random.choices(_HAN, k=3))}{tail}科技有限公司"


def customer_values(*, kind: str = "enterprise", stage: str = "prospect", **over: Any) -> dict[str, Any]:
    """What a complete form of this nature and type holds; `over` replaces or adds fields."""
    values: dict[str, Any] = {
        "kind": kind,
        "stage": stage,
        "name": random_company() if kind == "enterprise" else random_person(),
        "industry": "C34",
        "source": "source.exhibition",
        "source_detail": "2023年行业展会",
    }
    if kind == "enterprise":
        values |= {"employees": "employees.50_99", "revenue": "revenue.5m_10m", "founded_on": "2010-05-06"}
    if stage in ("qualified", "customer"):
        values["core_need"] = "替换现有的排产系统"
    if stage in ("customer", "churned"):
        values |= {"first_cooperated_on": "2021-03-01", "last_cooperated_on": "2023-11-20", "cooperation_amount": "860000"}
    if stage == "churned":
        values |= {"churn_reason": "loss_reason.price", "churn_note": "续约报价高于同行"}
    return values | over


def contact_values(**over: Any) -> dict[str, Any]:
    """What a complete contact holds."""
    values = {"name": random_person(), "position": "采购经理", "phone": random_phone(), "email": f"c{unique_number()}@hengyuan.example.com"}
    return values | over


make_contact_values = contact_values


def make_customer(
    actor: Actor,
    *,
    contacts: Sequence[Mapping[str, Any]] | None = None,
    duplicate_reason: str = "",
    draft_id: str | None = None,
    kind: str = "enterprise",
    stage: str = "prospect",
    **over: Any,
) -> Customer:
    """Enter a customer through the service, in a transaction of its own."""
    with transaction(actor) as session:
        made = create_customer(
            session,
            actor,
            customer_values(kind=kind, stage=stage, **over),
            [contact_values()] if contacts is None else contacts,
            duplicate_reason=duplicate_reason,
            draft_id=draft_id,
        )
    return made.customer


def make_contact(actor: Actor, customer: Customer, **over: Any) -> Contact:
    """Add a contact to a customer."""
    with transaction(actor) as session:
        return add_contact(session, actor, customer.id, contact_values(**over))


def ticket_values(**over: Any) -> dict[str, Any]:
    """What a complete form of a ticket holds."""
    values = {"type": "complaint", "category": "ticket_category.quality", "priority": "normal", "source": "ticket_source.phone"}
    return values | {"name": "设备停机", "description": "三号线的设备今天早上停机，重启无效。"} | over


def make_ticket(
    actor: Actor, customer: Customer, *, contact_id: int | None = None, handler_id: int | None = None, key: str | None = None, **over: Any
) -> Ticket:
    """Enter a ticket through the service, in a transaction of its own."""
    with transaction(actor) as session:
        values, who = ticket_values(**over), {"contact_id": contact_id, "handler_id": handler_id}
        return create_ticket(session, actor, customer.id, values, key=key, **who)


def campaign_values(**over: Any) -> dict[str, Any]:
    """What a complete form of a campaign holds; it takes place today."""
    values: dict[str, Any] = {"name": "春季技术沙龙", "channel": "campaign_channel.meeting", "starts_on": today(), "ends_on": today()}
    return values | {"result_days": "30", "tags_from": "attended", "cost": "20000", "place": "杭州会议中心"} | over


def make_campaign(actor: Actor, *, tags: Sequence[str] = (), key: str | None = None, **over: Any) -> Campaign:
    """Plan a campaign through the service, in a transaction of its own."""
    with transaction(actor) as session:
        return create_campaign(session, actor, campaign_values(**over), tags=tags, key=key)


def make_row(session: CrmSession, model: type[Base], customer: Customer, *, user_id: int | None) -> Base:
    """Any row that hangs on a customer: whatever has to be filled is filled, other rows that it needs included."""
    row = model(**{column.key: _filling(session, column, customer, user_id) for column in inspect(model).columns if _needs_filling(column)})
    session.add(row)
    session.flush()
    return row


def _needs_filling(column: Column[Any]) -> bool:
    is_given = column.default is not None or column.server_default is not None or column.autoincrement is True
    return column.key == "customer_id" or not (
        column.nullable or is_given or (column.primary_key and not column.foreign_keys and not isinstance(column.type, String | Date))
    )


def _filling(session: CrmSession, column: Column[Any], customer: Customer, user_id: int | None) -> Any:
    if column.key == "customer_id":
        return customer.id
    for key in column.foreign_keys:
        if key.column.table.name == "customer":
            return customer.id
        if key.column.table.name == "user_account":
            return user_id
        model = next(mapper.class_ for mapper in Base.registry.mappers if mapper.local_table is key.column.table)
        return getattr(make_row(session, model, customer, user_id=user_id), key.column.key)
    if isinstance(column.type, UtcTime):
        return LONG_AGO
    if isinstance(column.type, Date):
        return LONG_AGO.date()
    return f"{column.key}{unique_number()}"[: min(10, column.type.length or 10)] if isinstance(column.type, String) else 1


def make_user(
    *, role: str = "sales", username: str = "", name: str = "", password: str = PASSWORD, team_id: int | None = None, **over: Any
) -> Actor:
    """Create an account and return it as the actor that services receive."""
    username = username or f"user{unique_number()}"
    over.setdefault("must_change_password", False)
    over |= {"username": username, "name": name or username, "password_hash": hash_password(password)}
    with transaction(SYSTEM) as session:
        user = create_user(session, SYSTEM, role=role, team_id=team_id, **over)
        user_id = user.id
    return actor_of(user_id)


def own_tasks(session: CrmSession, actor: Actor) -> list[Listed]:
    """What somebody has to do, the most urgent first."""
    return list_tasks(session, actor, TaskQuery(assignees=(actor.id or 0,))).rows


def actor_of(user_id: int, *, session_id: int | None = None) -> Actor:
    """The present rights of an account."""
    with reading() as session:
        return replace(list_actors(session, User.id == user_id)[0], session_id=session_id)


def log_of(entity: str, entity_id: object = None, *, action: str = "", field: str | None = None) -> list[ChangeLog]:
    """The change log lines of a record, oldest first."""
    statement = select(ChangeLog).where(ChangeLog.entity == entity).order_by(ChangeLog.id)
    if entity_id is not None:
        statement = statement.where(ChangeLog.entity_id == str(entity_id))
    if action:
        statement = statement.where(ChangeLog.action == action)
    if field is not None:
        statement = statement.where(ChangeLog.field == field)
    with reading(SYSTEM) as session:
        return list(session.execute(statement).scalars())


def make_product(actor: Actor = SYSTEM, **over: Any) -> Product:
    """Add a product to the catalogue."""
    with transaction(actor) as session:
        return create_product(session, actor, {"name": f"排产软件{unique_number()}", "unit": "套", "price": "1000"} | over)


def make_opportunity(
    actor: Actor, customer: Customer, *, products: Sequence[Product] = (), stage_id: int | None = None, **over: Any
) -> Opportunity:
    """Enter an opportunity through the service, with one piece of each product."""
    values = {"name": "排产系统二期", "amount": "50000", "expected_on": today()} | over
    lines = [Line(product.id, 1, product.price) for product in products]
    with transaction(actor) as session:
        return create_opportunity(session, actor, customer.id, values, lines=lines, stage_id=stage_id)


def count_on_board(session: CrmSession, actor: Actor) -> int:
    """How many customers the boards count."""
    board = answer(session, actor, "structure", Question(Period(today(), today())))
    return int(board.figures[0].value or 0) if board.figures else 0
