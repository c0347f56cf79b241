"""The rules of the churn warning: who is of high value, what the bands are, and the templates of the plans to win customers back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, update

from crm_core import clock
from crm_core.checks.money import check_money
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import N_, _
from crm_core.models import TIERS, Job
from crm_core.permissions import Actor
from crm_core.services.policies import get_policy, set_policy
from crm_core.validation import clean_text

AREA = "churn"
JOB = "churn"
"""The job that reckons the scores."""
LIMITS = {"medium_from": (1, 99), "high_from": (2, 100), "horizon_days": (30, 1095), "lost_within": (31, 730)}
MOST_TEMPLATES, MOST_STEPS = 12, 10
LONGEST_NAME, LONGEST_STEP, LONGEST_NUMBER, MOST_WORKDAYS = 60, 200, 4, 250


@dataclass(frozen=True)
class Step:
    """A task of a template, due so many working days after the plan begins."""

    name: str
    workdays: int


@dataclass(frozen=True)
class Template:
    """A plan as an administrator prepared it."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class ChurnPolicy:
    """The rules in force."""

    tiers: tuple[str, ...] = ("A", "B")
    """Customers of these tiers are of high value."""
    amount_from: Decimal | None = None
    """So are those whose contracts of the year come to this, in yuan; none: the tier alone counts."""
    medium_from: int = 40
    high_from: int = 60
    """The scores from which a risk is medium and high."""
    horizon_days: int = 365
    """A customer is expected to buy again within so many days, as its rhythm says."""
    lost_within: int = 180
    """For the proof: who was lost within so many days after a past day was lost."""
    templates: tuple[Template, ...] = ()
    """Empty: those of `USUAL_TEMPLATES`."""

    @property
    def plans(self) -> tuple[Template, ...]:
        """The templates to choose from; the usual ones in the language in force."""
        return self.templates or tuple(
            Template(_(name), tuple(Step(_(step), days) for step, days in steps)) for name, steps in USUAL_TEMPLATES
        )


USUAL_TEMPLATES: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = (
    (
        N_("Dedicated service"),
        (
            (N_("Name one person for the customer, and introduce them"), 1),
            (N_("Offer a service free of charge: an inspection, a training or an upgrade"), 3),
            (N_("Ask how the service went, and note what the customer said"), 10),
        ),
    ),
    (
        N_("Return visit"),
        (
            (N_("Call: ask what has changed, and what was not right"), 1),
            (N_("Visit the customer, with the person who decides"), 5),
            (N_("Make an offer for what was said at the visit"), 8),
        ),
    ),
)
"""挽回计划 of the manual: 专属服务, 回访 [001]; an administrator changes them."""


def get_churn_policy(session: CrmSession) -> tuple[ChurnPolicy, int]:
    """The rules in force and their version."""
    values, version = get_policy(session, AREA)
    return _read(values), version


def _read(values: Mapping[str, Any]) -> ChurnPolicy:
    known = {name: values[name] for name in ChurnPolicy.__dataclass_fields__ if name in values}
    if "tiers" in known:
        known["tiers"] = tuple(known["tiers"])
    if known.get("amount_from"):
        known["amount_from"] = Decimal(known["amount_from"])
    if "templates" in known:
        templates = known["templates"]
        known["templates"] = tuple(Template(one["name"], tuple(Step(**step) for step in one["steps"])) for one in templates)
    return ChurnPolicy(**known)


def save_churn_policy(session: CrmSession, actor: Actor, policy: ChurnPolicy, *, amount: str = "", version: int) -> None:
    """Keep the rules, the amount as it was typed; all scores are reckoned anew soon.

    Raises `NotAllowed`, `Conflict`, `ValidationFailed`.
    """
    errors = {
        name: [_("Enter a whole number from {least} to {most}.").format(least=least, most=most)]
        for name, (least, most) in LIMITS.items()
        if not least <= getattr(policy, name) <= most
    }
    if not errors and policy.medium_from >= policy.high_from:
        errors["high_from"] = [_("A high risk has to begin above a medium one.")]
    try:
        policy = replace(policy, amount_from=check_money(amount, {}) if amount.strip() else None)
    except ValueError as problem:
        errors["amount_from"] = [str(problem)]
    if not (policy.tiers or policy.amount_from) or not set(policy.tiers) <= TIERS.keys():
        errors["tiers"] = [_("Choose at least one tier, or enter an amount: else no customer is of high value.")]
    templates, wrong = _checked(policy.templates)
    errors |= {"templates": wrong} if wrong else {}
    if errors:
        raise ValidationFailed(errors)
    values = asdict(replace(policy, templates=templates))
    values |= {"amount_from": str(policy.amount_from) if policy.amount_from else None, "tiers": list(policy.tiers)}
    values["templates"] = [{"name": one.name, "steps": [asdict(step) for step in one.steps]} for one in templates]
    set_policy(session, actor, AREA, values, version=version)
    make_due(session)


def make_due(session: CrmSession) -> None:
    """Let the scores be reckoned with the next round of jobs; a process that is at it is left to its work."""
    idle = or_(Job.claimed_until.is_(None), Job.claimed_until < clock.now())
    asked = update(Job).where(Job.name == JOB, idle).values(due_at=clock.now())
    session.execute(asked, execution_options={"synchronize_session": False})


def steps_text(steps: Sequence[Step]) -> str:
    """The tasks of a template as they are edited: one a line, the working days first."""
    return "\n".join(f"{step.workdays} {step.name}" for step in steps)


def steps_from(text: str) -> tuple[Step, ...]:
    """The tasks again. Raises `ValidationFailed`, naming the line that says no working days."""
    steps = []
    for line in (clean_text(one) for one in text.splitlines()):
        days, _blank, name = line.partition(" ")
        if line and not (days.isascii() and days.isdecimal() and len(days) <= LONGEST_NUMBER and name):
            sentence = _("“{line}” does not say when the task is due. Begin the line with a number of working days: 3 Visit the customer.")
            raise ValidationFailed({"templates": [sentence.format(line=line)]})
        steps += [Step(name, int(days))] if line else []
    return tuple(steps)


def _checked(templates: tuple[Template, ...]) -> tuple[tuple[Template, ...], list[str]]:
    """The templates made clean, without empty steps, and what speaks against them."""
    clean = tuple(
        Template(
            clean_text(one.name),
            tuple(Step(clean_text(step.name), step.workdays) for step in one.steps if step.name.strip()),
        )
        for one in templates
    )
    wrong = []
    if any(not one.name or not one.steps for one in clean):
        wrong.append(_("Every template needs a name and at least one task."))
    if len({one.name for one in clean}) < len(clean):
        wrong.append(_("Two templates have the same name. Give each one of its own."))
    steps = [step for one in clean for step in one.steps]
    if any(len(one.name) > LONGEST_NAME for one in clean) or any(len(step.name) > LONGEST_STEP for step in steps):
        wrong.append(_("Names have at most {most} characters, tasks at most {steps}.").format(most=LONGEST_NAME, steps=LONGEST_STEP))
    if any(not 0 <= step.workdays <= MOST_WORKDAYS for step in steps):
        wrong.append(_("A task is due within {most} working days at most.").format(most=MOST_WORKDAYS))
    if len(clean) > MOST_TEMPLATES or any(len(one.steps) > MOST_STEPS for one in clean):
        wrong.append(_("There are at most {most} templates with {steps} tasks each.").format(most=MOST_TEMPLATES, steps=MOST_STEPS))
    return clean, wrong
