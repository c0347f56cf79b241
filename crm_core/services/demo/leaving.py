"""Demo content: customers entered twice, merged, archived, deleted and on legal hold."""

from datetime import timedelta

from sqlalchemy import select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Contact, Customer, DuplicatePair, Job, Kind, User
from crm_core.permissions import Actor
from crm_core.services.actors import list_actors
from crm_core.services.archive import archive_customer
from crm_core.services.customers import create_customer, delete_customer
from crm_core.services.duplicate_pairs import tell_apart
from crm_core.services.duplicate_scan import JOB, find_pairs, keep_pairs
from crm_core.services.holds import set_hold
from crm_core.services.merges import merge_customers

TWINS = (
    ("{place}市{rest}", "展会上又登记了一次"),
    ("{rest_core}（{place}）有限公司", ""),
    ("{place}{rest_core}股份有限公司", ""),
    ("{place}{rest_core}集团有限公司", ""),
)
"""How the same company is written the second time, and the reason where the name is the same."""
ARCHIVED = ("项目暂停，明年预算确定后再联系", "公司搬迁，暂无采购计划", "对接人离职，等待新负责人")
DELETED = (("录入测试，不是真实客户", 2, False), ("公司已注销", 28, False), ("客户要求删除资料", 45, True))
"""Why, how many days ago, and whether a legal hold keeps it."""


def fill_leaving(session: CrmSession, actor: Actor) -> None:
    """Every state in which a customer leaves the list, or is suspected to be there twice."""
    companies = select(Customer).where(Customer.is_listed, Customer.kind == Kind.ENTERPRISE, Customer.is_incomplete.is_(False))
    found = list(session.execute(companies.order_by(Customer.id).limit(20)).scalars())
    twins = [_enter_twin(session, one, *how) for one, how in zip(found[10:], TWINS, strict=False)]
    session.flush()
    _merge(session, actor, found[10], twins[0])
    for customer, reason in zip(found[:3], ARCHIVED, strict=True):
        archive_customer(session, actor, customer.id, reason=reason)
    for customer, (reason, days, is_kept) in zip(found[3:6], DELETED, strict=True):
        delete_customer(session, actor, customer.id, reason=reason)
        customer.placed_at = clock.now() - timedelta(days=days)
        if is_kept:
            set_hold(session, actor, customer.id, is_on_hold=True, reason="合同纠纷，资料须保留")
    set_hold(session, actor, found[6].id, is_on_hold=True, reason="审计期间资料须保留")
    session.info["reason"] = None
    _scan(session, actor)


def _enter_twin(session: CrmSession, customer: Customer, pattern: str, reason: str) -> Customer:
    place, rest = customer.name[:2], customer.name[2:]
    name = pattern.format(place=place, rest=rest, rest_core=rest.removesuffix("有限公司").removesuffix("股份").removesuffix("集团"))
    copied = ("kind", "industry", "source", "employees", "revenue", "founded_on", "province", "city")
    values = {field: getattr(customer, field) for field in copied} | {"stage": "prospect", "name": name, "source_detail": "第二次登记"}
    person = session.execute(select(Contact).where(Contact.customer_id == customer.id, Contact.is_primary)).scalar_one()
    contacts = [{"name": person.name, "position": person.position, "phone": person.phone, "email": "未提供"}]
    owner = list_actors(session, User.id == customer.owner_id)[0]
    return create_customer(session, owner, values, contacts, duplicate_reason=reason).customer


def _merge(session: CrmSession, actor: Actor, kept: Customer, merged: Customer) -> None:
    versions = (kept.version, merged.version)
    merge_customers(session, actor, kept.id, merged.id, {}, versions=versions, reason="同一家公司录入了两次")


def _scan(session: CrmSession, actor: Actor) -> None:
    keep_pairs(session, find_pairs(session))
    session.add(Job(name=JOB, due_at=clock.now() + timedelta(days=1), finished_at=clock.now()))
    if least := session.execute(select(DuplicatePair.id).order_by(DuplicatePair.score, DuplicatePair.id.desc()).limit(1)).scalar():
        tell_apart(session, actor, least)
