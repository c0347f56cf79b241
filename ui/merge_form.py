"""The form of a merge: which customer stays, a choice for each field that differs, what comes together, and the button."""

from typing import Any

import streamlit as st

from crm_core.errors import Conflict
from crm_core.fields import read_value
from crm_core.i18n import N_, _, join_words, labelled, plural
from crm_core.permissions import Permission
from crm_core.services import display, merges
from crm_core.services.customer_list import CustomerQuery, list_customers
from crm_core.services.library import Library
from crm_core.services.merge_rows import NAMED
from crm_core.services.merge_values import KEPT, MERGED, Difference
from crm_core.services.merges import Preview, Undoable
from crm_core.visibility import View, shown_fields
from ui import badges, feedback, forms, guard, routes
from ui.feedback import escape

CANDIDATES = 10


def draw(preview: Preview, library: Library) -> None:
    """Everything below the title."""
    _draw_heads(preview)
    shown = [one for one in preview.differences if _is_shown(one, preview, library)]
    with st.container(border=True, gap="small"):
        st.subheader(_("What differs"), anchor=False)
        if not shown:
            st.caption(_("Nothing: what is filled in is the same on both."))
        choices = {one.name: _choose(one, preview, library) for one in shown}
    _draw_together(preview, library)
    reason = st.text_input(_("Reason"), key=_key("reason", preview), placeholder=_("Why these are one customer"))
    days = merges.UNDO_FOR.days
    sentence = _("{merged} goes into {kept}. For {days} days this can be undone.")
    st.caption(escape(sentence.format(merged=_called(preview.merged), kept=_called(preview.kept), days=days)))
    with st.container(horizontal=True, key="action_bar"):
        if st.button(_("Merge"), type="primary", icon=":material/merge:"):
            _merge(preview, choices, reason)
        if st.button(_("Cancel")):
            st.switch_page(routes.CUSTOMER, query_params={"code": preview.kept.code})


def _called(customer: View) -> str:
    return f"{customer.name} ({customer.code})"


def _is_shown(one: Difference, preview: Preview, library: Library) -> bool:
    """Whether the kept customer will have this field: by its type as it is chosen now, and by the viewer's role."""
    stage = preview.merged.stage if _chosen("stage", preview) == MERGED else preview.kept.stage
    is_shown = library.fields[one.name].shown({"kind": preview.kept.kind, "stage": stage})
    return is_shown and one.name in shown_fields(guard.actor(), library.fields)


def _key(name: str, preview: Preview) -> str:
    return f"merge_{preview.kept.id}_{preview.merged.id}_{name}"


def _chosen(name: str, preview: Preview) -> str:
    default = next((one.default for one in preview.differences if one.name == name), KEPT)
    return str(st.session_state.get(_key(name, preview), default))


def _draw_heads(preview: Preview) -> None:
    for place, customer, role in zip(
        st.columns(2), (preview.kept, preview.merged), (_("This one stays"), _("This one goes into it")), strict=True
    ):
        with place.container(border=True, gap="xsmall"):
            st.caption(role)
            st.markdown(f"**{escape(customer.name)}**")
            with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
                badges.stage_badge(customer.stage)
                badges.hold_badge(is_on_hold=customer.is_on_hold)
                st.caption(customer.code, width="content")
    if st.button(_("Keep the other one"), icon=":material/swap_horiz:", type="tertiary"):
        st.switch_page(routes.MERGE, query_params={"code": preview.merged.code, "other": preview.kept.code})


def _choose(one: Difference, preview: Preview, library: Library) -> str:
    texts = {KEPT: _text(one, preview.kept, library), MERGED: _text(one, preview.merged, library)}
    title = _("Region") if one.name == "province" else escape(library.fields[one.name].title)
    label, choice = st.columns([1, 5], gap="small", vertical_alignment="center")
    label.markdown(f"**{title}**")
    chosen: str = choice.radio(
        title,
        list(texts),
        index=list(texts).index(one.default),
        format_func=lambda side: texts[side],
        horizontal=True,
        key=_key(one.name, preview),
        label_visibility="collapsed",
    )
    return chosen


def _text(one: Difference, customer: View, library: Library) -> str:
    fields = [library.fields[name] for name in one.fields if name in library.fields]
    words = [display.show(field, read_value(customer, field), library) for field in fields]
    words += [customer.industry_text] if "industry_text" in one.fields and customer.industry_text else []
    return escape(" ".join(word for word in words if word)) or _("(empty)")


