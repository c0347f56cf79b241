"""Forms drawn from field declarations: one widget per field, errors beneath it, values kept under `prefix.name`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import streamlit as st

from crm_core import clock
from crm_core.checks.dates import EARLIEST, LATEST
from crm_core.fields import GROUPS, SEVERAL, Field, Widget
from crm_core.i18n import _
from crm_core.reference import children_of, regions
from crm_core.services.library import Library
from ui import feedback, guard
from ui.feedback import escape
from ui.page_tools import bring_into_view, new_turn

WRITTEN = frozenset({Widget.TEXT, Widget.MONEY, Widget.NUMBER, Widget.LINK})
OWN_WORDS = "own_words"
PARENT_REGION = {"city": ("province",), "district": ("city", "province")}
BELOW_REGION = {"province": ("city", "district"), "city": ("district",)}
WIDE = frozenset({Widget.LONG_TEXT})


class Form:
    """One form on a page: `values` decide which fields are shown and required, `errors` stand at their fields.

    `locked` names text fields that are shown and cannot be changed.
    """

    def __init__(
        self,
        prefix: str,
        library: Library,
        values: Mapping[str, Any],
        *,
        errors: Mapping[str, Sequence[str]] | None = None,
        warnings: Mapping[str, str] | None = None,
        locked: Collection[str] = (),
    ) -> None:
        self.prefix, self.library, self.values = prefix, library, values
        self.errors, self.warnings, self.locked = errors or {}, warnings or {}, locked

    def draw_group(self, group: str, fields: Mapping[str, Field]) -> None:
        """Draw the fields of a group in a box under its title; nothing where the record shows none of them."""
        if any(field.shown(self.values) for field in fields.values()):
            with st.container(border=True):
                st.subheader(group_title(group), anchor=False)
                self.draw(fields)

    def draw(self, fields: Mapping[str, Field], *, columns: int = 3) -> None:
        """Draw the fields that the record's kind and stage show, in their order, in rows of `columns`."""
        shown = [field for field in fields.values() if field.shown(self.values)]
        narrow = [field for field in shown if field.widget not in WIDE]
        for start in range(0, len(narrow), columns):
            for place, field in zip(st.columns(columns), narrow[start : start + columns], strict=False):
                self._draw_field(place, field)
        for field in shown:
            if field.widget in WIDE:
                self._draw_field(st, field)

    def _draw_field(self, place: Any, field: Field) -> None:
        with place.container(key=css_key(self.prefix, field.name), gap="xxsmall"):
            draw_widget(field, self.library, self.values, prefix=self.prefix, is_locked=field.name in self.locked)
            tell(self.errors.get(field.name, ()))
            if warning := self.warnings.get(field.name):
                st.markdown(f":orange[:material/warning: {escape(warning)}]")

    def show_first_error(self) -> None:
        """Bring the first field with an error into view."""
        if self.errors:
            bring_into_view([css_key(self.prefix, name) for name in self.errors])


def required(label: str) -> str:
    """The label of a field that must be filled in."""
    return f"{label} *"


def label_of(field: Field) -> str:
    """The label of a widget; what an administrator wrote is no Markdown."""
    return escape(field.title) if field.custom else field.title


def begin_with(key: str, value: Any) -> str:
    """The key of a widget, with the value that it shows first. Unlike one with `index`, a choice with such a key can be emptied again."""
    st.session_state.setdefault(key, value)
    return key


def decide(label: str, *, icon: str = ":material/check:", is_ready: bool = True, back: str = "") -> bool:
    """The buttons at the end of a dialog: the one that acts, and beside it the one that closes the dialog and leaves all as it is."""
    with st.container(horizontal=True, width="content"):
        is_decided = st.button(label, type="primary", icon=icon, disabled=not is_ready)
        if st.button(back or _("Cancel"), key="leave_dialog"):
            st.rerun()
    return is_decided


def conclude(outcome: feedback.Outcome, sentence: str, state: dict[str, Any]) -> None:
    """After a dialog's attempt: close it with this sentence, say why not, or draw it again with the errors at their fields (`state`)."""
    if outcome.succeeded:
        feedback.later(sentence)
        st.rerun()
    if not outcome.errors and outcome.error:
        feedback.explain(outcome.error)
        return
    state["errors"] = outcome.errors
    new_turn()
    guard.again()


def tell(sentences: Iterable[str]) -> None:
    """What is wrong with something that was entered, below it."""
    for sentence in sentences:
        st.markdown(f":red[:material/error: {escape(sentence)}]")


def css_key(prefix: str, name: str) -> str:
    """The key (and CSS class) of the container around a field."""
    return f"field-{prefix}-{name}".replace(".", "-")


def by_group(fields: Mapping[str, Field], *, without: Iterable[str] = ()) -> dict[str, dict[str, Field]]:
    """Fields sorted into their groups, in order; groups are titled with `group_title`."""
    groups: dict[str, dict[str, Field]] = {}
    for name, field in fields.items():
        if name not in without:
            groups.setdefault(field.group, {})[name] = field
    return groups


def group_title(group: str) -> str:
    """A group's heading in the user's language."""
    return _(GROUPS[group])


def enter_day(label: str, key: str, *, latest: date = LATEST, **how: Any) -> date | None:
    """A day that may be left out. Without these limits Streamlit takes none that lies more than ten years away,
    and drops one that an address names.
    """
    return st.date_input(label, value=None, min_value=EARLIEST, max_value=latest, format="YYYY-MM-DD", key=key, **how)


