"""Which entries are reviewed and by whom: an administrator's list of rules, of which the first that fits counts [000]."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import N_, _
from crm_core.models import STAGES, TIERS, Role
from crm_core.permissions import Actor, Permission, require
from crm_core.services.policies import get_policy, set_policy
from crm_core.services.reviewers import holders

AREA = "review"


class By(StrEnum):
    """Who reviews."""

    HEAD = "head"
    PEOPLE = "people"
    ROLE = "role"


BY = {By.HEAD: N_("The head of the author's team"), By.PEOPLE: N_("Named people"), By.ROLE: N_("Everybody of a role")}


@dataclass(frozen=True)
class Rule:
    """Entries by these roles, of these types and tiers (any where empty), and who reviews them."""

    roles: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    by: str = By.HEAD
    people: tuple[int, ...] = ()
    role: str = ""

    def fits(self, role: str, stage: str, tier: str | None) -> bool:
        """Whether it counts for an entry of this type and tier by somebody of this role."""
        return all(not wanted or one in wanted for wanted, one in ((self.roles, role), (self.stages, stage), (self.tiers, tier)))


def get_rules(session: CrmSession) -> tuple[list[Rule], int]:
    """The rules in their order, and the version to change them with; none by default: every entry goes straight into the library."""
    values, version = get_policy(session, AREA)
    return [_rule(one) for one in values.get("rules", ())], version


def _rule(stored: dict[str, Any]) -> Rule:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    return Rule(**values)


def save_rule(session: CrmSession, actor: Actor, place: int | None, rule: Rule, *, version: int) -> None:
    """Put a rule in the place of another one, or at the end. Raises `ValidationFailed`, `NotAllowed`, `Conflict`."""
    require(actor, Permission.RULE_EDIT)
    _check(session, rule)

    def change(rules: list[Rule]) -> None:
        if place is None:
            rules.append(rule)
        else:
            rules[place] = rule

    _change(session, actor, change, version=version)


def delete_rule(session: CrmSession, actor: Actor, place: int, *, version: int) -> None:
    """Take a rule away; entries already under review stay there. Raises `NotAllowed`, `Conflict`."""
    _change(session, actor, lambda rules: rules.pop(place), version=version)


def move_rule_up(session: CrmSession, actor: Actor, place: int, *, version: int) -> None:
    """Let a rule count before the one above it. Raises `NotAllowed`, `Conflict`."""
    _change(session, actor, lambda rules: rules.insert(max(place - 1, 0), rules.pop(place)), version=version)


def _change(session: CrmSession, actor: Actor, change: Callable[[list[Rule]], object], *, version: int) -> None:
    rules, present = get_rules(session)
    if present == version:  # else the places are others, and `set_policy` refuses
        change(rules)
    set_policy(session, actor, AREA, {"rules": [asdict(rule) for rule in rules]}, version=version)


def _check(session: CrmSession, rule: Rule) -> None:
    errors: dict[str, list[str]] = {}
    known = set(session.execute(select(Role.code)).scalars())
    if not {*rule.roles} <= known or not {*rule.stages} <= {*STAGES} or not {*rule.tiers} <= {*TIERS}:
        errors["roles"] = [_("A choice of this rule is gone meanwhile. Open the rule anew and choose again.")]
    may_review = holders(session)
    if rule.by == By.PEOPLE and not rule.people:
        errors["people"] = [_("Name at least one person.")]
    elif rule.by == By.PEOPLE and not {*rule.people} <= {*may_review}:
        errors["people"] = [_("Only people with an active account whose role reviews entries can be named. Choose others.")]
    if rule.by == By.ROLE and rule.role not in {*may_review.values()}:
        errors["role"] = [_("Choose a role that reviews entries and that somebody has.")]
    if errors:
        raise ValidationFailed(errors)
