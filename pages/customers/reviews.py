"""审核: what waits for a reviewer, what was returned and decided, and what one submitted oneself."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import review_list
from ui import guard, header, review_rows

actor = guard.page(Permission.CUSTOMER_CREATE, Permission.CUSTOMER_REVIEW)
header.title(_("Reviews"))

with guard.reading() as session:
    counts = review_list.count_reviews(session, actor)

labels = {
    review_list.WAITING: _("Waiting for review"),
    review_list.RETURNED: _("Returned"),
    review_list.DECIDED: _("Decided"),
    review_list.OWN: _("My submissions"),
}
view = st.segmented_control(
    _("View"),
    list(counts),
    format_func=lambda code: f"{labels[code]} {counts[code]}",
    default=next(iter(counts)),
    required=True,
    key="reviews_view",
    label_visibility="collapsed",
)
with guard.reading() as session:
    page = review_list.list_reviews(session, actor, view, page=st.session_state.get(f"reviews_page_{view}", 1))
review_rows.draw(view, page)
