"""The contracts of a customer on its page, and rows of contracts wherever they are listed."""

import streamlit as st

from crm_core.i18n import N_, _, format_date, format_money, plural
from crm_core.models import CONTRACT_STATES
from crm_core.permissions import Permission
from crm_core.services import contract_views
from crm_core.services.contract_sheets import Sheet
from crm_core.services.contract_views import Listed, OfCustomer
from crm_core.services.contracts import SIGNING
from crm_core.visibility import View
from ui import contract_form, contract_sheet, feedback, guard, routes
from ui.feedback import escape

COLOURS = {"running": "green", "ending": "orange", "ended": "gray", "void": "red"}


def draw_for(customer: View) -> None:
    """The latest contracts first, what they come to, what was entered besides them, and the button that signs one more."""
    with guard.reading() as session:
        found = contract_views.list_of_customer(session, guard.actor(), customer.id)
    may_sign = guard.actor().can(Permission.CONTRACT_WRITE) and customer.is_listed and customer.stage in SIGNING
    if may_sign and st.button(_("New contract"), key="contract_new", icon=":material/add:"):
        contract_form.open_new(customer.id)
    if not found.rows:
        hint = (
            _("Press New contract to record one.") if may_sign else _("A contract is recorded when the customer is won: More, Change type.")
        )
        feedback.empty_state("contract", _("No contracts yet"), hint)
    for row in found.rows:
        draw(row, with_customer=False)
    _draw_sums(customer, found)


def _draw_sums(customer: View, found: OfCustomer) -> None:
    told = []
    if found.agreed:
        told.append(
            plural(found.agreed.count, N_("{count} contract, {amount} in all"), N_("{count} contracts, {amount} in all")).format(
                count=found.agreed.count, amount=format_money(found.agreed.amount)
            )
        )
    if found.total > len(found.rows):
        told.append(_("the latest {count} are shown").format(count=len(found.rows)))
    if customer.entered_amount:
        told.append(_("besides them {amount} entered from before").format(amount=format_money(customer.entered_amount)))
    if told:
        st.caption(escape(" · ".join(told)))


def draw(row: Listed, *, with_customer: bool = True) -> None:
    """One contract: what, how much, how much of it came, and since when."""
    with st.container(border=True, key=f"contract_{row.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", width="stretch"):
                label = f"**{escape(row.number)}** {escape(row.product)}"
                if st.button(label, key=f"contract_open_{row.id}", icon=":material/contract:", type="tertiary"):
                    contract_sheet.open_contract(row.id)
                draw_badges(row)
            st.markdown(f"**{escape(format_money(row.amount))}**", width="content")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(escape(_facts(row)), width="stretch")
            if with_customer and st.button(
                f":material/chevron_right: {escape(row.customer)}", key=f"contract_customer_{row.id}", type="tertiary"
            ):
                st.switch_page(routes.CUSTOMER, query_params={"code": row.code})


def draw_badges(row: Listed | Sheet) -> None:
    """Where it stands, and what is overdue."""
    feedback.badge(_(CONTRACT_STATES[row.state]), color=COLOURS[row.state])
    if row.overdue:
        feedback.badge(_("{amount} overdue").format(amount=format_money(row.overdue)), color="red", icon=":material/alarm:")


def _facts(row: Listed) -> str:
    parts = [_("Signed on {day}").format(day=format_date(row.signed_on))]
    if row.ends_on:
        parts.append(_("ends on {day}").format(day=format_date(row.ends_on)))
    parts.append(_("{amount} received").format(amount=format_money(row.received)))
    if row.owner:
        parts.append(_("counts for {name}").format(name=row.owner))
    return " · ".join(parts)
