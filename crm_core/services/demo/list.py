"""Demo content of the customer list: views of one's own and shared ones, a bulk action, aliases."""

from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.models import Customer
from crm_core.permissions import Actor
from crm_core.services import bulk, saved_views
from crm_core.services.aliases import set_alias
from crm_core.services.bulk_targets import Selection
from crm_core.services.customer_list import CustomerQuery

VIEWS = (
    (
        "A类大客户",
        True,
        {"tier": ["A"], "sort": ["amount"]},
        ("stage", "segment", "industry", "region", "owner", "amount", "last_cooperated_on"),
    ),
    ("待完善资料", True, {"incomplete": ["1"], "sort": ["oldest"]}, ()),
    (
        "展会来的潜在客户",
        False,
        {"stage": ["prospect"], "source": ["source.exhibition"]},
        ("source_detail", "contact", "phone", "owner", "created"),
    ),
)
ALIASES = ("某华东制造企业", "某连锁服务商")


def fill_list(session: CrmSession, actor: Actor) -> None:
    """Views, a bulk action with its receipt, and aliases, all of them the actor's own doing."""
    for name, is_shared, query, columns in VIEWS:
        view = saved_views.save_view(session, actor, name, query=query, columns=columns)
        if is_shared:
            saved_views.share_view(session, actor, view, is_shared=True)
    won = Selection(query=CustomerQuery(filters=(("stage", ("customer",)),)))
    asked, key = {"tags": ["年度回访"]}, str(uuid5(NAMESPACE_URL, "demo"))
    bulk.run(session, actor, "tags_add", won, asked, reason="年底逐一回访成交客户", key=key)
    session.info["reason"] = None
    ids = session.execute(select(Customer.id).where(Customer.is_listed).order_by(Customer.id).limit(len(ALIASES))).scalars().all()
    for id, alias in zip(ids, ALIASES, strict=False):
        set_alias(session, actor, id, alias)
