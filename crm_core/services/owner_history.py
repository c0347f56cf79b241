"""Reading the history of a customer's owners."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.i18n import _
from crm_core.models import OWNER_CAUSES, OwnerChange
from crm_core.permissions import Actor, Permission, require
from crm_core.services.users import user_names


@dataclass(frozen=True)
class OwnerStep:
    """One change of owner in words."""

    at: datetime
    before: str
    after: str
    cause: str
    author: str
    reason: str


def list_owner_steps(session: CrmSession, actor: Actor, customer_id: int) -> list[OwnerStep]:
    """All owners of a customer, the latest first; none outside the actor's scope."""
    require(actor, Permission.CUSTOMER_READ)
    names = user_names(session)
    changes = select(OwnerChange).where(OwnerChange.customer_id == customer_id).order_by(OwnerChange.id.desc())
    return [
        OwnerStep(
            at=change.at,
            before=names.get(change.from_owner_id or 0, "" if is_first else _("Pool")),
            after=names.get(change.to_owner_id or 0, _("Pool")),
            cause=_(OWNER_CAUSES[change.cause]),
            author=names.get(change.actor_id or 0, _("the system")),
            reason=change.reason or "",
        )
        for change in session.execute(changes).scalars()
        for is_first in [change.cause in ("entry", "import")]
    ]
