"""One entry under review: its data, possible duplicates, what changed since the last return, and every step."""

import streamlit as st

from crm_core.i18n import _, join_words
from crm_core.permissions import Permission
from crm_core.services import library, review_list, users
from ui import (
    attachment_list,
    badges,
    contact_list,
    customer_sheet,
    feedback,
    guard,
    header,
    intake_hints,
    review_actions,
    review_rows,
    review_sheet,
    routes,
)

actor = guard.page(Permission.CUSTOMER_CREATE, Permission.CUSTOMER_REVIEW)

with feedback.attempt() as opening, guard.reading() as session:
    file = review_list.get_review(session, actor, st.query_params.get("code", ""))
    duplicates = review_list.duplicates_of(session, actor, file.row.code)
    entries, names = library.get_library(session), users.user_names(session)
if not opening.succeeded:
    header.title(_("Entry under review"))
    if st.button(_("Reviews"), icon=":material/arrow_back:"):
        st.switch_page(routes.REVIEWS)
    st.stop()

row = file.row
header.title(feedback.escape(row.name))
review_actions.show_conflict()
badges.customer_badges(
    row.stage,
    file.customer.kind,
    row.tier,
    is_incomplete=file.customer.is_incomplete,
    before=[badges.review_badge(row.state, is_overdue=row.is_overdue)],
)
asked = _("entered by {author} · reviewed by {names}").format(author=row.author, names=join_words(file.reviewers))
st.caption(feedback.escape(f"{asked} · {review_rows.told(row)}"))
review_sheet.draw_task(file)
if file.customer.is_listed and actor.can(Permission.CUSTOMER_READ) and st.button(_("Open the customer"), icon=":material/person:"):
    st.switch_page(routes.CUSTOMER, query_params={"code": row.code})

left, right = st.columns([3, 2], gap="medium")
with left:
    if file.last_changes:
        with st.container(border=True, key="review_changes"):
            st.subheader(_("Changed since the version before"), anchor=False)
            review_sheet.draw_changes(file.last_changes, key="review_unchanged")
    customer_sheet.draw(file.customer, entries, names)
with right:
    if duplicates:
        with st.container(border=True):
            st.subheader(_("Possible duplicates"), anchor=False)
            for one in duplicates:
                intake_hints.draw_duplicate(one)
    with st.container(border=True):
        st.subheader(_("Contacts"), anchor=False)
        contact_list.draw(file.customer, file.contacts, entries, may_edit=False)
    if file.files:
        with st.container(border=True):
            st.subheader(_("Attachments"), anchor=False)
            attachment_list.draw_files(file.files, entries)
    with st.container(border=True):
        st.subheader(_("History"), anchor=False)
        review_sheet.draw_steps(file.steps)
review_actions.draw(file)
