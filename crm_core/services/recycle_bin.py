"""The recycle bin: what lies in it, how long, and its removal for good [004]."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Table, delete, select

from crm_core import audit, clock
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import Customer, Notice, Place
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require
from crm_core.search import customer_search
from crm_core.services.laid_away import LaidAwayPage, list_laid_away
from crm_core.services.merge_links import merged_into
from crm_core.services.policies import get_policy, set_policy

AREA = "bin"
LONGEST = 3650
PURGED_AT_ONCE = 200


@dataclass(frozen=True)
class BinRules:
    """What the administrator sets."""

    days: int = 30
    """How long a deleted customer can be restored."""


def get_bin_rules(session: CrmSession) -> tuple[BinRules, int]:
    """The rules in force, and their version."""
    values, version = get_policy(session, AREA)
    return BinRules(**{"days": values["days"]} if "days" in values else {}), version


def set_bin_rules(session: CrmSession, actor: Actor, rules: BinRules, *, version: int) -> None:
    """Set the rules; they hold for what lies in the bin already, too. Raises `ValidationFailed`, `NotAllowed`, `Conflict`."""
    if not 1 <= rules.days <= LONGEST:
        raise ValidationFailed({"days": [_("Between 1 and {limit} days are possible.").format(limit=LONGEST)]})
    set_policy(session, actor, AREA, asdict(rules), version=version)


def list_bin(session: CrmSession, actor: Actor, *, phrase: str = "", page: int = 1) -> LaidAwayPage:
    """What was deleted within the actor's scope."""
    require(actor, Permission.CUSTOMER_RESTORE)
    return list_laid_away(session, Place.BIN, phrase=phrase, page=page)


def days_left(rules: BinRules, since: datetime) -> int:
    """After how many days something is removed for good; 0 for today."""
    return max(0, (since + timedelta(days=rules.days) - clock.now()).days)


def purge(session: CrmSession) -> bool:
    """Remove for good what has lain in the bin for its days, without what is on legal hold; returns whether there is more of it.

    With a customer goes all that hangs on it, the customers that were merged into it, its search row and the notices about it. The
    change log stays. Files that no record uses any more are removed by `file_store.remove_unused_files`.
    """
    until = clock.now() - timedelta(days=get_bin_rules(session)[0].days)
    over = (Customer.place == Place.BIN, Customer.placed_at < until, Customer.is_on_hold.is_(False))
    oldest = select(Customer.id).where(*over).order_by(Customer.placed_at, Customer.id).limit(PURGED_AT_ONCE).with_for_update()
    found = list(session.execute(oldest).scalars())
    if not found:
        return False
    ids = [*found, *merged_into(session, *found)]
    named = session.execute(select(Customer.id, Customer.code, Customer.name).where(Customer.id.in_(ids)).order_by(Customer.id)).all()
    audit.add_lines(
        session,
        [
            audit.line_for(session, "purged", entity="customer", entity_id=row.id, customer_id=row.id, subject=row.name, new=row.code)
            for row in named
        ],
    )
    session.execute(delete(customer_search).where(customer_search.c.rowid.in_(ids)))
    session.execute(delete(Notice).where(Notice.customer_id.in_(ids)))
    customer = cast(Table, Customer.__table__)
    session.execute(delete(customer).where(customer.c.id.in_(ids)))
    bump(session, "customers")
    return len(found) == PURGED_AT_ONCE
