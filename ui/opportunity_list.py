"""The opportunities as a table: each name opens its dialog."""

from collections.abc import Sequence

from crm_core.i18n import N_, _, format_date, format_money, plural
from crm_core.services import opportunity_views
from crm_core.services.opportunity_views import Listed, OpportunityQuery
from ui import feedback, guard, list_footer, opportunity_sheet, row_table
from ui.badges import Badge
from ui.row_table import Cell, Heading, Record


def draw(query: OpportunityQuery, *, is_filtered: bool) -> None:
    """One page of the rows with their sums, or what to do where there are none."""
    with guard.reading() as session:
        page = opportunity_views.list_opportunities(session, guard.actor(), query)
    if not page.rows:
        empty = _("No opportunity matches") if is_filtered else _("No opportunities yet")
        hint = _("An opportunity is something that may be sold to a customer, with amount, stage and expected day.")
        feedback.empty_state("trending_up", empty, _("Try fewer words or filters.") if is_filtered else hint)
        return
    count = (
        _("more than {total} opportunities")
        if page.is_capped
        else plural(page.total, N_("{total} opportunity"), N_("{total} opportunities"))
    )
    sums = _("together {amount}, weighted {weighted}").format(
        amount=format_money(page.amount), weighted=format_money(page.weighted.quantize(0))
    )
    draw_table(page.rows)
    list_footer.draw(f"{count.format(total=f'{page.total:,}')} · {sums}", page.pages, page.page, export="opportunities")


def draw_table(rows: Sequence[Listed], *, with_customer: bool = True) -> None:
    """The rows; a click on a name opens the dialog."""
    records = [Record(str(row.id), row.name, _cells(row, with_customer=with_customer)) for row in rows]
    drawn = row_table.draw("opportunity_table", _headings(with_customer=with_customer), records, label=_("Opportunities on this page"))
    if drawn.opened:
        opportunity_sheet.open_opportunity(int(drawn.opened))


def _headings(*, with_customer: bool) -> list[Heading]:
    return [
        Heading(_("Opportunity name"), 224),
        *([Heading(_("Customer"), 200)] if with_customer else []),
        Heading(_("Stage"), 90),
        Heading(_("Deal amount"), 100, is_number=True),
        Heading(_("Probability"), 88, is_number=True),
        Heading(_("Expected on"), 96),
        Heading(_("Owner"), 80),
        Heading(_("To be minded"), 222),
    ]


def _cells(row: Listed, *, with_customer: bool) -> list[Cell]:
    customer = [row.customer] if with_customer else []
    amounts = [format_money(round(row.amount)), f"{row.probability}%"]
    return [*customer, row.stage, *amounts, format_date(row.expected_on), row.owner, _marks(row)]


def _marks(row: Listed) -> list[Badge]:
    marks = [Badge(_("Overdue"), "red")] if row.is_overdue else []
    if row.is_rotting:
        days = plural(row.days, N_("{count} day in this stage"), N_("{count} days in this stage")).format(count=row.days)
        marks.append(Badge(days, "orange"))
    return marks
