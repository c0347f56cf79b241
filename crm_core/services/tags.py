"""Tags on customers, set by hand."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from crm_core import audit
from crm_core.cache import cached
from crm_core.db import CrmSession, insert_unless_there
from crm_core.models import CustomerTag, Tag
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


def tags_of(session: CrmSession, customer_id: int) -> list[str]:
    """The tags of a customer by name."""
    return list(
        session.execute(
            select(Tag.name)
            .join(CustomerTag, CustomerTag.tag_id == Tag.id)
            .where(CustomerTag.customer_id == customer_id)
            .order_by(Tag.name)
        ).scalars()
    )


def set_tags(session: CrmSession, actor: Actor, code: str, names: Sequence[str]) -> None:
    """Give a customer exactly these tags; words that no tag has yet become tags."""
    require(actor, Permission.CUSTOMER_EDIT)
    customer = lock_listed(session, load_customer(session, actor, code).id)
    wanted = sorted({clean for name in names if (clean := clean_text(name)[:40])})[:MAX_TAGS]
    before = tags_of(session, customer.id)
    if wanted == before:
        return
    for name in wanted:
        insert_unless_there(session, Tag, name=name)
    known = {row.name: row.id for row in session.execute(select(Tag.name, Tag.id).where(Tag.name.in_(wanted)))}
    session.execute(delete(CustomerTag).where(CustomerTag.customer_id == customer.id))
    session.add_all(CustomerTag(customer_id=customer.id, tag_id=known[name]) for name in wanted)
    audit.record_change(session, customer, field="tags", old=", ".join(before), new=", ".join(wanted))
    bump(session, "customers")
