"""The actions on a customer's page: edit, and a menu of everything else that can be done with the record."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

from crm_core.i18n import N_, _
from crm_core.models import LifecycleStage
from crm_core.permissions import Permission
from crm_core.services import customers, tags
from crm_core.visibility import View
from ui import (
    churn_plan_form,
    feedback,
    forms,
    guard,
    holding,
    merge_form,
    outside_sharing,
    owner_actions,
    routes,
    stage_dialog,
    tier_form,
    verification_form,
)
from ui.feedback import escape
from ui.presses import Press


def edit_of(customer: View) -> Press | None:
    """The way to the form, for those who may change the record."""
    if not (customer.is_listed and guard.actor().can(Permission.CUSTOMER_EDIT)):
        return None
    query = {"code": customer.code}
    follow = partial(st.switch_page, routes.EDIT, query_params=query)
    return Press("customer_edit", _("Edit"), follow, "edit", routes.path_to(routes.EDIT, query))


def menu_of(customer: View) -> list[Press]:
    """Those other actions that the actor may do and that make sense for the record."""
    actor = guard.actor()
    offered = {code: action for code, action in ACTIONS.items() if actor.can(action.permission) and action.fits(customer)}
    return [
        Press(f"customer_menu_{code}", _(action.label), partial(guard.dialog, _(action.label), action.draw, customer), action.icon)
        for code, action in offered.items()
    ]


def _edit_tags(customer: View) -> None:
    with guard.reading() as session:
        if guard.key("tag_choice") not in st.session_state:
            st.session_state["tags_seen"] = tags.tags_of(session, customer.id)
        seen = st.session_state["tags_seen"]
        known = sorted({*tags.list_tags(session).values(), *seen})
    chosen = st.multiselect(
        _("Tags"), known, default=seen, accept_new_options=True, placeholder=_("Choose or type"), key=guard.key("tag_choice")
    )
    if forms.decide(_("Save")):
        with feedback.attempt() as outcome, guard.acting() as session:
            tags.set_tags(session, guard.actor(), customer.code, chosen, seen=seen)
        if outcome.succeeded:
            st.rerun()


def _confirm_delete(customer: View) -> None:
    sentence = _("Move {name} with its contacts and files to the recycle bin? You can undo this.")
    st.markdown(escape(sentence.format(name=customer.name)))
    reason = st.text_input(_("Reason"), key=guard.key("delete_reason"))
    if forms.decide(_("Delete"), icon=":material/delete:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            customers.delete_customer(session, guard.actor(), customer.id, reason=reason)
        if outcome.succeeded:
            st.session_state["deleted_customer"] = (customer.id, customer.name)
            st.switch_page(routes.CUSTOMERS)


def _win_back(customer: View) -> None:
    churn_plan_form.begin(customer.id, customer.name, customer.owner_id)


def _may_be_won_back(customer: View) -> bool:
    return _is_listed(customer) and customer.stage != LifecycleStage.CHURNED and guard.actor().can(Permission.CUSTOMER_EDIT)


def _is_listed(customer: View) -> bool:
    return bool(customer.is_listed)


@dataclass(frozen=True)
class Action:
    """One entry of the menu: who may, for which records, and what its dialog draws."""

    label: str
    icon: str
    permission: Permission
    draw: Callable[[View], None]
    fits: Callable[[View], bool] = _is_listed


ACTIONS: dict[str, Action] = {
    "stage": Action(N_("Change type"), "swap_horiz", Permission.CUSTOMER_EDIT, stage_dialog.draw),
    "tags": Action(N_("Tags"), "sell", Permission.CUSTOMER_EDIT, _edit_tags),
    "tier": Action(N_("Set tier"), "military_tech", Permission.CUSTOMER_EDIT, tier_form.draw),
    "verify": Action(N_("Verify"), "fact_check", Permission.CUSTOMER_EDIT, verification_form.draw),
    "winback": Action(N_("Win back"), "handshake", Permission.CHURN_READ, _win_back, _may_be_won_back),
    "alias": Action(N_("Alias for outside use"), "theater_comedy", Permission.CUSTOMER_EDIT, outside_sharing.edit_alias),
    "sheet": Action(N_("Sheet for outside use"), "picture_as_pdf", Permission.CUSTOMER_EXPORT, outside_sharing.make_sheet),
    "transfer": Action(N_("Transfer"), "move_up", Permission.CUSTOMER_TRANSFER, owner_actions.transfer),
    "release": Action(N_("Release into the pool"), "water", Permission.CUSTOMER_READ, owner_actions.release, owner_actions.may_release),
    "merge": Action(N_("Merge with…"), "merge", Permission.CUSTOMER_MERGE, merge_form.choose_other),
    "archive": Action(N_("Archive customer"), "inventory_2", Permission.CUSTOMER_ARCHIVE, holding.confirm_archive),
    "hold": Action(N_("Set legal hold"), "gavel", Permission.RULE_EDIT, holding.decide, lambda customer: not customer.is_on_hold),
    "unhold": Action(N_("End legal hold"), "gavel", Permission.RULE_EDIT, holding.decide, lambda customer: bool(customer.is_on_hold)),
    "delete": Action(N_("Delete customer"), "delete", Permission.CUSTOMER_DELETE, _confirm_delete),
}
"""The menu in its order, what is used most first. A new action is a row here; its dialog stands in a module of its own."""


def offer_undo() -> None:
    """After a deletion: say what was deleted, and take it back on request."""
    if deleted := st.session_state.get("deleted_customer"):
        customer_id, name = deleted
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(":material/delete: " + escape(_("{name} is in the recycle bin.").format(name=name)), width="stretch")
            if guard.actor().can(Permission.CUSTOMER_RESTORE) and st.button(_("Undo"), icon=":material/undo:"):
                with feedback.attempt() as outcome, guard.acting() as session:
                    customers.restore_customer(session, guard.actor(), customer_id)
                st.session_state.pop("deleted_customer")
                if outcome.succeeded:
                    feedback.later(_("{name} is back.").format(name=name))
                    st.rerun()
            if st.button(_("Close"), icon=":material/close:", type="tertiary"):
                st.session_state.pop("deleted_customer")
                st.rerun()
