"""Suspected duplicates: pairs that may be one customer, the likeliest first; merge them, or say that they are two."""

import streamlit as st

from crm_core.i18n import N_, _, plural
from crm_core.permissions import Permission
from crm_core.services import duplicate_pairs
from ui import duplicate_list, feedback, guard, header

actor = guard.page(Permission.CUSTOMER_MERGE)
header.title(_("Suspected duplicates"))

duplicate_list.draw_state()
views = {"open": _("Undecided"), "apart": _("No duplicates")}
view = st.segmented_control(
    _("Which pairs"),
    list(views),
    format_func=lambda code: views[code],
    default="open",
    required=True,
    key="pairs_view",
    label_visibility="collapsed",
)
key = f"pairs_page_{view}"
with guard.reading() as session:
    found = duplicate_pairs.list_pairs(session, actor, dismissed=view == "apart", page=st.session_state.get(key, 1))

for pair in found.rows:
    duplicate_list.draw_pair(pair)
if not found.rows and view == "apart":
    feedback.empty_state(
        "call_split", _("No pair was told apart"), _("Pairs that you call no duplicates are listed here, to take that back.")
    )
elif not found.rows:
    feedback.empty_state("done_all", _("No suspected duplicates"), _("A scan compares all customers every day; you can start one now."))
if found.rows:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(plural(found.total, N_("{total} pair"), N_("{total} pairs")).format(total=f"{found.total:,}"), width="content")
        if found.pages > 1:
            st.pagination(found.pages, key=key, width=340)
