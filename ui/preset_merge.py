"""Merging an entry of the preset library into another one: what it would change is counted before it is done."""

import streamlit as st

from crm_core.i18n import _
from crm_core.services import preset_merge
from crm_core.services.library import Entry, Library
from ui import feedback, forms, guard
from ui.feedback import escape


def draw(code: str, entry: Entry, library: Library) -> None:
    """Choose the entry that stays, read what changes, merge."""
    others = {one.code: one.label for one in library.active(code.partition(".")[0]) if one.code != code}
    into = st.selectbox(
        forms.required(_("The entry that stays")),
        list(others),
        index=None,
        format_func=lambda other: others[other],
        placeholder=_("Choose"),
        key=f"merge_into_{code}",
    )
    if not into:
        return
    with guard.reading() as session:
        uses = preset_merge.count_uses(session, guard.actor(), code)
    sentence = _(
        "{customers} customers, {files} files and {tickets} tickets have “{name}”. They get the entry that stays, "
        "each with a line in the change log. This cannot be undone."
    )
    st.write(escape(sentence.format(**_counts(uses), name=entry.label)))
    if st.button(_("Merge"), icon=":material/merge:", key=f"merge_{code}"):
        with feedback.attempt() as outcome, guard.acting() as session:
            done = preset_merge.merge_presets(session, guard.actor(), code, into)
        if outcome.succeeded:
            feedback.later(_("Merged: {customers} customers, {files} files and {tickets} tickets were changed.").format(**_counts(done)))
            st.rerun()


def _counts(uses: preset_merge.Uses) -> dict[str, str]:
    return {name: f"{count:,}" for name, count in vars(uses).items()}
