"""The administrator's dialogs for custom fields: add, change, remove."""

from typing import Any

import streamlit as st

from crm_core.errors import Conflict
from crm_core.i18n import _, join_words, labelled
from crm_core.models import FIELD_TYPES, KINDS, STAGES, CustomField
from crm_core.services import field_changes
from crm_core.services.field_changes import OWN_GROUPS, WITH_CHOICES, Choice, CustomValues
from ui import feedback, field_form, forms, guard


def add() -> None:
    """A further field."""
    type = st.selectbox(
        forms.required(_("What it holds")),
        list(FIELD_TYPES),
        format_func=lambda code: _(FIELD_TYPES[code]),
        key=guard.key("own_type"),
        help=_("It cannot be changed afterwards."),
    )
    values = _draw(CustomField(key="new", type=type, group="base", choices=[], kinds=[], stages=[]))
    if forms.decide(_("Add")):
        with feedback.attempt() as outcome, guard.acting() as session:
            field_changes.add_custom_field(session, guard.actor(), type, values)
        if outcome.succeeded:
            feedback.later(_("The field was added."))
            st.rerun()


def edit(row: CustomField) -> None:
    """Change a field, or take it out of use."""
    st.caption(_(FIELD_TYPES[row.type]))
    values = _draw(row)
    seen: CustomField = st.session_state.get(field_form.SEEN, row)
    if seen.version != row.version:
        field_form.say_theirs(_changes(row, seen))
    if forms.decide(_("Save")):
        _save(row.key, values, version=seen.version)
    with st.expander(_("Remove this field"), icon=":material/delete:"):
        _offer_removal(row)


def _save(key: str, values: CustomValues, *, version: int) -> None:
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        changed = field_changes.update_custom_field(session, guard.actor(), key, values, version=version)
    if outcome.succeeded:
        field_form.tell(changed)
        st.rerun()
    elif isinstance(outcome.error, Conflict):
        with guard.reading() as session:
            rows = field_changes.list_custom_fields(session, guard.actor())
        st.session_state[field_form.SEEN] = next(row for row in rows if row.key == key)
        guard.again()
    elif outcome.error:
        feedback.explain(outcome.error)


def _changes(before: CustomField, after: CustomField) -> list[str]:
    old, new = _words(before), _words(after)
    nothing = _("(empty)")
    return [labelled(label, f"{old[label] or nothing} → {new[label] or nothing}") for label in old if old[label] != new[label]]


def _words(row: CustomField) -> dict[str, str]:
    is_on = {True: _("yes"), False: _("no")}
    return {
        _("Name"): row.name,
        _("English name"): row.name_en or "",
        _("Choices"): join_words(one["name"] for one in row.choices if not one.get("is_retired")),
        _("Group"): forms.group_title(row.group),
        _("Only for these natures"): join_words(_(label) for code, label in KINDS.items() if code in row.kinds),
        _("Only for these types"): join_words(_(label) for code, label in STAGES.items() if code in row.stages),
        _("Help beside the field"): row.help or "",
        _("Required"): is_on[row.is_required],
        _("Shown in the customer list"): is_on[row.is_listed],
        _("Removed"): is_on[row.removed_at is not None],
    }


def _offer_removal(row: CustomField) -> None:
    with guard.reading() as session:
        count = field_changes.count_values(session, guard.actor(), row.key)
    st.write(
        _("Customers with a value: {count}. The values are kept, and come back when the field is restored.").format(count=f"{count:,}")
    )
    if st.button(_("Remove"), icon=":material/delete:", key="remove_field"):
        with feedback.attempt() as outcome, guard.acting() as session:
            field_changes.remove_custom_field(session, guard.actor(), row.key)
        if outcome.succeeded:
            feedback.later(_("{name} was removed. Its values are kept.").format(name=row.name))
            st.rerun()


def _draw(row: CustomField) -> CustomValues:
    key = row.key
    left, right = st.columns(2)
    name = left.text_input(forms.required(_("Name")), value=row.name or "", max_chars=field_changes.MAX_NAME, key=f"own_name_{key}")
    name_en = right.text_input(_("English name"), value=row.name_en or "", max_chars=field_changes.MAX_NAME, key=f"own_name_en_{key}")
    choices = _draw_choices(row) if row.type in WITH_CHOICES else ()
    groups = list(OWN_GROUPS)
    group = st.selectbox(_("Group"), groups, index=groups.index(row.group), format_func=forms.group_title, key=f"own_group_{key}")
    kinds, stages = field_form.choose_audience(key, row.kinds, row.stages)
    help_text = st.text_area(
        _("Help beside the field"), value=row.help or "", max_chars=field_changes.MAX_HELP, height=88, key=f"own_help_{key}"
    )
    with st.container(horizontal=True):
        is_required = st.toggle(_("Required"), value=bool(row.is_required), key=f"own_required_{key}")
        is_listed = st.toggle(
            _("Shown in the customer list"), value=bool(row.is_listed), key=f"own_listed_{key}", disabled=row.type == "long_text"
        )
    return CustomValues(
        name=name,
        name_en=name_en,
        group=group,
        help=help_text,
        choices=choices,
        kinds=kinds,
        stages=stages,
        is_required=is_required,
        is_listed=is_listed,
    )


def _draw_choices(row: CustomField) -> tuple[Choice, ...]:
    """The present choices with how often each is used, and a place for new ones."""
    present = _draw_present(row) if row.choices else []
    lines = st.text_area(
        _("New choices") if present else forms.required(_("Choices")),
        key=f"own_choices_{row.key}",
        height=110,
        help=_("One a line; an English name may follow after a vertical bar (|)."),
    )
    parts = [line.partition("|") for line in lines.splitlines() if line.strip(" |")]
    return (*present, *(Choice(name.strip(), name_en.strip()) for name, _bar, name_en in parts))


def _draw_present(row: CustomField) -> list[Choice]:
    with guard.reading() as session:
        counts = field_changes.count_choices(session, guard.actor(), row.key)
    found = []
    with st.container(border=True, gap="xsmall"):
        st.caption(_("A choice that is no longer offered stays on the customers that have it."))
        for one in row.choices:
            found.append(_draw_choice(row.key, one, counts.get(one["code"], 0)))
    return found


def _draw_choice(key: str, one: dict[str, Any], count: int) -> Choice:
    code = one["code"]
    name, english, offered = st.columns([3, 3, 2], vertical_alignment="center")
    entered = name.text_input(_("Choice"), value=one["name"], key=f"own_choice_{key}_{code}", label_visibility="collapsed")
    entered_en = english.text_input(
        _("English name"),
        value=one.get("name_en") or "",
        key=f"own_choice_en_{key}_{code}",
        label_visibility="collapsed",
        placeholder=_("English name"),
    )
    label = _("Offered (used {count}×)").format(count=f"{count:,}")
    is_offered = offered.toggle(label, value=not one.get("is_retired"), key=f"own_choice_on_{key}_{code}")
    return Choice(entered, entered_en, code=code, is_retired=not is_offered)
