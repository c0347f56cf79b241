"""Who reviews a new entry, by the rules [000]."""

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.models import Role, User
from crm_core.services.review_rules import By, Rule, get_rules
from crm_core.services.reviewers import holders, nearest


def reviewers_for(session: CrmSession, author_id: int | None, stage: str, tier: str | None) -> list[int]:
    """Who reviews an entry of this type and tier; nobody where no rule fits, or where nobody but the author could.

    Where the rule's own reviewers cannot (no head, the author, a disabled account), the next head up the tree does, see `nearest`.
    """
    rules, _version = get_rules(session)
    if not rules or author_id is None:
        return []
    role = session.execute(select(Role.code).join(User, User.role_id == Role.id).where(User.id == author_id)).scalar_one()
    rule = next((one for one in rules if one.fits(role, stage, tier)), None)
    if rule is None:
        return []
    return _named(session, rule, author_id) or nearest(session, author_id)


def _named(session: CrmSession, rule: Rule, author_id: int) -> list[int]:
    able = {user_id: role for user_id, role in holders(session).items() if user_id != author_id}
    if rule.by == By.PEOPLE:
        return [user_id for user_id in able if user_id in rule.people]
    return [user_id for user_id, role in able.items() if rule.by == By.ROLE and role == rule.role]