def _draw_together(preview: Preview, library: Library) -> None:
    with st.container(border=True, gap="small"):
        st.subheader(_("What comes together"), anchor=False)
        for person, is_new in preview.contacts:
            reach = " · ".join(part for part in (person.phone, display.mailbox(person.email)) if part)
            icon = ":material/person_add:" if is_new else ":material/person:"
            st.markdown(f"{icon} {escape(person.name)}　{escape(reach)}")
        facts = []
        if preview.twins:
            facts.append(
                plural(
                    preview.twins, N_("{count} contact is on both and stays once"), N_("{count} contacts are on both and stay once")
                ).format(count=preview.twins)
            )
        if preview.tags:
            facts.append(_("Tags") + " " + join_words(preview.tags))
        facts += [_(NAMED[table]) + f" {count}" for table, count in preview.moved.items()]
        if "contract" in preview.moved:
            facts.append(_("The chosen cooperation amount grows by the contracts of the other customer; its days stretch to them"))
        for fact in facts:
            st.caption(escape(fact))
        same = [
            (field.title, display.show(field, read_value(preview.kept, field), library))
            for field in map(library.fields.get, preview.same)
            if field
        ]
        with st.expander(_("What stays as it is"), icon=":material/check:"):
            for title, text in same:
                st.caption(escape(labelled(title, text)))


def _merge(preview: Preview, choices: dict[str, str], reason: str) -> None:
    versions = (preview.kept.version, preview.merged.version)
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        merges.merge_customers(session, guard.actor(), preview.kept.id, preview.merged.id, choices, versions=versions, reason=reason)
    if outcome.succeeded:
        feedback.later(_("{name} is part of this customer now.").format(name=preview.merged.name))
        st.switch_page(routes.CUSTOMER, query_params={"code": preview.kept.code})
    if isinstance(outcome.error, Conflict):
        feedback.refusal(_("One of the two was changed meanwhile. The page shows them as they are now; look again, then merge."))
    elif outcome.error:
        feedback.explain(outcome.error)


def choose_other(customer: View) -> None:
    """The dialog of a customer's menu: look for the one that goes into it."""
    phrase = st.text_input(
        _("Search customers"), key=guard.key("merge_phrase"), placeholder=_("Name, contact, phone, pinyin"), icon=":material/search:"
    )
    query = CustomerQuery(phrase=(phrase or "").strip() or customer.name[:4], filters=(("kind", (customer.kind,)),))
    with guard.reading() as session:
        found = list_customers(session, guard.actor(), query, columns=())
    others: dict[str, Any] = {row.code: row for row in found.rows if row.id != customer.id}
    names = {code: f"{row.name} ({code})" for code, row in list(others.items())[:CANDIDATES]}
    other = None
    if names:
        title = _("Which customer goes into this one?")
        other = st.radio(title, list(names), index=None, format_func=lambda code: escape(names[code]), key=guard.key("merge_other"))
    else:
        st.caption(_("No other customer is found. Type a part of its name, a contact or a phone."))
    if forms.decide(_("Compare"), icon=":material/compare_arrows:", is_ready=other is not None):
        st.switch_page(routes.MERGE, query_params={"code": customer.code, "other": str(other)})


def draw_merged(customer: View, merged: list[Undoable]) -> None:
    """A line for each customer that was merged into this one, with the way back while there is one."""
    for one in merged:
        if not one.is_open:
            continue
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"merged_{one.id}"):
            sentence = _("{name} ({code}) was merged into this customer by {person}; to be undone until {day}.")
            day = one.until.date().isoformat()
            st.caption(
                ":material/merge: " + escape(sentence.format(name=one.name, code=one.code, person=one.by or "—", day=day)), width="content"
            )
            may_undo = guard.actor().can(Permission.CUSTOMER_MERGE) and customer.is_listed
            if may_undo and st.button(_("Undo merge"), key=f"unmerge_{one.id}", icon=":material/undo:", type="tertiary"):
                guard.dialog(_("Undo merge"), _confirm_undo, one)


def _confirm_undo(one: Undoable) -> None:
    st.markdown(
        escape(_("{name} becomes a customer of its own again, as it was, and this one gets back what it had.").format(name=one.name))
    )
    reason = st.text_input(_("Reason"), key=guard.key("unmerge_reason"))
    if forms.decide(_("Undo merge"), icon=":material/undo:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            merges.undo_merge(session, guard.actor(), one.id, reason=reason)
        if outcome.succeeded:
            feedback.later(_("{name} is back.").format(name=one.name))
            st.rerun()
