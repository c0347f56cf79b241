"""日历: tasks and next plans by month, week or day, moved by dragging them."""

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import tasks
from ui import calendar_actions, calendar_view, guard, header

actor = guard.page(Permission.CUSTOMER_READ)
header.title(_("Calendar"))


@guard.fragment
def draw_calendar() -> None:
    """The row that chooses the days, and the days; only this part runs again when something in it changes."""
    with guard.reading() as session:
        people = tasks.assignees(session, guard.actor())
    choices = calendar_actions.Choices(guard.actor(), people)
    choices.restore()
    calendar_actions.follow()
    choices.draw()
    span = choices.span
    result = calendar_view.draw(span, calendar_view.list_days(span, choices.assignees))
    calendar_actions.draw_hint(span)
    choices.keep()
    calendar_actions.answer(result, span)


draw_calendar()
