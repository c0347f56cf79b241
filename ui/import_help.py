"""What a file to import may look like: the headings that are recognised, and an empty workbook to fill in."""

import streamlit as st

from crm_core.fields import Field
from crm_core.i18n import _, in_language, join_words, language
from crm_core.services.imports.mapping import targets, words_of
from crm_core.services.imports.template import heading_of, template_workbook
from crm_core.services.library import Library
from ui.feedback import escape

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def draw(entries: Library) -> None:
    """The template, and field by field the headings in the user's language; those of the other one are recognised as well."""
    spoken = language()

    def template() -> bytes:
        # Made when it is asked for, outside of the script, where no language has been chosen.
        with in_language(spoken):
            return template_workbook(entries)

    st.download_button(
        _("Download an empty template"),
        data=template,
        file_name=_("customers-template") + ".xlsx",
        mime=XLSX,
        icon=":material/download:",
        on_click="ignore",
    )
    with st.expander(_("Which headings are recognised"), icon=":material/help:"):
        st.caption(_("Marked * are required, marked (*) for some natures or types of customer."))
        st.caption(_("Other headings can be assigned by hand after the upload."))
        st.table({escape(heading_of(field)): escape(_others(field)) for field in targets(entries).values()}, border="horizontal")


def _others(field: Field) -> str:
    words = {word for word in words_of(field) if word.isascii() == (language() == "en")}
    return join_words(sorted(words - {field.title, field.name}))
