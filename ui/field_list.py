"""The administrator's list of fields by group, the preview of the form, and the removed fields."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from crm_core.fields import GROUPS, Condition, Field
from crm_core.i18n import _, format_time, join_words
from crm_core.models import FIELD_TYPES, KINDS, STAGES, CustomField
from crm_core.services import field_changes
from crm_core.services.field_settings import NEEDED, combinations
from crm_core.services.library import Library
from ui import custom_field_form, feedback, field_form, forms, guard
from ui.feedback import escape

PREVIEW = "preview"


def draw(library: Library, own: Mapping[str, CustomField]) -> None:
    """The fields of one group, in the order of the form."""
    fields = forms.by_group(field_changes.all_fields(library))
    group = st.pills(
        _("Group"),
        [code for code in GROUPS if code in fields],
        format_func=forms.group_title,
        default="base",
        required=True,
        key="fields_group",
        label_visibility="collapsed",
    )
    names = list(fields[group])
    for name, field in fields[group].items():
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"setting_of_{name}"):
            _draw_field(field, library, own.get(name))
            with st.container(horizontal=True, width="content", gap="xsmall"):
                if _arrow("up", name, _("Move up"), is_possible=name != names[0]):
                    _move(name, -1, version=library.settings.version)
                if _arrow("down", name, _("Move down"), is_possible=name != names[-1]):
                    _move(name, 1, version=library.settings.version)
                if st.button(_("Edit"), key=f"edit_{name}", icon=":material/edit:", type="tertiary"):
                    _edit(field, library, own.get(name))


def _arrow(direction: str, name: str, hint: str, *, is_possible: bool) -> bool:
    icon = f":material/arrow_{direction}ward:"
    return st.button(icon, key=f"{direction}_{name}", help=hint, type="tertiary", disabled=not is_possible)


def _draw_field(field: Field, library: Library, row: CustomField | None) -> None:
    required, shown = _audience(field.is_required), _audience(field.shown)
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            st.markdown(f"**{escape(field.title)}**", width="content")
            if row:
                st.badge(_(FIELD_TYPES[row.type]), color="violet", icon=":material/extension:")
            if field.name not in library.fields:
                st.badge(_("hidden"), color="gray", icon=":material/visibility_off:")
            elif required is not None:
                st.badge(_("Required: {names}").format(names=required) if required else _("Required"), color="orange")
            if field.is_listed:
                st.badge(_("in the list"), color="blue")
            if field.name in NEEDED:
                st.badge(_("needed by the system"), color="gray", icon=":material/lock:")
        if shown and field.name in library.fields:
            st.caption(_("Shown: {names}").format(names=shown))


def _audience(condition: Condition) -> str | None:
    """The natures and types for which a condition holds: empty for all of them, None for nobody."""
    held = [values for values in combinations() if condition(values)]
    if not held:
        return None
    kinds = {values["kind"] for values in held}
    stages = {values["stage"] for values in held}
    words = [_(label) for code, label in KINDS.items() if code in kinds and len(kinds) < len(KINDS)]
    return join_words(words + [_(label) for code, label in STAGES.items() if code in stages and len(stages) < len(STAGES)])


def _move(name: str, steps: int, *, version: int) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        field_changes.move_field(session, guard.actor(), name, steps, version=version)
    if outcome.succeeded:
        st.rerun()


def _edit(field: Field, library: Library, row: CustomField | None) -> None:
    st.session_state.pop(field_form.SEEN, None)
    if row:
        guard.dialog(_("Edit field"), custom_field_form.edit, row)
    else:
        guard.dialog(field.title, field_form.edit, field.name, library)


def draw_preview(library: Library) -> None:
    """The form as it is for a nature and a type; nothing that is entered here is kept."""
    with st.container(horizontal=True):
        kind = _choose(_("Customer nature"), KINDS, default="enterprise", key="preview_kind")
        stage = _choose(_("Customer type"), STAGES, default="prospect", key="preview_stage")
    st.caption(_("Try the form out; nothing that is entered here is kept."))
    form = forms.Form(PREVIEW, library, {"kind": kind, "stage": stage})
    for group, fields in forms.by_group(library.entered).items():
        form.draw_group(group, fields)


def _choose(label: str, labels: Mapping[Any, str], *, default: str, key: str) -> str:
    return str(st.segmented_control(label, list(labels), format_func=lambda code: _(labels[code]), default=default, required=True, key=key))


def draw_removed(row: CustomField) -> None:
    """A removed field: since when, how many customers have a value in it, and the way back."""
    with guard.reading() as session:
        count = field_changes.count_values(session, guard.actor(), row.key)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        type = escape(_(FIELD_TYPES[row.type]))
        st.markdown(f"**{escape(row.name)}**　{type}", width="stretch")
        kept = _("removed {time} · customers with a value: {count}").format(time=format_time(row.removed_at), count=f"{count:,}")
        st.caption(escape(kept), width="content")
        if st.button(_("Restore"), key=f"restore_{row.key}", icon=":material/undo:"):
            with feedback.attempt() as outcome, guard.acting() as session:
                field_changes.restore_custom_field(session, guard.actor(), row.key)
            if outcome.succeeded:
                feedback.later(_("{name} is back, with the values it had.").format(name=row.name))
                st.rerun()
