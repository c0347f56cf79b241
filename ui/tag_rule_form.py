"""Adding and changing a tag rule: its tag, its conditions one below the other, and what it would do."""

from typing import Any

import streamlit as st

from crm_core.errors import Conflict, ValidationFailed
from crm_core.i18n import N_, _, join_words, plural
from crm_core.services import library, measures, tag_rules, tags
from crm_core.services.library import Library
from crm_core.services.measures import MEASURES, OPERATORS, Condition, Kind
from crm_core.services.tagging import Rule
from ui import feedback, forms, guard
from ui.feedback import escape

ROWS = "rule_rows"
FIRST = Condition("last_contact", "at_least", 90)


def edit(rule: Rule | None) -> None:
    """Open the dialog for a rule, or for a new one."""
    conditions = rule.conditions if rule else (FIRST,)
    st.session_state[ROWS] = list(range(len(conditions)))
    for place, condition in enumerate(conditions):
        _preload(place, condition)
    guard.dialog(_("Edit rule") if rule else _("Add rule"), _draw, rule)


def _preload(row: int, condition: Condition) -> None:
    # Widgets are drawn from these, by measure: another measure begins with values of its own.
    st.session_state[f"rule_start_{row}"] = condition
    for name in ("field", *(f"{part}_{condition.field}" for part in ("operator", "value", "days"))):
        st.session_state.pop(f"rule_{name}_{row}", None)


def _draw(rule: Rule | None) -> None:
    with guard.reading() as session:
        entries, known = library.get_library(session), sorted(tags.list_tags(session).values())
    start = known.index(rule.tag) if rule and rule.tag in known else None
    tag = st.selectbox(
        forms.required(_("Tag")), known, index=start, accept_new_options=True, placeholder=_("Choose or type"), key=guard.key("rule_tag")
    )
    st.markdown(_("Customers get the tag while **all** of this holds:"))
    rows = st.session_state[ROWS]
    wanted = [_draw_condition(row, entries, is_only=len(rows) == 1) for row in list(rows)]
    if len(rows) < tag_rules.MAX_CONDITIONS and st.button(_("Add condition"), icon=":material/add:", type="tertiary"):
        rows.append(max(rows) + 1)
        _preload(rows[-1], FIRST)
        guard.again()
    is_active = st.toggle(_("Rule is on"), value=rule.is_active if rule else True, key=guard.key("rule_active"))
    values: dict[str, Any] = {"tag": tag or "", "conditions": wanted, "is_active": is_active}
    is_ready = _preview(rule, values)
    if forms.decide(_("Save"), is_ready=is_ready):
        _save(rule, values)


def _draw_condition(row: int, entries: Library, *, is_only: bool) -> Condition:
    start: Condition = st.session_state[f"rule_start_{row}"]
    with st.container(border=True, key=f"rule_condition_{row}"):
        left, middle, right = st.columns([5, 4, 1], vertical_alignment="bottom")
        names = list(MEASURES)
        field = left.selectbox(
            _("Measure"),
            names,
            index=names.index(start.field),
            format_func=lambda name: _(MEASURES[name].label),
            key=f"rule_field_{row}",
            label_visibility="collapsed",
        )
        start = start if start.field == field else Condition(field, next(iter(OPERATORS[MEASURES[field].kind])))
        kinds = OPERATORS[MEASURES[field].kind]
        operator = middle.selectbox(
            _("Comparison"),
            list(kinds),
            index=list(kinds).index(start.operator),
            format_func=lambda code: _(kinds[code]),
            key=f"rule_operator_{field}_{row}",
            label_visibility="collapsed",
        )
        remove = _("Remove condition")
        if not is_only and right.button(remove, key=f"rule_remove_{row}", icon=":material/close:", type="tertiary", help=remove):
            st.session_state[ROWS].remove(row)
            guard.again()
        days = _draw_days(row, start) if MEASURES[field].has_period else 0
        return Condition(field, operator, _draw_value(row, start, entries), days)


def _draw_days(row: int, start: Condition) -> int:
    limits = {"min_value": 1, "max_value": tag_rules.LONGEST_PERIOD}
    return int(st.number_input(_("In how many last days"), value=start.days or 90, key=f"rule_days_{start.field}_{row}", **limits))


def _draw_value(row: int, start: Condition, entries: Library) -> Any:
    kind, key = start.measure.kind, f"rule_value_{start.field}_{row}"
    if kind is Kind.YES:
        return None
    if kind in (Kind.NUMBER, Kind.AGE):
        label = _("Days") if kind is Kind.AGE else _("Number")
        return int(st.number_input(label, value=start.value or 0, min_value=0, max_value=tag_rules.LONGEST_PERIOD, key=key))
    if kind is Kind.MONEY:
        return st.text_input(_("Yuan"), value=start.value or "", key=key)
    if kind is Kind.WORDS:
        return st.multiselect(
            _("Words"), start.value or [], default=start.value, accept_new_options=True, placeholder=_("Type a word, then Enter"), key=key
        )
    choices = measures.choices(start.measure, entries)
    return st.multiselect(
        _("Values"),
        list(choices),
        default=[code for code in start.value or () if code in choices],
        format_func=lambda code: choices[code],
        placeholder=_("Choose"),
        key=key,
    )


def _preview(rule: Rule | None, values: dict[str, Any]) -> bool:
    """Say what the rule would do; whether it can be saved."""
    with feedback.attempt(show=False) as outcome, guard.reading() as session:
        get, lose = tag_rules.preview_rule(session, guard.actor(), rule.id if rule else None, **values)
    if isinstance(outcome.error, ValidationFailed):
        sentences = dict.fromkeys(sentence for field in outcome.errors.values() for sentence in field)
        st.caption(":material/info: " + escape(join_words(sentences)))
        return False
    if outcome.error:
        feedback.explain(outcome.error)
        return False
    sentence = plural(
        get, N_("{get} customer would get the tag, {lose} would lose it."), N_("{get} customers would get the tag, {lose} would lose it.")
    )
    st.info(sentence.format(get=f"{get:,}", lose=f"{lose:,}"), icon=":material/visibility:")
    return True


def _save(rule: Rule | None, values: dict[str, Any]) -> None:
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        tag_rules.save_rule(session, guard.actor(), rule.id if rule else None, version=rule.version if rule else 0, **values)
    if outcome.succeeded:
        feedback.later(_("The rule is saved and applied to all customers."))
        st.rerun()
    tell(outcome)


def tell(outcome: feedback.Outcome) -> None:
    """Why saving or deleting a rule was refused."""
    if isinstance(outcome.error, Conflict):
        feedback.refusal(_("Somebody else changed this rule meanwhile. Reload the page to see it, then enter yours again."))
    elif outcome.error:
        feedback.explain(outcome.error)


def confirm_delete(rule: Rule) -> None:
    """The rule goes, and what it set with it."""
    sentence = _(
        "Delete this rule? The tag “{tag}” is taken from all customers that have it by this rule; where it was set by hand it stays."
    )
    st.markdown(escape(sentence.format(tag=rule.tag)))
    if forms.decide(_("Delete"), icon=":material/delete:"):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            tag_rules.delete_rule(session, guard.actor(), rule.id, version=rule.version)
        if outcome.succeeded:
            st.rerun()
        tell(outcome)
