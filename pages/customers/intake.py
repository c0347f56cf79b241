"""资料录入: choose nature and type, fill the form, check it, confirm the key data, save."""

import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.permissions import Permission
from crm_core.services import drafts, entry, library, review_list
from ui import attachment_list, badges, feedback, forms, guard, header, intake_confirm, intake_form, intake_hints, review_sheet, routes

actor = guard.page(Permission.CUSTOMER_CREATE)
header.title(_("Customer intake"))


def choose_kind_and_stage() -> None:
    """The first step; both stay fixed for the entry."""
    with st.container(border=True):
        st.write(
            _("Choose the customer's nature and type first; the form then shows the fields they need. Neither can be changed in the form.")
        )
        kind = st.segmented_control(
            forms.required(_("Customer nature")),
            list(badges.KINDS),
            format_func=lambda code: _(badges.KINDS[code]),
            default="enterprise",
            key="new_kind",
            required=True,
        )
        stage = st.segmented_control(
            forms.required(_("Customer type")),
            entry.entry_stages(actor),
            format_func=lambda code: _(badges.STAGES[code]),
            key="new_stage",
            required=True,
        )
        if st.button(_("Begin entry"), type="primary", icon=":material/edit_note:", disabled=not (kind and stage)):
            with feedback.attempt() as outcome, guard.acting() as session:
                draft_id = drafts.start_draft(session, actor, {"kind": kind, "stage": stage})
            if outcome.succeeded:
                st.switch_page(routes.INTAKE, query_params={"draft": draft_id})


def list_drafts() -> None:
    """Entries begun and not finished."""
    with guard.reading() as session:
        unfinished = drafts.list_drafts(session, actor)
    if unfinished:
        st.subheader(_("Unfinished entries"), anchor=False)
    for draft in unfinished:
        name = draft.values.get("name") or _("(no name yet)")
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            badges.stage_badge(draft.values["stage"])
            st.markdown(f"**{feedback.escape(name)}**", width="stretch")
            st.caption(_("saved {time}").format(time=format_time(draft.updated_at)), width="content")
            if draft.review_id:
                st.badge(_("Correction"), color="orange")
            if st.button(_("Continue"), key=f"continue_{draft.id}", icon=":material/edit:"):
                st.switch_page(routes.INTAKE, query_params={"draft": draft.id})
            if st.button(_("Discard"), key=f"discard_{draft.id}", icon=":material/delete:", type="tertiary"):
                with feedback.attempt() as outcome, guard.acting() as session:
                    drafts.discard_draft(session, actor, draft.id)
                if outcome.succeeded:
                    st.rerun()


@guard.fragment
def fill_in(draft_id: str, kind: str, stage: str) -> None:
    """The form with its hints beside it; every change saves the draft."""
    with guard.reading() as session:
        entries = library.get_library(session)
        review = review_list.what_to_correct(session, guard.actor(), draft_id)
    feedback.show_message()
    if review:
        review_sheet.draw_task(review)
    form, aside = st.columns([3, 1], gap="medium")
    with form:
        intake_form.draw(entries, {"kind": kind, "stage": stage})
        attachment_list.draw(draft_id=draft_id)
        values = intake_form.entered(kind, stage, entries)
    checked = entry.check_entry(entries, values, values["contacts"])
    with aside, st.container(key="intake_aside"):
        found = intake_hints.draw_duplicates(checked, besides=review.customer.id if review else None)
        intake_hints.draw(entries, values)
    with feedback.attempt():
        intake_form.keep(draft_id, values)
    checked.errors |= intake_hints.missing_reason(found, values)
    intake_form.drop_mended(checked)
    draw_actions(draft_id, values, checked)


def draw_actions(draft_id: str, values: dict, checked: entry.Checked) -> None:
    """Check, submit, put aside."""
    with st.container(horizontal=True, vertical_alignment="center", key="action_bar"):
        check = st.button(_("Check form"), icon=":material/rule:")
        submit = st.button(_("Submit"), type="primary", icon=":material/send:")
        if st.button(_("Save for later"), icon=":material/save:", help=_("The draft is kept; continue it whenever you like.")):
            st.switch_page(routes.INTAKE)
        st.caption(_("Saved as a draft while you type."), width="content")
    if not (check or submit):
        return
    intake_form.show_errors(checked.errors, checked.warnings)
    if submit and not checked.errors:
        guard.dialog(_("Confirm the key data"), intake_confirm.confirm, draft_id, values, checked)
        return
    if not checked.errors:
        feedback.later(_("Everything is filled in correctly."))
    st.rerun(scope="app")


if draft_id := st.query_params.get("draft"):
    with feedback.attempt() as opening, guard.reading() as reading:
        draft, fields = drafts.get_draft(reading, actor, draft_id), library.get_library(reading)
    if not opening.succeeded:
        if st.button(_("Begin a new entry"), icon=":material/add:"):
            st.switch_page(routes.INTAKE)
        st.stop()
    with feedback.attempt():
        entry.refuse_stage(actor, draft.values["stage"])
    badges.customer_badges(draft.values["stage"], draft.values["kind"], None, is_incomplete=False)
    intake_form.open_draft(draft_id, draft.values, fields)
    fill_in(draft_id, draft.values["kind"], draft.values["stage"])
else:
    st.session_state.pop("intake_draft", None)
    choose_kind_and_stage()
    list_drafts()
