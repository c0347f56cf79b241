"""Merging an entry of the preset library into another one: what it would change is counted before it is done."""

import streamlit as st

from crm_core.i18n import N_, _, join_words, plural
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
    sentence = _("“{name}” stands in: {records}. They get the entry that stays, each with a line in the change log. This cannot be undone.")
    st.write(escape(sentence.format(records=_counted(uses), name=entry.label)))
    if st.button(_("Merge"), icon=":material/merge:", key=f"merge_{code}"):
        with feedback.attempt() as outcome, guard.acting() as session:
            done = preset_merge.merge_presets(session, guard.actor(), code, into)
        if outcome.succeeded:
            feedback.later(_("Merged. Changed: {records}.").format(records=_counted(done)))
            st.rerun()


RECORDS = {
    "customers": (N_("{count} customer"), N_("{count} customers")),
    "files": (N_("{count} file"), N_("{count} files")),
    "tickets": (N_("{count} ticket"), N_("{count} tickets")),
    "opportunities": (N_("{count} opportunity"), N_("{count} opportunities")),
    "campaigns": (N_("{count} campaign"), N_("{count} campaigns")),
}


def _counted(uses: preset_merge.Uses) -> str:
    found = {name: count for name, count in vars(uses).items() if count}
    return join_words(plural(count, *RECORDS[name]).format(count=f"{count:,}") for name, count in found.items()) or _("no record")
