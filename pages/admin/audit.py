"""The audit log: who did what, when, from where and why."""

import streamlit as st

from crm_core.i18n import N_, _, plural
from crm_core.permissions import Permission
from crm_core.services import audit_log, users
from crm_core.services.log_words import LogWords
from ui import audit_filters, audit_table, feedback, guard, header, list_footer

actor = guard.page(Permission.AUDIT_READ)
header.title(_("Audit log"))


@guard.fragment
def draw_log() -> None:
    """The filters and the lines they find; only this part runs again when a filter changes."""
    with guard.reading() as session:
        filters = audit_filters.Filters(users.user_names(session))
        query = filters.draw()
        page = audit_log.list_lines(session, guard.actor(), query)
        words = LogWords(session, guard.actor())
    if page.rows:
        audit_table.draw(page, words)
        draw_footer(page, query)
    else:
        feedback.empty_state("search_off", _("No line matches"), _("Choose a longer period or fewer filters."))
    filters.keep()


def draw_footer(page: audit_log.LogPage, query: audit_log.LogQuery) -> None:
    """How many there are, the other pages, and the file."""
    count = (
        _("more than {total} lines; choose a period to see those further back")
        if page.is_capped
        else plural(page.total, N_("{total} line"), N_("{total} lines"))
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        list_footer.draw(count.format(total=f"{page.total:,}"), page.pages, page.page)
        if actor.can(Permission.CUSTOMER_EXPORT) and st.button(_("Export"), icon=":material/download:"):
            guard.dialog(_("Export the audit log"), audit_table.export, query)


draw_log()
