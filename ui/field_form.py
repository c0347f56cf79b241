"""The administrator's dialog for a declared field: shown, required, help, and which presets are offered to whom."""

from collections.abc import Collection, Mapping
from typing import Any

import streamlit as st

from crm_core.errors import Conflict
from crm_core.fields import Field, Widget
from crm_core.i18n import _, join_sentences, join_words
from crm_core.models import KINDS, STAGES
from crm_core.services import field_changes, field_words
from crm_core.services.field_settings import NEEDED, REQUIRED, YES, FieldSetting, FieldSettings
from crm_core.services.library import Library, get_library
from ui import feedback, forms, guard

SEEN = "field_seen"
"""What the editor knows another administrator to have saved since the dialog was opened."""


def edit(name: str, library: Library) -> None:
    """Change the setting of a field."""
    field, present = library.known_fields[name], library.settings.of(name)
    reason = field_changes.why_needed(library, name)
    if reason:
        st.info(_("{field} cannot be hidden. {reason}").format(field=field.title, reason=reason), icon=":material/lock:")
    is_shown = st.toggle(_("Shown"), value=present.is_shown, key=f"shown_{name}", disabled=bool(reason))
    kinds, stages = choose_audience(name, present.kinds, present.stages) if is_shown and not reason else ((), ())
    required = _choose_required(name, present) if is_shown and name not in NEEDED else {}
    help_text = st.text_area(
        _("Help beside the field"),
        value=present.help,
        placeholder=_(field.help) if field.help else "",
        max_chars=field_changes.MAX_HELP,
        height=88,
        key=f"help_{name}",
    )
    offered = _choose_presets(field, library, present) if field.widget in (Widget.PRESET, Widget.PRESETS) else {}
    seen: FieldSettings = st.session_state.get(SEEN, library.settings)
    if seen.of(name) != present:
        say_theirs([f"{field_words.in_words(library, present)} → {field_words.in_words(library, seen.of(name))}"])
    if forms.decide(_("Save")):
        setting = FieldSetting(is_shown=is_shown, kinds=kinds, stages=stages, help=help_text, offered=offered, **required)
        _save(name, setting, seen)


def _save(name: str, setting: FieldSetting, seen: FieldSettings) -> None:
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        now = get_library(session).settings
        # What others set for other fields meanwhile is no conflict, and stands.
        version = now.version if now.of(name) == seen.of(name) else seen.version
        changed = field_changes.save_setting(session, guard.actor(), name, setting, version=version)
    if outcome.succeeded:
        tell(changed)
        st.rerun()
    elif isinstance(outcome.error, Conflict):
        st.session_state[SEEN] = now
        guard.again()
    elif outcome.error:
        feedback.explain(outcome.error)


def say_theirs(changes: list[str]) -> None:
    """Show what another administrator made of the field meanwhile, before it is saved again."""
    told = _("Somebody else changed this field meanwhile: {changes}. Save again to put yours in its place, or cancel to keep theirs.")
    st.warning(feedback.escape(told.format(changes=join_words(changes))), icon=":material/sync_problem:")


def tell(changed: int) -> None:
    """Say that it was saved, and for how many customers it changed whether they are complete."""
    saved = _("The field was saved.")
    if changed:
        saved = join_sentences(saved, _("Customers that became complete or incomplete: {count}.").format(count=f"{changed:,}"))
    feedback.later(saved)


def choose_audience(name: str, kinds: Collection[str], stages: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """For which natures and types a field is shown; none chosen means all."""
    left, right = st.columns(2)
    return (
        _choose_codes(left, _("Only for these natures"), KINDS, kinds, key=f"kinds_{name}"),
        _choose_codes(right, _("Only for these types"), STAGES, stages, key=f"stages_{name}"),
    )


def _choose_codes(place: Any, label: str, labels: Mapping[Any, str], present: Collection[str], *, key: str) -> tuple[str, ...]:
    chosen = place.multiselect(
        label,
        list(labels),
        default=[code for code in present if code in labels],
        format_func=lambda code: _(labels[code]),
        key=key,
        placeholder=_("all"),
    )
    return tuple(chosen)


def _choose_required(name: str, present: FieldSetting) -> dict[str, Any]:
    required = st.segmented_control(
        _("Required"),
        list(REQUIRED),
        format_func=lambda code: _(REQUIRED[code]),
        default=present.required,
        required=True,
        key=f"required_{name}",
    )
    if required != YES:
        return {"required": required}
    left, right = st.columns(2)
    kinds = _choose_codes(left, _("Required for these natures"), KINDS, present.required_kinds, key=f"must_kinds_{name}")
    stages = _choose_codes(right, _("Required for these types"), STAGES, present.required_stages, key=f"must_stages_{name}")
    return {"required": required, "required_kinds": kinds, "required_stages": stages}


def _choose_presets(field: Field, library: Library, present: FieldSetting) -> dict[str, tuple[str, ...]]:
    """By customer type the presets that are offered; a type for which none is chosen has all."""
    labels = {entry.code: entry.label for entry in library.active(field.preset)}
    offered: dict[str, tuple[str, ...]] = {}
    with st.expander(_("Choices by customer type"), icon=":material/list_alt:"):
        st.caption(_("Where nothing is chosen, all entries of the list are offered. Records keep what they have."))
        for stage, label in STAGES.items():
            chosen = st.multiselect(
                _(label),
                list(labels),
                default=[code for code in present.offered.get(stage, ()) if code in labels],
                format_func=lambda code: labels[code],
                key=f"offered_{field.name}_{stage}",
                placeholder=_("all"),
            )
            if chosen:
                offered[stage] = tuple(chosen)
    return offered
