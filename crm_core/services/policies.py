"""The rules that an administrator sets, an area at a time; each area's service says what may stand in it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from crm_core import audit
from crm_core.cache import cached
from crm_core.db import CrmSession
from crm_core.errors import Conflict
from crm_core.models import Policy
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require


def get_policy(session: CrmSession, area: str) -> tuple[dict[str, Any], int]:
    """The settings of an area and their version; nothing and 0 where nobody has set any."""
    return _all(session).get(area, ({}, 0))


def _all(session: CrmSession) -> dict[str, tuple[dict[str, Any], int]]:
    def read() -> dict[str, tuple[dict[str, Any], int]]:
        return {row.area: (row.values, row.version) for row in session.execute(select(Policy)).scalars()}

    return cached(session, "policies", "all", read)


def set_policy(session: CrmSession, actor: Actor, area: str, values: Mapping[str, Any], *, version: int) -> None:
    """Keep settings that their service has checked. Raises `NotAllowed`, and `Conflict` if somebody saved after `version`."""
    require(actor, Permission.RULE_EDIT)
    bump(session, "policies")  # first, since it also locks: the row that is to be locked may not be there yet
    policy = session.execute(select(Policy).where(Policy.area == area).with_for_update()).scalar_one_or_none()
    if (policy.version if policy else 0) != version:
        raise Conflict(version=policy.version if policy else 0, theirs=dict(policy.values) if policy else {})
    if policy is None:
        policy = Policy(area=area, values=dict(values))
        session.add(policy)
        session.flush()
        # That a row was made says nothing of what the first settings of an area are.
        audit.record_change(session, policy, field="values", old="", new=audit.as_logged(policy.values))
    else:
        policy.values = dict(values)
        session.flush()
