"""The tabs of a customer's page: what happened, whom one talks to, what was agreed. Only the open one is read and drawn."""

from collections.abc import Callable
from dataclasses import dataclass

from crm_core.i18n import N_, _
from crm_core.permissions import Permission
from crm_core.services import contacts, library
from crm_core.visibility import View
from ui import (
    attachment_list,
    campaign_cards,
    contact_list,
    contract_list,
    follow_up_tab,
    guard,
    history_list,
    opportunity_tab,
    owner_history,
    tab_bar,
    task_list,
    ticket_cards,
    timeline_list,
)

KEY = "detail_tab"


def draw(customer: View) -> None:
    """The tabs that the actor may see, and what stands in the open one."""
    actor = guard.actor()
    follow_up_tab.open_asked(customer)
    offered = {_(tab.label): tab for tab in TABS if actor.can(tab.permission)}
    offered[tab_bar.choose(KEY, list(offered))].draw(customer)


def _may_edit(customer: View) -> bool:
    return guard.actor().can(Permission.CUSTOMER_EDIT) and bool(customer.is_listed)


def _draw_contacts(customer: View) -> None:
    with guard.reading() as session:
        people, entries = contacts.list_contacts(session, guard.actor(), customer.id), library.get_library(session)
    contact_list.draw(customer, people, entries, may_edit=_may_edit(customer))


def _draw_history(customer: View) -> None:
    owner_history.draw(customer.id)
    guard.fragment(history_list.draw)(customer.id)


@dataclass(frozen=True)
class Tab:
    """One tab: who sees it, and what it draws."""

    label: str
    draw: Callable[[View], None]
    permission: Permission = Permission.CUSTOMER_READ


TABS = (
    Tab(N_("Follow-ups"), guard.fragment(follow_up_tab.draw)),
    Tab(N_("Contacts"), _draw_contacts),
    Tab(N_("Timeline"), lambda customer: guard.fragment(timeline_list.draw)(customer.id)),
    Tab(N_("Opportunities"), guard.fragment(opportunity_tab.draw), Permission.OPPORTUNITY_READ),
    Tab(N_("Contracts"), contract_list.draw_for, Permission.CONTRACT_READ),
    Tab(N_("Tasks"), task_list.draw_for),
    Tab(N_("Tickets"), ticket_cards.draw_for, Permission.TICKET_READ),
    Tab(N_("Campaigns"), campaign_cards.draw_for, Permission.CAMPAIGN_READ),
    Tab(
        N_("Attachments"),
        lambda customer: guard.fragment(attachment_list.draw)(customer_id=customer.id, may_edit=_may_edit(customer)),
    ),
    Tab(N_("Change log"), _draw_history),
)
"""In their order, what is used most first. A new tab is a row here; what it draws stands in a module of its own."""
