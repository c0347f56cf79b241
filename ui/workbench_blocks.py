"""The blocks of the start page: of each the most urgent rows, acted upon in place, and the way to all of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from crm_core import clock
from crm_core.i18n import N_, _, format_date, format_money, plural
from crm_core.permissions import Permission
from crm_core.services import follow_ups
from crm_core.services.churn import words
from crm_core.services.notices import COUNTED
from crm_core.services.oversight import COUNT_LIMIT, WATCHES, Watched
from crm_core.services.task_rows import Listed
from crm_core.services.workbench import SHOWN, Figures, TeamFigures, Workbench
from ui import (
    contract_sheet,
    feedback,
    follow_up_form,
    guard,
    notice_list,
    oversight_list,
    review_rows,
    routes,
    task_actions,
    task_sheet,
    ticket_badges,
    ticket_cards,
)
from ui.feedback import escape


def draw_figures(figures: Figures) -> None:
    """What came of the month so far, as one line of numbers."""
    told = (
        (_("New customers"), figures.entered),
        (_("Follow-ups"), figures.followed_up),
        (_("Tasks done"), figures.tasks_done),
        (_("Tickets resolved"), figures.tickets),
        (_("Contracts"), figures.contracts),
        (_("Contract amount"), None if figures.signed is None else format_money(figures.signed)),
    )
    shown = [(label, str(value)) for label, value in told if value is not None]
    with st.container(key="bench_figures", border=True, horizontal=True, gap="large"):
        st.markdown(":material/calendar_month: **" + _("This month") + "**")
        for label, value in shown:
            st.markdown(f":gray[{label}] **{escape(value)}**")


def draw_team(team: TeamFigures | None) -> None:
    """For those who lead: what waits among the people of their scope, each number with the way to it."""
    if team is None:
        return
    with st.container(key="bench_team", border=True, horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(":material/groups: **" + _("In the team") + "**")
        if st.button(_numbered(_("Overdue tasks"), team.overdue), key="bench_team_overdue", type="tertiary"):
            st.switch_page(routes.TASKS, query_params={"tasks_whose": "all", "tasks_period": "overdue"})
        for code, count in team.watched.items():
            if st.button(_numbered(_(WATCHES[code].label), count), key=f"bench_team_{code}", type="tertiary"):
                st.switch_page(routes.OVERSIGHT, query_params={"list": code})


def _numbered(label: str, count: int) -> str:
    """A number that was counted to a limit, red where something waits."""
    number = f"{COUNT_LIMIT}+" if count > COUNT_LIMIT else str(count)
    return f"{label} :{'red' if count else 'gray'}-badge[{number}]"


def draw_clear() -> None:
    """Nothing waits: what one may do next."""
    feedback.empty_state("task_alt", _("Nothing waits for you"), _("Tasks, follow-ups that are due and entries to review appear here."))
    if guard.actor().can(Permission.CUSTOMER_CREATE) and st.button(_("New customer"), key="bench_new", icon=":material/person_add:"):
        st.switch_page(routes.INTAKE)


@contextmanager
def _block(key: str, icon: str, title: str, total: str, file: str, **query: str) -> Iterator[None]:
    with st.container(border=True, key=f"bench_{key}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/{icon}: **{title}** :gray-badge[{total}]", width="stretch")
            if st.button(_("All"), key=f"bench_all_{key}", type="tertiary", icon=":material/arrow_forward:"):
                st.switch_page(file, query_params=query)
        yield


def _counted(total: int, *, is_capped: bool = False) -> str:
    return f"{total}+" if is_capped else str(total)


def draw_duties(bench: Workbench) -> None:
    """Own tasks and plans that are overdue or due today."""
    page = bench.duties
    if not page.rows:
        return
    with _block("duties", "task_alt", _("Due today and overdue"), _counted(page.total, is_capped=page.is_capped), routes.TASKS):
        for task in page.rows[:SHOWN]:
            _draw_duty(task)


def _draw_duty(task: Listed) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"bench_duty_{task.id}"):
        late = _("Overdue")
        mark = f" :red-badge[{late}]" if task.is_overdue else ""
        st.markdown(f":material/{task_sheet.KIND_ICONS[task.kind]}: {escape(task.title)}{mark}", width="stretch")
        if task.code and st.button(escape(task.customer), key=f"bench_duty_open_{task.id}", type="tertiary"):
            _open(routes.CUSTOMER, task.code)
        _draw_end(task)
        chosen = task_actions.draw_menu(task, key=f"bench_duty_menu_{task.id}")
    task_sheet.follow(task_actions.as_seen(task, "bench"), chosen)


def _draw_end(task: Listed) -> None:
    """What ends a task: a plan ends with the follow-up that is written, any other with a note."""
    if task.kind == follow_ups.PLAN and task.customer_id and guard.actor().can(Permission.FOLLOW_UP_WRITE):
        if st.button(_("Write a follow-up"), key=f"bench_duty_write_{task.id}", icon=":material/edit_note:"):
            guard.dialog(_("Write a follow-up"), follow_up_form.write_about, task.customer_id, task.customer)
    elif task_sheet.can_finish(task) and st.button(_("Done"), key=f"bench_duty_done_{task.id}", icon=":material/check:"):
        task_sheet.open_task(task.id, "done")


def draw_tickets(bench: Workbench) -> None:
    """Own tickets that are not resolved."""
    page = bench.tickets
    if page is None or not page.rows:
        return
    with _block("tickets", "confirmation_number", _("My open tickets"), _counted(page.total), routes.TICKETS):
        for ticket in page.rows:
            mark = " :red-badge[" + _("Overdue") + "]" if ticket.is_overdue else ""
            told = f"{ticket.customer} · {ticket_badges.when(ticket)}"
            _line(f"ticket_{ticket.id}", ticket.name, told, lambda code=ticket.code: ticket_cards.open_ticket(code), mark=mark)


def draw_awaited(bench: Workbench) -> None:
    """Own customers whose first follow-up has not been made."""
    page = bench.awaited
    if page.rows:
        title = _("First follow-ups to make")
        with _block(
            "awaited", "phone_forwarded", title, _counted(page.total, is_capped=page.is_capped), routes.OVERSIGHT, list="first_follow_up"
        ):
            for row in page.rows[:SHOWN]:
                _draw_watched("first_follow_up", row)


def draw_without_step(bench: Workbench) -> None:
    """Own customers for whom nothing is planned."""
    page = bench.without_step
    if page.rows:
        with _block(
            "no_step", "next_plan", _("No next step"), _counted(page.total, is_capped=page.is_capped), routes.OVERSIGHT, list="no_next_step"
        ):
            for row in page.rows[:SHOWN]:
                _draw_watched("no_next_step", row)


def _draw_watched(watch: str, row: Watched) -> None:
    told = f"{row.code} · {oversight_list.told(watch, row)}"
    _line(f"{watch}_{row.id}", row.name, told, lambda: _open(routes.CUSTOMER, row.code), writes_to=row.id)


def draw_reviews(bench: Workbench) -> None:
    """Entries that came back, with the hours left, and entries that wait for a decision."""
    for key, rows, total, title in (
        ("returned", bench.returned, len(bench.returned), _("Returned to you")),
        ("waiting", bench.waiting.rows if bench.waiting else [], bench.waiting.total if bench.waiting else 0, _("Waiting for your review")),
    ):
        if not rows:
            continue
        with _block(key, "rate_review", title, _counted(total), routes.REVIEWS):
            for row in rows[:SHOWN]:
                _line(f"{key}_{row.id}", row.name, review_rows.told(row), lambda code=row.code: _open(routes.REVIEW, code))


def draw_recycled(bench: Workbench) -> None:
    """Own customers that go back to the pool unless there is contact."""
    page = bench.recycled
    if page is None or not page.rows:
        return
    with _block(
        "recycled", "hourglass_bottom", _("Soon back in the pool"), _counted(page.total, is_capped=page.is_capped), routes.CUSTOMERS
    ):
        for row in page.rows[:SHOWN]:
            amount = format_money(row.cooperation_amount)
            told = " · ".join([row.code, *([_("{amount} so far").format(amount=amount)] if amount else [])])
            _line(f"recycled_{row.id}", row.name, told, lambda code=row.code: _open(routes.CUSTOMER, code), writes_to=row.id)


def draw_at_risk(bench: Workbench) -> None:
    """Own customers at high risk of being lost, each with the weightiest reason."""
    page = bench.at_risk
    if page is None or not page.rows:
        return
    with _block("at_risk", "trending_down", _("Customers at risk"), _counted(page.total), routes.CHURN, owner=str(guard.actor().id)):
        for row in page.rows[:SHOWN]:
            told = " · ".join([_("score {score}").format(score=round(row.score)), *words.tell(guard.actor(), row.reasons)[:1]])
            _line(f"risk_{row.id}", row.name, told, lambda code=row.code: _open(routes.CUSTOMER, code), writes_to=row.id)


def draw_contracts(bench: Workbench) -> None:
    """Own contracts with payments that are overdue, and those that end soon."""
    late, ending = bench.contracts.overdue, bench.contracts.ending
    if not late and not ending:
        return
    with _block("contracts", "contract", _("Contracts ending, payments overdue"), _counted(len(late) + len(ending)), routes.CONTRACTS):
        for one in late:
            told = _("{number}, {amount} overdue").format(number=one.number, amount=format_money(one.overdue))
            _line(f"late_{one.id}", one.customer, told, lambda id=one.id: contract_sheet.open_contract(id))
        for one in ending:
            days = ((one.ends_on or clock.today()) - clock.today()).days
            phrases = N_("{product}, {amount}, ends on {day}, in {days} day"), N_("{product}, {amount}, ends on {day}, in {days} days")
            told = plural(days, *phrases).format(
                product=one.product, amount=format_money(one.amount), day=format_date(one.ends_on), days=days
            )
            _line(f"ending_{one.id}", one.customer, told, lambda id=one.id: contract_sheet.open_contract(id))


def draw_news(bench: Workbench) -> None:
    """Notices that were not read yet."""
    if bench.news:
        with st.container(border=True, key="bench_news", gap="small"):
            title = _("New notices")
            count = _counted(min(bench.unread, COUNTED - 1), is_capped=bench.unread >= COUNTED)
            st.markdown(f":material/notifications: **{title}** :gray-badge[{count}]")
            for notice in bench.news[:SHOWN]:
                notice_list.draw_notice(notice, prefix="bench_notice")


def _line(key: str, name: str, told: str, follow: Callable[[], None], *, writes_to: int | None = None, mark: str = "") -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"bench_row_{key}"):
        with st.container(gap="xxsmall", width="stretch"):
            if st.button(f"{escape(name)} :material/chevron_right:{mark}", key=f"bench_open_{key}", type="tertiary"):
                follow()
            st.caption(escape(told))
        writes = writes_to and guard.actor().can(Permission.FOLLOW_UP_WRITE)
        if writes and st.button(_("Write a follow-up"), key=f"bench_write_{key}", icon=":material/edit_note:", type="tertiary"):
            guard.dialog(_("Write a follow-up"), follow_up_form.write_about, writes_to, name)


def _open(file: str, code: str) -> None:
    st.switch_page(file, query_params={"code": code})
