"""The blocks of the start page: of each the most urgent rows, acted upon in place, and the way to all of them."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import streamlit as st

from crm_core import clock
from crm_core.i18n import N_, _, format_date, format_money, format_time, plural
from crm_core.permissions import Permission
from crm_core.services import follow_ups
from crm_core.services.churn import words
from crm_core.services.notices import COUNTED, Told
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
    workbench_view,
)
from ui.presses import Press
from ui.workbench_view import Block, Figure, Row, Strip


def draw(bench: Workbench) -> None:
    """Everything on it, and what somebody does there."""
    strips = [strip_of_month(bench.figures), *([strip_of_team(bench.team)] if bench.team else [])]
    left = [*tickets(bench), *duties(bench), *awaited(bench), *without_step(bench)]
    right: list[Block] = []
    (right if bench.has_duties else left).extend((*reviews(bench), *at_risk(bench), *recycled(bench), *contracts(bench)))
    (right if bench.has_work else left).extend(news(bench))
    workbench_view.draw(strips, [left, right])


def strip_of_month(figures: Figures) -> Strip:
    """What came of the month so far."""
    told = (
        (_("New customers"), figures.entered),
        (_("Follow-ups"), figures.followed_up),
        (_("Tasks done"), figures.tasks_done),
        (_("Tickets resolved"), figures.tickets),
        (_("Contracts"), figures.contracts),
        (_("Contract amount"), None if figures.signed is None else format_money(figures.signed)),
    )
    return Strip("calendar_month", _("This month"), [Figure(label, str(value)) for label, value in told if value is not None])


def strip_of_team(team: TeamFigures) -> Strip:
    """For those who lead: what waits among the people of their scope, each number with the way to it."""
    overdue = _link("team_overdue", _("Overdue tasks"), routes.TASKS, tasks_whose="all", tasks_period="overdue")
    watched = [
        _numbered(_link(f"team_{code}", _(WATCHES[code].label), routes.OVERSIGHT, list=code), count) for code, count in team.watched.items()
    ]
    return Strip("groups", _("In the team"), [_numbered(overdue, team.overdue), *watched])


def _numbered(press: Press, count: int) -> Figure:
    """A number that was counted to a limit, red where something waits."""
    return Figure(press.label, f"{COUNT_LIMIT}+" if count > COUNT_LIMIT else str(count), "red" if count else "gray", press)


def draw_clear() -> None:
    """Nothing waits: what one may do next."""
    feedback.empty_state("task_alt", _("Nothing waits for you"), _("Tasks, follow-ups that are due and entries to review appear here."))
    if guard.actor().can(Permission.CUSTOMER_CREATE) and st.button(_("New customer"), key="bench_new", icon=":material/person_add:"):
        st.switch_page(routes.INTAKE)


def _block(key: str, icon: str, title: str, rows: Sequence[Row], total: str, file: str, **query: str) -> Iterator[Block]:
    """A block with the way to all of its kind; none without rows."""
    if rows:
        everything = _link(f"all_{key}", _("All"), file, icon="arrow_forward", spoken=_about(_("All"), title), **query)
        yield Block(key, icon, title, total, rows, everything)


def _link(key: str, label: str, file: str, *, icon: str = "", spoken: str = "", **query: str) -> Press:
    follow = partial(st.switch_page, file, query_params=query)
    return Press(key, label, follow, icon, routes.path_to(file, query), spoken)


def _about(label: str, of: str) -> str:
    """The name of a press whose words stand in many rows."""
    return f"{label}: {of}"


def _counted(total: int, *, is_capped: bool = False) -> str:
    return f"{total}+" if is_capped else str(total)


def duties(bench: Workbench) -> Iterator[Block]:
    """Own tasks and plans that are overdue or due today."""
    page = bench.duties
    rows = [_duty(task) for task in page.rows[:SHOWN]]
    return _block("duties", "task_alt", _("Due today and overdue"), rows, _counted(page.total, is_capped=page.is_capped), routes.TASKS)


def _duty(task: Listed) -> Row:
    presses = [_link(f"duty_open_{task.id}", task.customer, routes.CUSTOMER, code=task.code)] if task.code else []
    return Row(
        f"duty_{task.id}",
        task.title,
        icon=task_sheet.KIND_ICONS[task.kind],
        mark=_("Overdue") if task.is_overdue else "",
        beside=[*presses, *_ends(task)],
        menu=list(_entries(task_actions.as_seen(task, "bench"))),
    )


def _ends(task: Listed) -> Iterator[Press]:
    """What ends a task: a plan ends with the follow-up that is written, any other with a note."""
    if task.kind == follow_ups.PLAN and task.customer_id and guard.actor().can(Permission.FOLLOW_UP_WRITE):
        yield _write(f"duty_write_{task.id}", task.customer_id, task.customer, of=task.title, look="outlined")
    elif task_sheet.can_finish(task):
        follow = partial(task_sheet.open_task, task.id, "done")
        yield Press(f"duty_done_{task.id}", _("Done"), follow, "check", spoken=_about(_("Done"), task.title), look="outlined")


def _entries(task: Listed) -> Iterator[Press]:
    for code in task_actions.offered(guard.actor(), task):
        label, icon = task_actions.LABELS[code]
        yield Press(f"duty_menu_{task.id}_{code}", _(label), partial(_choose, task, code), icon)


def _choose(task: Listed, code: str) -> None:
    task_sheet.follow(task, code)
    if task_actions.is_direct(code):  # still here, so it was refused
        workbench_view.show_refusal()


def _write(key: str, customer_id: int, name: str, *, of: str, look: str = "") -> Press:
    label = _("Write a follow-up")
    follow = partial(guard.dialog, label, follow_up_form.write_about, customer_id, name)
    return Press(key, label, follow, "edit_note", spoken=_about(label, of), look=look)


def tickets(bench: Workbench) -> Iterator[Block]:
    """Own tickets that are not resolved."""
    page = bench.tickets
    if page is None:
        return
    rows = [
        _line(
            f"ticket_{ticket.id}",
            ticket.name,
            f"{ticket.customer} · {ticket_badges.when(ticket)}",
            partial(ticket_cards.open_ticket, ticket.code),
            path=routes.path_to(routes.TICKET, {"ticket": ticket.code}),
            mark=_("Overdue") if ticket.is_overdue else "",
        )
        for ticket in page.rows
    ]
    yield from _block("tickets", "confirmation_number", _("My open tickets"), rows, _counted(page.total), routes.TICKETS)


def awaited(bench: Workbench) -> Iterator[Block]:
    """Own customers whose first follow-up has not been made."""
    page, list_ = bench.awaited, "first_follow_up"
    rows, total = [_watched(list_, row) for row in page.rows[:SHOWN]], _counted(page.total, is_capped=page.is_capped)
    return _block("awaited", "phone_forwarded", _("First follow-ups to make"), rows, total, routes.OVERSIGHT, list=list_)


def without_step(bench: Workbench) -> Iterator[Block]:
    """Own customers for whom nothing is planned."""
    page, list_ = bench.without_step, "no_next_step"
    rows, total = [_watched(list_, row) for row in page.rows[:SHOWN]], _counted(page.total, is_capped=page.is_capped)
    return _block("no_step", "next_plan", _("No next step"), rows, total, routes.OVERSIGHT, list=list_)


def _watched(watch: str, row: Watched) -> Row:
    return _customer(f"{watch}_{row.id}", row.id, row.code, row.name, f"{row.code} · {oversight_list.told(watch, row)}")


def reviews(bench: Workbench) -> Iterator[Block]:
    """Entries that came back, with the hours left, and entries that wait for a decision."""
    waiting = bench.waiting
    for key, found, total, title in (
        ("returned", bench.returned, len(bench.returned), _("Returned to you")),
        ("waiting", waiting.rows if waiting else [], waiting.total if waiting else 0, _("Waiting for your review")),
    ):
        rows = [
            _opened(_link(f"open_{key}_{row.id}", row.name, routes.REVIEW, code=row.code), review_rows.told(row)) for row in found[:SHOWN]
        ]
        yield from _block(key, "rate_review", title, rows, _counted(total), routes.REVIEWS)


def recycled(bench: Workbench) -> Iterator[Block]:
    """Own customers that go back to the pool unless there is contact."""
    page = bench.recycled
    if page is None:
        return
    rows = []
    for row in page.rows[:SHOWN]:
        amount = format_money(row.cooperation_amount)
        told = " · ".join([row.code, *([_("{amount} so far").format(amount=amount)] if amount else [])])
        rows.append(_customer(f"recycled_{row.id}", row.id, row.code, row.name, told))
    total = _counted(page.total, is_capped=page.is_capped)
    yield from _block("recycled", "hourglass_bottom", _("Soon back in the pool"), rows, total, routes.CUSTOMERS)


def at_risk(bench: Workbench) -> Iterator[Block]:
    """Own customers at high risk of being lost, each with the weightiest reason."""
    page = bench.at_risk
    if page is None:
        return
    rows = []
    for row in page.rows[:SHOWN]:
        told = " · ".join([_("score {score}").format(score=round(row.score)), *words.tell(guard.actor(), row.reasons)[:1]])
        rows.append(_customer(f"risk_{row.id}", row.id, row.code, row.name, told))
    owner = str(guard.actor().id)
    yield from _block("at_risk", "trending_down", _("Customers at risk"), rows, _counted(page.total), routes.CHURN, owner=owner)


def contracts(bench: Workbench) -> Iterator[Block]:
    """Own contracts with payments that are overdue, and those that end soon."""
    rows = []
    for one in bench.contracts.overdue:
        told = _("{number}, {amount} overdue").format(number=one.number, amount=format_money(one.overdue))
        rows.append(_line(f"late_{one.id}", one.customer, told, partial(contract_sheet.open_contract, one.id)))
    for one in bench.contracts.ending:
        days = ((one.ends_on or clock.today()) - clock.today()).days
        phrases = N_("{product}, {amount}, ends on {day}, in {days} day"), N_("{product}, {amount}, ends on {day}, in {days} days")
        told = plural(days, *phrases).format(product=one.product, amount=format_money(one.amount), day=format_date(one.ends_on), days=days)
        rows.append(_line(f"ending_{one.id}", one.customer, told, partial(contract_sheet.open_contract, one.id)))
    return _block("contracts", "contract", _("Contracts ending, payments overdue"), rows, _counted(len(rows)), routes.CONTRACTS)


def news(bench: Workbench) -> Iterator[Block]:
    """Notices that were not read yet."""
    if bench.news:
        count = _counted(min(bench.unread, COUNTED - 1), is_capped=bench.unread >= COUNTED)
        yield Block("news", "notifications", _("New notices"), count, [_notice(notice) for notice in bench.news[:SHOWN]])


def _notice(notice: Told) -> Row:
    key, label = f"notice_{notice.id}", _("Open")
    follow = partial(notice_list.follow, notice)
    opens = [Press(key, label, follow, "arrow_forward", spoken=_about(label, notice.title))] if notice.path else []
    return Row(key, notice.title, (notice.sentence, format_time(notice.created_at)), notice.icon, _("new"), beside=opens)


def _customer(key: str, customer_id: int, code: str, name: str, told: str) -> Row:
    """A customer, with what is told of them, and what one may do at once."""
    may_write = guard.actor().can(Permission.FOLLOW_UP_WRITE)
    beside = [_write(f"write_{key}", customer_id, name, of=name)] if may_write else []
    return _opened(_link(f"open_{key}", name, routes.CUSTOMER, code=code), told, beside=beside)


def _line(key: str, name: str, told: str, follow: Callable[[], None], *, path: str = "", mark: str = "") -> Row:
    return _opened(Press(f"open_{key}", name, follow, path=path), told, mark=mark)


def _opened(press: Press, told: str, *, mark: str = "", beside: Sequence[Press] = ()) -> Row:
    """A row whose title opens what it stands for."""
    return Row(press.key, press.label, (told,), mark=mark, opens=press, beside=beside)
