"""公海: the customers without an owner, and claiming them."""

from crm_core.i18n import N_, _, plural
from crm_core.permissions import Permission
from crm_core.services import library, pool, pool_rules
from ui import feedback, guard, header, list_footer, pool_table

actor = guard.page(Permission.POOL_CLAIM)
header.title(_("Customer pool"))


@guard.fragment
def draw_pool() -> None:
    """The filters and the customers they find; only this part runs again when a filter changes."""
    with guard.reading() as session:
        entries, (rules, _version) = library.get_library(session), pool_rules.get_rules(session)
        filters = pool_table.Filters(entries)
        query = filters.draw()
        page = pool.list_pool(session, guard.actor(), query)
        allowance = pool.get_allowance(session, guard.actor())
    pool_table.draw_terms(rules, allowance)
    clicked = ""
    if page.cards:
        clicked = pool_table.draw(page, entries)
        draw_footer(page)
    else:
        icon, title = ("search_off", _("No customer matches")) if filters.is_active(query) else ("water", _("The pool is empty"))
        feedback.empty_state(icon, title, _("Customers appear here when their owner releases them or leaves them alone too long."))
    pool_table.open_card(clicked)
    filters.keep()


def draw_footer(page: pool.PoolPage) -> None:
    """How many there are, and the other pages."""
    count = plural(page.total, N_("{total} customer"), N_("{total} customers")).format(total=f"{page.total:,}")
    list_footer.draw(count, page.pages, page.page)


draw_pool()
