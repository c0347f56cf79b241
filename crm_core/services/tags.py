"""Tags on customers, as people set and take them; what rules do with tags stands in `tag_rules`."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select

from crm_core import audit
from crm_core.cache import cached
from crm_core.db import CrmSession, insert_unless_there
from crm_core.models import CustomerTag, Tag, TagRefusal, TagRule
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require
from crm_core.services.customers import load_customer
from crm_core.services.locking import lock_listed
from crm_core.validation import clean_text

MAX_TAGS = 20


def list_tags(session: CrmSession) -> dict[int, str]:
    """All tags by id."""
    return cached(
        session, "customers", "tags", lambda: {row.id: row.name for row in session.execute(select(Tag.id, Tag.name).order_by(Tag.name))}
    )


def tags_of(session: CrmSession, customer_id: int, *, by_hand: bool = False) -> list[str]:
    """The tags of a customer by name, or only those that people set."""
    own = select(Tag.name).join(CustomerTag, CustomerTag.tag_id == Tag.id).where(CustomerTag.customer_id == customer_id)
    return list(session.execute((own.where(CustomerTag.by_hand) if by_hand else own).order_by(Tag.name)).scalars())


def set_tags(session: CrmSession, actor: Actor, code: str, names: Sequence[str]) -> None:
    """Give a customer exactly these tags; words that no tag has yet become tags.

    What a rule set and is not taken stays the rule's; a tag that is taken is given by no rule again, until somebody sets it by hand.
    """
    require(actor, Permission.CUSTOMER_EDIT)
    customer = lock_listed(session, load_customer(session, actor, code).id)
    wanted = sorted({clean for name in names if (clean := clean_text(name)[:40])})[:MAX_TAGS]
    before = tags_of(session, customer.id)
    if wanted == before:
        return
    _take(session, customer.id, set(before) - set(wanted))
    _give(session, customer.id, set(wanted) - set(before))
    audit.record_change(session, customer, field="tags", old=", ".join(before), new=", ".join(wanted))
    bump(session, "customers")


def _take(session: CrmSession, customer_id: int, names: Collection[str]) -> None:
    tags = session.execute(select(Tag.id).where(Tag.name.in_(names))).scalars().all()
    session.execute(delete(CustomerTag).where(CustomerTag.customer_id == customer_id, CustomerTag.tag_id.in_(tags)))
    for tag_id in session.execute(select(TagRule.tag_id).where(TagRule.tag_id.in_(tags)).distinct()).scalars():
        insert_unless_there(session, TagRefusal, customer_id=customer_id, tag_id=tag_id)


def _give(session: CrmSession, customer_id: int, names: Collection[str]) -> None:
    for name in sorted(names):
        insert_unless_there(session, Tag, name=name)
    tags = session.execute(select(Tag.id).where(Tag.name.in_(names))).scalars().all()
    session.execute(delete(TagRefusal).where(TagRefusal.customer_id == customer_id, TagRefusal.tag_id.in_(tags)))
    session.add_all(CustomerTag(customer_id=customer_id, tag_id=tag_id) for tag_id in tags)