def draw_widget(field: Field, library: Library, values: Mapping[str, Any], *, prefix: str, is_locked: bool = False) -> None:
    """Draw the widget of one field; its value stands in `st.session_state` under `prefix.name`."""
    key = f"{prefix}.{field.name}"
    label = required(label_of(field)) if field.is_required(values) else label_of(field)
    help_text = (escape(field.help_text) if field.own_help else field.help_text) or None
    if field.widget in WRITTEN:
        st.text_input(label, key=key, help=_("Your role may not change this.") if is_locked else help_text, disabled=is_locked)
    elif field.widget is Widget.LONG_TEXT:
        st.text_area(label, key=key, help=help_text, height=88)
    elif field.widget is Widget.DATE:
        enter_day(label, key, latest=LATEST if field.may_lie_ahead else clock.today(), help=help_text)
    elif field.widget in SEVERAL:
        choices = choices_of(field, library, st.session_state.get(key), stage=values.get("stage"))
        st.multiselect(
            label, list(choices), format_func=lambda code: choices.get(code, code), key=key, help=help_text, placeholder=_("Choose")
        )
    elif field.widget is Widget.REGION:
        _draw_region(field, label, prefix=prefix)
    else:
        _draw_choice(field, choices_of(field, library, st.session_state.get(key), stage=values.get("stage")), label, help_text, key=key)


def _draw_choice(field: Field, choices: dict[str, str], label: str, help_text: str | None, *, key: str) -> None:
    if field.is_open:
        present = st.session_state.get(key)
        if present and present not in (*choices, OWN_WORDS):
            st.session_state[key], st.session_state[own_words_key(key)] = OWN_WORDS, present
        choices[OWN_WORDS] = _("Not in the list: in my own words")
    st.selectbox(
        label, list(choices), index=None, format_func=lambda code: choices.get(code, code), key=key, help=help_text, placeholder=_("Choose")
    )
    if st.session_state.get(key) == OWN_WORDS:
        st.text_input(_("In my own words"), key=own_words_key(key), label_visibility="collapsed", placeholder=_("In my own words"))


def own_words_key(key: str) -> str:
    """Where the words stand that replace a choice."""
    return f"{key}.own"


def value_of(key: str) -> Any:
    """What was entered in a field: the choice, or the words in its place."""
    value = st.session_state.get(key)
    return (st.session_state.get(own_words_key(key)) or None) if value == OWN_WORDS else value


def choices_of(field: Field, library: Library, present: Any = None, *, stage: str | None = None) -> dict[str, str]:
    """Codes and labels to choose from, for a customer type; the present value stays choosable after it was hidden."""
    chosen = present if isinstance(present, list) else [present]
    if field.choices is not None:
        return {code: label for code, label in field.labels().items() if code not in field.retired or code in chosen}
    if field.widget is Widget.INDUSTRY:
        choices = {code: library.industry_label(code) for code, entry in library.industries.items() if entry.parent}
    else:
        choices = {entry.code: entry.label for entry in library.offered(field, stage)}
    for code in chosen:
        is_known = code in library.industries or code in library.presets
        if code and code not in choices and (is_known or not field.is_open):
            choices[code] = library.industry_label(code) if field.widget is Widget.INDUSTRY else library.label(code)
    return choices


def _draw_region(field: Field, label: str, *, prefix: str) -> None:
    key = f"{prefix}.{field.name}"
    parents = [st.session_state.get(f"{prefix}.{name}") for name in PARENT_REGION.get(field.name, ())]
    parent = "" if field.name == "province" else next((code for code in parents if code), None)
    options = [region.code for region in children_of(parent) if region.level == field.name] if parent is not None else []
    if st.session_state.get(key) not in options:
        st.session_state[key] = None
    st.selectbox(
        label,
        options,
        index=None,
        format_func=lambda code: regions()[code].label,
        key=key,
        disabled=not options,
        placeholder=_("Choose"),
        on_change=_clear,
        args=([f"{prefix}.{name}" for name in BELOW_REGION.get(field.name, ())],),
    )


def _clear(keys: list[str]) -> None:
    for key in keys:
        st.session_state[key] = None


def collect(fields: Mapping[str, Field], prefix: str) -> dict[str, Any]:
    """What stands in the form now, in a form that JSON can keep; empty values are left out."""
    entered = {name: to_json(value_of(f"{prefix}.{name}")) for name in fields}
    return {name: value for name, value in entered.items() if value not in (None, "", [])}


def to_json(value: Any) -> Any:
    """A day as text; everything else as it is."""
    return value.isoformat() if isinstance(value, date) else value


def preload(fields: Mapping[str, Field], prefix: str, values: Mapping[str, Any]) -> None:
    """Put values (a record's or a draft's) into the form before it is drawn."""
    for name, field in fields.items():
        st.session_state[f"{prefix}.{name}"] = for_widget(field, values.get(name))


def for_widget(field: Field, value: Any) -> Any:
    """A value as its widget holds it."""
    if field.widget is Widget.DATE:
        return date.fromisoformat(value) if isinstance(value, str) else value
    if field.widget in SEVERAL:
        return list(value or [])
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if field.widget is Widget.LONG_TEXT or field.widget in WRITTEN:
        return value or ""
    return value
