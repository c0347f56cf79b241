"""What a file to import may look like: the headings that are recognised, and an empty workbook to fill in."""

import streamlit as st

from crm_core.fields import Field
from crm_core.i18n import N_, _, in_language, join_words, language
from crm_core.services.imports.kinds import CONTRACT, CUSTOMER, KINDS, OPPORTUNITY, PRODUCT, USER
from crm_core.services.imports.mapping import targets, words_of
from crm_core.services.imports.template import heading_of, template_workbook
from crm_core.services.library import Library
from ui.feedback import escape

HINTS = {
    CUSTOMER: N_("Every row needs at least the customer's name; what else is missing can be completed later."),
    PRODUCT: N_("Every row is a product with its name and price; the code is optional."),
    USER: N_("Every row is a person with name and role; teams that there are not yet are added."),
    OPPORTUNITY: N_("Every row is an opportunity of a customer that is here already; closed ones need the day on which they were closed."),
    CONTRACT: N_(
        "Every row is a contract of a customer that is won already, or one more product of it: rows with one number are one contract."
    ),
}

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def draw(entries: Library, kind: str) -> None:
    """The template, and field by field the headings in the user's language; those of the other one are recognised as well."""
    spoken = language()

    def template() -> bytes:
        # Made when it is asked for, outside of the script, where no language has been chosen.
        with in_language(spoken):
            return template_workbook(entries, kind)

    st.download_button(
        _("Download an empty template"),
        data=template,
        file_name=_("Template {kind}").format(kind=_(KINDS[kind].label).replace("/", "")) + ".xlsx",
        mime=XLSX,
        icon=":material/download:",
        on_click="ignore",
    )
    with st.expander(_("Which headings are recognised"), icon=":material/help:"):
        is_customers = kind == CUSTOMER
        marked = _("Marked * are required, marked (*) for some natures or types of customer.")
        st.caption(marked if is_customers else _("Marked * are required."))
        st.caption(_("Other headings can be assigned by hand after the upload."))
        st.table({escape(heading_of(field)): escape(told_of(field)) for field in targets(entries, kind).values()}, border="horizontal")


def hint_of(kind: str) -> str:
    """What every row of a file needs."""
    return _(HINTS[kind])


def told_of(field: Field) -> str:
    """The headings beside its title under which a field is recognised, and what it asks for."""
    words = {word for word in words_of(field) if word.isascii() == (language() == "en")}
    others = join_words(sorted(words - {field.title, field.name}))
    return " · ".join(filter(None, (others, field.help_text)))
