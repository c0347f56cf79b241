"""The rules of review as an administrator sees and changes them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from crm_core.errors import Conflict
from crm_core.i18n import _, join_words
from crm_core.models import STAGES, TIERS
from crm_core.services import review_rules
from crm_core.services.review_rules import BY, By, Rule
from ui import feedback, forms, guard
from ui.feedback import escape

SHOWN = "review_rules_shown"
WAYS: dict[str, Callable[..., None]] = {"up": review_rules.move_rule_up, "delete": review_rules.delete_rule}


@dataclass(frozen=True)
class Choices:
    """Names of roles by code and of people by id, and who can review, with the code of their role."""

    roles: Mapping[str, str]
    people: Mapping[int, str]
    able: Mapping[int, str]


def draw_all(rules: Sequence[Rule], choices: Choices, version: int) -> None:
    """The rules in their order."""
    # A button means the rule that stood in its place when it was pressed, not the one that somebody else's change put there.
    is_stale = st.session_state.get(SHOWN, version) != version
    st.session_state[SHOWN] = version
    pressed = [_draw(place, rule, choices) for place, rule in enumerate(rules)]
    for place, way in enumerate(pressed):
        if way and is_stale:
            feedback.refusal(_("Somebody else changed the rules meanwhile. These are the present ones: choose again."))
        elif way == "edit":
            guard.dialog(_("Edit rule"), edit, place, rules[place], choices, version)
        elif way:
            _act(WAYS[way], place, version=version)


def _draw(place: int, rule: Rule, choices: Choices) -> str:
    """One rule in words; who is named and cannot review is told. Returns which of its buttons was pressed."""
    with st.container(border=True, key=f"review_rule_{place}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            sentence = _("{number}. Entries by: {roles} · {stages} · {tiers} → reviewed by: {who}").format(
                number=place + 1,
                roles=_listed(choices.roles, rule.roles) or _("everybody"),
                stages=_listed({code: _(label) for code, label in STAGES.items()}, rule.stages) or _("all types"),
                tiers=_listed({code: _(label) for code, label in TIERS.items()}, rule.tiers) or _("all tiers"),
                who=_who(rule, choices),
            )
            st.markdown(escape(sentence), width="stretch")
            pressed = _draw_buttons(place)
        for trouble in _troubles(rule, choices):
            st.markdown(f":orange[:material/warning: {escape(trouble)}]")
    return pressed


def _draw_buttons(place: int) -> str:
    looks = {"up": (_("Move up"), "arrow_upward"), "edit": (_("Edit"), "edit"), "delete": (_("Delete"), "delete")}
    pressed = ""
    for way, (label, icon) in looks.items():
        if (place or way != "up") and st.button(label, key=f"rule_{way}_{place}", icon=f":material/{icon}:", type="tertiary"):
            pressed = way
    return pressed


def _listed(names: Mapping[Any, str], chosen: Collection[Any]) -> str:
    return join_words(names.get(one, _("(deleted)")) for one in chosen)


def _who(rule: Rule, choices: Choices) -> str:
    if rule.by == By.PEOPLE:
        return _listed(choices.people, rule.people)
    return choices.roles.get(rule.role, _("(deleted)")) if rule.by == By.ROLE else _(BY[By.HEAD])


def _troubles(rule: Rule, choices: Choices) -> list[str]:
    if rule.by == By.PEOPLE:
        sentence = _("{name} cannot review: the account is disabled or its role does not review entries.")
        return [sentence.format(name=choices.people.get(one, "—")) for one in rule.people if one not in choices.able]
    if rule.by == By.ROLE and rule.role not in choices.able.values():
        return [_("Nobody with an active account has this role, or it does not review entries.")]
    return []


def edit(place: int | None, rule: Rule, choices: Choices, version: int) -> None:
    """The dialog for one rule."""
    key = f"rule_{'new' if place is None else place}_{version}"
    roles = _several(_("Entries by these roles"), choices.roles, rule.roles, everything=_("everybody"), key=f"{key}_roles")
    stages = _several(
        _("Customer types"), {code: _(label) for code, label in STAGES.items()}, rule.stages, everything=_("all types"), key=f"{key}_stages"
    )
    tiers = _several(
        _("Customer tiers"), {code: _(label) for code, label in TIERS.items()}, rule.tiers, everything=_("all tiers"), key=f"{key}_tiers"
    )
    by = st.radio(_("Who reviews"), list(BY), index=list(BY).index(By(rule.by)), format_func=lambda one: _(BY[one]), key=f"{key}_by")
    people: tuple[Any, ...] = ()
    role = ""
    if by == By.PEOPLE:
        able = {number: choices.people[number] for number in choices.able}
        people = _several(forms.required(_("People")), able, [one for one in rule.people if one in able], key=f"{key}_people")
    elif by == By.ROLE:
        codes = [code for code in choices.roles if code in choices.able.values()]
        index = codes.index(rule.role) if rule.role in codes else None
        role = st.selectbox(
            forms.required(_("Role")),
            codes,
            index=index,
            format_func=lambda code: choices.roles[code],
            placeholder=_("Choose"),
            key=f"{key}_role",
        )
    if forms.decide(_("Save")):
        _act(review_rules.save_rule, place, Rule(roles, stages, tiers, str(by), people, role or ""), version=version)


def _several(label: str, names: Mapping[Any, str], present: Collection[Any], *, key: str, everything: str | None = None) -> tuple[Any, ...]:
    chosen = st.multiselect(
        label,
        list(names),
        default=[one for one in present if one in names],
        format_func=lambda one: names[one],
        placeholder=everything or _("Choose"),
        key=key,
    )
    return tuple(chosen)


def _act(change: Callable[..., None], *arguments: Any, version: int) -> None:
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        change(session, guard.actor(), *arguments, version=version)
    if outcome.succeeded:
        st.rerun()
    if isinstance(outcome.error, Conflict):
        feedback.refusal(_("Somebody else changed the rules meanwhile. Reload the page to see them, then change them again."))
    elif outcome.error:
        feedback.explain(outcome.error)
