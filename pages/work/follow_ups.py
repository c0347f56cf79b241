"""跟进记录: all follow-ups in one's scope, searched and filtered, and a new one for any customer."""

import streamlit as st

from crm_core.i18n import N_, _, plural
from crm_core.permissions import Permission
from crm_core.services import follow_up_list, library, users
from crm_core.services.follow_up_list import FollowUpPage, FollowUpQuery
from ui import feedback, follow_up_cards, follow_up_filters, follow_up_form, guard, header, list_footer

actor = guard.page(Permission.CUSTOMER_READ)
header.title(_("Follow-ups"))


@guard.fragment
def draw_list() -> None:
    """The filters and the follow-ups they find; only this part runs again when a filter changes."""
    with guard.reading() as session:
        filters = follow_up_filters.Filters(users.user_names(session), library.get_library(session))
        query = filters.draw()
        page = follow_up_list.list_follow_ups(session, guard.actor(), query)
    if page.rows:
        follow_up_cards.draw(page.rows, key="follow_ups", with_customer=True)
        draw_footer(page)
    elif query == FollowUpQuery():
        feedback.empty_state("forum", _("No follow-ups yet"), _("Write down each call and visit, and what comes next."))
    else:
        feedback.empty_state("search_off", _("No follow-up matches"), _("Try fewer words or filters."))
        st.button(_("Clear all filters"), icon=":material/filter_list_off:", on_click=filters.clear)
    filters.keep()


def draw_footer(page: FollowUpPage) -> None:
    """How many there are, and the other pages."""
    count = _("more than {total} follow-ups") if page.is_capped else plural(page.total, N_("{total} follow-up"), N_("{total} follow-ups"))
    list_footer.draw(count.format(total=f"{page.total:,}"), page.pages, page.page)


if actor.can(Permission.FOLLOW_UP_WRITE):
    if st.button(_("Write a follow-up"), type="primary", icon=":material/edit_note:"):
        guard.dialog(_("Write a follow-up"), follow_up_form.choose_and_write)
    follow_up_form.draw_unfinished()
draw_list()
