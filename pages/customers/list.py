"""客户列表: search, filter, sort and open the customers one may see."""

import streamlit as st

from crm_core.db import CrmSession
from crm_core.i18n import N_, _, plural
from crm_core.permissions import Permission
from crm_core.services import customer_list, library, list_columns, pool_rules, saved_views, tags, users
from crm_core.services.demo import filling
from ui import (
    bulk_bar,
    customer_actions,
    customer_filters,
    customer_table,
    export_dialog,
    feedback,
    guard,
    header,
    list_footer,
    routes,
    view_menu,
)

actor = guard.page(Permission.CUSTOMER_READ)
header.title(_("Customer list"))


@guard.fragment
def draw_list() -> None:
    """The filters and the rows they find; only this part runs again when a filter changes."""
    with guard.reading() as session:
        entries, owners = library.get_library(session), users.user_names(session)
        notice_days = pool_rules.get_rules(session)[0].notice_days
        views = read_views(session, entries)
        what = {"notice_days": notice_days, "has_service": actor.can(Permission.TICKET_READ)}
        filters = customer_filters.Filters(entries, owners, tags.list_tags(session), views, **what)
        query = filters.draw(lambda: draw_tools(filters))
        page = customer_list.list_customers(session, guard.actor(), query, filters.columns)
    if page.rows:
        bar = st.container() if bulk_bar.is_selecting() else None
        chosen = customer_table.draw(page, filters.columns, entries, owners, selection=bulk_bar.key_of(query) if bar else "")
        if bar:
            with bar:
                bulk_bar.draw(page, query, chosen)
        draw_footer(page)
    else:
        draw_nothing_found(filters, is_filtered=not customer_filters.is_empty(query))
    export_dialog.open_asked("customers", query)
    filters.keep()


def read_views(session: CrmSession, entries: library.Library) -> customer_filters.Views:
    """What the user saved of the list, and which columns there are."""
    preference = saved_views.get_preference(session, guard.actor())
    offered = list_columns.offered_columns(entries, guard.actor())
    return customer_filters.Views(saved_views.list_views(session, guard.actor()), offered, preference.view_id, preference.columns)


def draw_tools(filters: customer_filters.Filters) -> None:
    """At the end of the filters: the views, and the switch to select customers."""
    view_menu.ViewMenu(filters).draw()
    bulk_bar.draw_switch()


def draw_footer(page: customer_list.CustomerPage) -> None:
    """How many there are, the export, and the other pages."""
    first = (page.page - 1) * page.size + 1
    count = _("more than {total} customers") if page.is_capped else plural(page.total, N_("{total} customer"), N_("{total} customers"))
    span = _("rows {first} to {last}").format(first=first, last=first + len(page.rows) - 1)
    list_footer.draw(f"{count.format(total=f'{page.total:,}')} · {span}", page.pages, page.page, export="customers")


def draw_nothing_found(filters: customer_filters.Filters, *, is_filtered: bool) -> None:
    """An empty list: loosen the filters, or enter the first customer."""
    with st.container(border=True, horizontal_alignment="center"):
        if is_filtered:
            feedback.empty_state("search_off", _("No customer matches"), _("Try fewer words or filters."))
            st.button(_("Show all customers"), icon=":material/filter_list_off:", on_click=filters.clear)
            return
        feedback.empty_state("group_add", _("No customers yet"), _("Enter the first one, or import a list from a spreadsheet."))
        with st.container(horizontal=True, horizontal_alignment="center"):
            if actor.can(Permission.CUSTOMER_CREATE) and st.button(_("New customer"), icon=":material/add:", type="primary"):
                st.switch_page(routes.INTAKE)
            if actor.can(Permission.CUSTOMER_IMPORT) and st.button(_("Import customers"), icon=":material/upload_file:"):
                st.switch_page(routes.IMPORT)
            if actor.can(Permission.USER_EDIT) and st.button(_("Fill with demo data"), icon=":material/auto_awesome:"):
                fill_with_demo_data()


def fill_with_demo_data() -> None:
    """Fictional customers to try things with, in a system that has none yet."""
    with st.spinner(_("Writing fictional customers…")), feedback.attempt() as outcome, guard.acting() as session:
        filling.fill_demo(session, guard.actor(), users=False)
    if outcome.succeeded:
        feedback.later(_("One hundred fictional customers are there to try things with."))
        st.rerun(scope="app")


customer_actions.offer_undo()
bulk_bar.draw_result()
draw_list()
