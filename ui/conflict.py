"""When two people edit one customer: both versions side by side, and the second decides field by field."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from crm_core.fields import Field
from crm_core.i18n import _
from crm_core.services import display
from crm_core.services.library import Library
from ui.feedback import escape


def choose(
    fields: Mapping[str, Field], mine: Mapping[str, Any], base: Mapping[str, Any], theirs: Mapping[str, Any], library: Library
) -> dict[str, Any]:
    """Show what both changed, and return the values to save as chosen so far.

    Fields that only the other person changed are theirs and listed; for fields that I changed I choose.
    """
    st.warning(
        _("Somebody else saved this record while you were editing it. Compare both versions and choose."), icon=":material/sync_problem:"
    )
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
        pick = st.radio(field.title, ["mine", "theirs"], format_func=lambda side, texts=labels: escape(texts[side]), key=f"conflict_{name}")
        if pick == "mine":
            chosen[name] = value
    return chosen


def _text(field: Field, value: Any, library: Library) -> str:
    return display.show(field, value, library) or _("(empty)")
