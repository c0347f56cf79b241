"""Fictional entries in every state of a review, for the demo content."""

from datetime import timedelta

from sqlalchemy import select, update

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Review, ReviewStep, Role
from crm_core.permissions import Actor
from crm_core.services import drafts, review_deadlines, review_rules, reviews
from crm_core.services.actors import acting_as, list_actors
from crm_core.services.customers import create_customer
from crm_core.services.review_rules import Rule

ENTRIES = {
    "waiting": ("杭州临安云杉精密仪器有限公司", "沈思远", "13857100321"),
    "corrected": ("南京浦口恒泽自动化设备有限公司", "顾清和", "13951800432"),
    "returned": ("苏州吴中海澜包装材料有限公司", "陆怀瑾", "13862100543"),
    "overdue": ("无锡惠山锐达模具制造有限公司", "秦若松", "13806150654"),
    "approved": ("宁波镇海东港冷链物流有限公司", "贺知秋", "13957400765"),
    "withdrawn": ("绍兴柯桥锦程纺织科技有限公司", "丁以宁", "13857500876"),
}
"""By what becomes of it: the company, its contact, their phone."""


def fill_reviews(session: CrmSession, actor: Actor) -> None:
    """Set a rule and bring entries of the first salesperson into every state; the nearest head decides."""
    session.info["reason"] = None  # that of the last edit
    review_rules.save_rule(session, actor, None, Rule(roles=("sales",), tiers=("A",)), version=review_rules.get_rules(session)[1])
    author = list_actors(session, Role.code == "sales")[0]
    found = {state: _enter(session, author, state) for state in ENTRIES}
    head = next(one for one in list_actors(session) if one.id == found["waiting"][1])
    with acting_as(session, head):
        for state in ("corrected", "returned", "overdue"):
            reviews.return_entry(session, head, found[state][0], reason="联系电话与名片不一致，请核对后补充来源说明。", version=1)
        reviews.approve(session, head, found["approved"][0], version=1)
    with acting_as(session, author):
        reviews.withdraw(session, author, found["withdrawn"][0], version=1)
        draft_id = reviews.begin_correction(session, author, found["corrected"][0])
        values = drafts.get_draft(session, author, draft_id).values | {"source_detail": "2026年长三角智能制造展 B12 展位"}
        contacts = [values["contacts"][0] | {"phone": "13951800499"}]
        reviews.submit(session, author, draft_id, values, contacts)
    _age(session, found["returned"][0], timedelta(hours=9))
    _age(session, found["overdue"][0], timedelta(hours=31))
    review_deadlines.follow_up(session)


def _enter(session: CrmSession, author: Actor, state: str) -> tuple[int, int]:
    """The review of a new entry, and who was asked."""
    name, person, phone = ENTRIES[state]
    values = {
        "kind": "enterprise",
        "stage": "qualified",
        "name": name,
        "industry": "C34",
        "source": "source.exhibition",
        "source_detail": "展会",
        "tier": "A",
        "employees": "employees.50_99",
        "revenue": "revenue.5m_10m",
        "founded_on": "2012-04-18",
        "core_need": "新厂房投产，需要排产与设备管理系统",
    }
    contact = {"name": person, "position": "采购经理", "phone": phone, "email": "未提供"}
    with acting_as(session, author):
        made = create_customer(session, author, values, [contact])
    review_id = session.execute(select(Review.id).where(Review.customer_id == made.customer.id)).scalar_one()
    return review_id, made.reviewers[0]


def _age(session: CrmSession, review_id: int, by: timedelta) -> None:
    """Let the steps lie that much further back."""
    session.flush()
    review = session.get_one(Review, review_id)
    review.due_at = clock.now() + reviews.CORRECTION - by
    session.execute(update(ReviewStep).where(ReviewStep.review_id == review_id).values(at=clock.now() - by))
    session.flush()
