"""When two people edit one customer: both versions side by side, and the second decides field by field."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from crm_core.fields import Field
from crm_core.i18n import _, format_time
from crm_core.services import display, history
from crm_core.services.library import Library
from ui import guard
from ui.feedback import escape
from ui.forms import label_of


def choose(
    record: tuple[str, int],
    fields: Mapping[str, Field],
    mine: Mapping[str, Any],
    base: Mapping[str, Any],
    theirs: Mapping[str, Any],
    library: Library,
) -> dict[str, Any]:
    """Show what both changed, and return the values to save as chosen so far.

    `record` is its kind and number, such as `("customer", 7)`. Fields that only the other person changed are theirs and
    listed; for fields that I changed I choose.
    """
    say_who(*record)
    only_theirs = [name for name in fields if theirs.get(name) != base.get(name) and name not in mine]
    for name in only_theirs:
        field = fields[name]
        st.markdown(
            _("The other person changed {field}: {old} → {new}").format(
                field=f"**{escape(field.title)}**",
                old=escape(_text(field, base.get(name), library)),
                new=escape(_text(field, theirs.get(name), library)),
            )
        )
    chosen: dict[str, Any] = {}
    for name, value in mine.items():
        field = fields[name]
        options = {"mine": _text(field, value, library), "theirs": _text(field, theirs.get(name), library)}
        labels = {"mine": _("Mine: {value}").format(value=options["mine"]), "theirs": _("Theirs: {value}").format(value=options["theirs"])}
        pick = st.radio(
            label_of(field), ["mine", "theirs"], format_func=lambda side, texts=labels: escape(texts[side]), key=f"conflict_{name}"
        )
        if pick == "mine":
            chosen[name] = value
    return chosen


def say_who(entity: str, entity_id: int) -> None:
    """Tell who saved the record meanwhile, and when."""
    with guard.reading() as session:
        line = history.last_change(session, guard.actor(), entity=entity, entity_id=entity_id)
    sentence = _("Somebody else saved this record while you were editing it. Compare both versions and choose.")
    if line:
        sentence = _("{name} saved this record at {time}, while you were editing it. Compare both versions and choose.").format(
            name=line.actor_name, time=format_time(line.at)
        )
    st.warning(escape(sentence), icon=":material/sync_problem:")


def _text(field: Field, value: Any, library: Library) -> str:
    return display.show(field, value, library) or _("(empty)")
