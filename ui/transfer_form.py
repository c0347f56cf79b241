"""The form of a transfer: from whom, which customers, to whom, what will move, and why."""

import streamlit as st

from crm_core.i18n import N_, _, join_words, plural
from crm_core.models import STAGES, TIERS
from crm_core.services import transfers
from crm_core.services.owners import WORKS
from crm_core.services.transfers import REASONS, Preview, Selection
from ui import feedback, forms, guard, owner_actions, routes

NO_TIER = N_("No tier")


def draw(givers: dict[int, str], receivers: dict[int, str]) -> tuple[Selection | None, int | None, str]:
    """What is chosen: the customers, the new owner, the reason."""
    left, right = st.columns(2)
    with left:
        giver: int | None = st.selectbox(
            forms.required(_("Present owner")),
            list(givers),
            index=None,
            format_func=lambda id: givers[id],
            key="transfer_from",
            placeholder=_("Choose"),
        )
    with right:
        to = owner_actions.choose_receiver({id: name for id, name in receivers.items() if id != giver})
    tiers = {code: _(label) for code, label in {**TIERS, "": NO_TIER}.items()}
    stages = {code: _(label) for code, label in STAGES.items()}
    left, right = st.columns(2)  # a row of its own: on a phone both owners come first
    with left:
        stage = st.multiselect(_("Customer type"), list(stages), format_func=stages.__getitem__, key="transfer_stage", placeholder=_("All"))
    with right:
        tier = st.multiselect(_("Customer tier"), list(tiers), format_func=tiers.__getitem__, key="transfer_tier", placeholder=_("All"))
    reason = owner_actions.ask_reason()
    return (Selection(giver, tuple(stage), tuple(tier)) if giver else None), to, reason


def draw_preview(found: Preview) -> None:
    """How much moves, and what stays and why."""
    with st.grid(4, min_column_width=150):
        st.metric(_("Customers"), f"{found.customers:,}", border=True)
        for kind, work in WORKS.items():
            st.metric(_(work.label), f"{found.work[kind]:,}", border=True)
        st.metric(_("Stay where they are"), f"{sum(found.staying.values()):,}", border=True)
    if found.staying:
        why = join_words(f"{count:,} " + _(REASONS[place]) for place, count in found.staying.items())
        st.warning(feedback.escape(_("Not moved: {reasons}.").format(reasons=why)), icon=":material/info:")


def decide(selection: Selection, found: Preview, *, to: int | None, reason: str) -> None:
    """The button; after it the receipt."""
    label = plural(found.customers, N_("Transfer {count} customer"), N_("Transfer {count} customers")).format(count=f"{found.customers:,}")
    is_ready = bool(to and found.customers)
    if st.button(label, type="primary", icon=":material/move_up:", disabled=not is_ready, key="transfer_all"):
        with st.spinner(_("Handing over…")), feedback.attempt() as outcome, guard.acting() as session:
            ids = transfers.select_ids(session, guard.actor(), selection)
            batch = transfers.transfer(session, guard.actor(), ids, to=to or 0, reason=reason)
        if outcome.succeeded:
            feedback.later(
                plural(batch.done, N_("{count} customer has another owner now."), N_("{count} customers have another owner now.")).format(
                    count=f"{batch.done:,}"
                )
            )
            st.switch_page(routes.RECEIPT, query_params={"id": str(batch.id)})
