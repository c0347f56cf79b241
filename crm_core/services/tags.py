"""Tags on customers, as people set and take them, of one and of many at once; what rules do with tags stands in `tag_rules`."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import delete, exists, insert, literal, select, true

from crm_core import audit
from crm_core.cache import cached
from crm_core.db import CrmSession, insert_unless_there
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import Customer, CustomerTag, Tag, TagRefusal, TagRule
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require
from crm_core.services.bulk_targets import in_parts
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


def set_tags(session: CrmSession, actor: Actor, code: str, names: Sequence[str], *, seen: Collection[str] | None = None) -> None:
    """Give a customer these tags; words that no tag has yet become tags.

    `seen` are the tags that were there when somebody chose: what others set or took since stays as they left it. What a rule set and is
    not taken stays the rule's; a tag that is taken is given by no rule again, until somebody sets it by hand. Raises `ValidationFailed`
    for more than `MAX_TAGS`.
    """
    require(actor, Permission.CUSTOMER_EDIT)
    customer = lock_listed(session, load_customer(session, actor, code).id)
    before, wanted = set(tags_of(session, customer.id)), set(clean_tags(names))
    known = before if seen is None else set(seen)
    given, taken = wanted - known - before, (known - wanted) & before
    after = (before | given) - taken
    if given and len(after) > MAX_TAGS:
        raise ValidationFailed({"tags": [_("A customer has at most {count} tags. Take some off first.").format(count=MAX_TAGS)]})
    if after == before:
        return
    take_tags(session, [customer.id], taken)
    give_tags(session, [customer.id], given)
    audit.record_change(session, customer, field="tags", old=", ".join(sorted(before)), new=", ".join(sorted(after)))
    bump(session, "customers")


BY_HAND, BY_RULE, REFUSED = "hand", "rule", "refused"
"""How a customer stands to a tag."""
HAD = (BY_HAND, BY_RULE)


def bearings_of(session: CrmSession, ids: Collection[int], names: Sequence[str]) -> dict[int, dict[str, str]]:
    """How customers stand to these tags, by name; a customer without any, to whom none is refused, is not there."""
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for part in in_parts(ids):
        refused = select(TagRefusal.customer_id, Tag.name).join(Tag, Tag.id == TagRefusal.tag_id)
        for row in session.execute(refused.where(TagRefusal.customer_id.in_(part), Tag.name.in_(names))):
            found[row.customer_id][row.name] = REFUSED
        had = select(CustomerTag.customer_id, Tag.name, CustomerTag.by_hand).join(Tag, Tag.id == CustomerTag.tag_id)
        for customer_id, name, by_hand in session.execute(had.where(CustomerTag.customer_id.in_(part), Tag.name.in_(names))):
            found[customer_id][name] = BY_HAND if by_hand else BY_RULE
    return found


def ruled_among(session: CrmSession, names: Collection[str]) -> list[str]:
    """Those of these tags that rules set."""
    if not names:
        return []
    ruled = select(Tag.name).where(Tag.name.in_(names), Tag.id.in_(select(TagRule.tag_id))).order_by(Tag.name)
    return list(session.execute(ruled).scalars())


def leave_to_rules(session: CrmSession, ids: Sequence[int], names: Collection[str]) -> None:
    """Let rules give customers these tags again."""
    tags = select(Tag.id).where(Tag.name.in_(names)).scalar_subquery()
    allowed = delete(TagRefusal).where(TagRefusal.customer_id.in_(ids), TagRefusal.tag_id.in_(tags))
    session.execute(allowed, execution_options=_UNTRACKED)


def clean_tags(names: Iterable[str]) -> list[str]:
    """Tags as they are kept: clean, each once, in order."""
    return sorted({clean for name in names if (clean := clean_text(name)[:40])})


def _known(session: CrmSession, names: Iterable[str]) -> dict[str, int]:
    names = sorted(names)
    for name in names:
        insert_unless_there(session, Tag, name=name)
    return {row.name: row.id for row in session.execute(select(Tag.name, Tag.id).where(Tag.name.in_(names)))}


def names_of_tags(session: CrmSession, ids: Collection[int]) -> dict[int, list[str]]:
    """The tags of customers by name; a customer without any is not there."""
    found: dict[int, list[str]] = defaultdict(list)
    wanted = select(CustomerTag.customer_id, Tag.name).join(Tag, Tag.id == CustomerTag.tag_id)
    for part in in_parts(ids):
        for row in session.execute(wanted.where(CustomerTag.customer_id.in_(part)).order_by(Tag.name)):
            found[row.customer_id].append(row.name)
    # The order of code points, in which `clean_tags` sorts: a database may have another one.
    return {id: sorted(names) for id, names in found.items()}


def give_tags(session: CrmSession, ids: Sequence[int], names: Collection[str]) -> None:
    """Give customers tags, one statement a tag, whether they have them or not; the caller logs it and counts up the revision."""
    for tag_id in _known(session, names).values() if names else ():
        has_it = exists().where(CustomerTag.customer_id == Customer.id, CustomerTag.tag_id == tag_id)
        lacking = select(Customer.id, literal(tag_id), true()).where(Customer.id.in_(ids), ~has_it)
        session.execute(insert(CustomerTag).from_select(["customer_id", "tag_id", "by_hand"], lacking))
        refused = delete(TagRefusal).where(TagRefusal.customer_id.in_(ids), TagRefusal.tag_id == tag_id)
        session.execute(refused, execution_options=_UNTRACKED)


def take_tags(session: CrmSession, ids: Sequence[int], names: Collection[str]) -> None:
    """Take tags from customers; no rule gives them again. The caller logs it and counts up the revision."""
    tags = session.execute(select(Tag.id).where(Tag.name.in_(names))).scalars().all() if names else []
    if not tags:
        return
    theirs = (CustomerTag.customer_id.in_(ids), CustomerTag.tag_id.in_(tags))
    is_ruled = CustomerTag.tag_id.in_(select(TagRule.tag_id).scalar_subquery())
    is_noted = exists().where(TagRefusal.customer_id == CustomerTag.customer_id, TagRefusal.tag_id == CustomerTag.tag_id)
    taken = select(CustomerTag.customer_id, CustomerTag.tag_id).where(*theirs, is_ruled, ~is_noted)
    session.execute(insert(TagRefusal).from_select(["customer_id", "tag_id"], taken))
    session.execute(delete(CustomerTag).where(*theirs), execution_options=_UNTRACKED)


_UNTRACKED = {"synchronize_session": False}
