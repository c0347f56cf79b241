"""Reports: the figures of the boards in workbook and PDF, for each receiver what they may see; building, giving out, expiry."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from itertools import pairwise
from typing import Any

import pypdfium2
import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import select, update

from crm_core import clock, db
from crm_core.db import CrmSession
from crm_core.errors import IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import _, in_language
from crm_core.models import ChangeLog, Customer, Notice, Report, Role, User
from crm_core.permissions import SYSTEM, Access, Actor
from crm_core.services import cleanup, contracts, file_store
from crm_core.services.actors import list_actors
from crm_core.services.insight.board import Board, Chart, Column, Figure, Kind, Point, Unit
from crm_core.services.insight.boards import BOARDS, answer
from crm_core.services.insight.question import Period, Question
from crm_core.services.reports import building, content, details, making
from crm_core.services.reports.details import SHEETS
from crm_core.services.reports.making import Listed
from crm_core.services.reports.order import SECTIONS, Format, Order
from tests import factories

YEAR = Question(Period(date(2025, 1, 1), date(2025, 12, 31)))


def order(*boards: str, sheets: tuple[str, ...] = (), format: Format = Format.EXCEL, question: Question = YEAR, **more: Any) -> Order:
    return Order(question, boards, sheets, format=format, **more)


def ask(actor: Actor, asked: Order, *, name: str = "年度报表", reason: str = "董事会") -> int:
    with db.transaction(actor) as session:
        return making.request_report(session, actor, asked, name=name, reason=reason)


def listed(actor: Actor) -> list[Listed]:
    with db.reading(actor) as session:
        return making.list_reports(session, actor)


def fetch(actor: Actor, number: int) -> bytes:
    with db.transaction(actor) as session:
        return making.open_report(session, actor, number).content


def build(actor: Actor, asked: Order, **said: str) -> bytes:
    number = ask(actor, asked, **said)
    assert building.build_next()
    return fetch(actor, number)


def book(actor: Actor, asked: Order, **said: str) -> Workbook:
    return load_workbook(BytesIO(build(actor, asked, **said)))


def cells(workbook: Workbook, sheet: str) -> list[list[Any]]:
    return [list(row) for row in workbook[sheet].iter_rows(values_only=True)]


def text(made: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(made)
    return [page.get_textpage().get_text_bounded() for page in document]


def sign(actor: Actor, customer: Customer, amount: str, day: date, product: str = "年度维护") -> None:
    with db.transaction(actor) as session:
        contracts.add_contract(session, actor, customer.id, {"product": product, "amount": amount, "signed_on": day})


def made_board(*charts: Chart, figures: tuple[Figure, ...] = ()) -> Board:
    return Board("sales", "Sales", figures, charts)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[[Board], None]:
    """Let the sales board say something of the test's own."""
    return lambda board: monkeypatch.setattr(content, "answer", lambda *_asked: board)


class TestWorkbook:
    def test_it_says_what_the_boards_say(self, database: str, manager: Actor, sales: Actor) -> None:
        sign(sales, factories.make_customer(sales, stage="customer"), "1200.50", date(2025, 3, 1))
        made = book(manager, order("sales"))
        with db.reading(manager) as session, in_language("zh_CN"):
            board = answer(session, manager, "sales", YEAR)
        flat = [value for row in cells(made, made.sheetnames[1]) for value in row if isinstance(value, (int, float))]
        told = [figure.value for figure in board.figures if figure.value] + [
            value for chart in board.charts for point in chart.points for value in point.values if value
        ]
        assert Decimal("1200.5") in [Decimal(str(value)) for value in flat]
        assert {round(float(value), 6) for value in told} <= {round(float(value), 6) for value in flat}

    def test_each_kind_is_a_native_chart_or_a_shaded_table(self, database: str, manager: Actor, drawn: Callable[[Board], None]) -> None:
        points = (Point("甲", (3,)), Point("乙", (1,)))
        charts = [Chart(kind, "Contracts", kind, "Owner", (Column("Contracts", Unit.COUNT),), points) for kind in Kind]
        drawn(made_board(*charts))
        sheet = book(manager, order("sales")).worksheets[1]
        assert len(sheet._charts) == len(Kind) - 1  # a heat map is its own table
        assert len(sheet.conditional_formatting) == 1
        anchors = [chart.anchor._from.row for chart in sheet._charts]
        assert all(later - earlier >= 17 for earlier, later in pairwise(anchors))

    def test_numbers_are_numbers_with_their_format_and_missing_ones_a_dash(
        self, database: str, manager: Actor, drawn: Callable[[Board], None]
    ) -> None:
        figures = (
            Figure("rate", "Contracts", Unit.RATE, Decimal("0.6315"), 12, 19),
            Figure("none", "Opportunities", Unit.RATE, None, 0, 0),
            Figure("money", "Tickets", Unit.MONEY, Decimal("100.5"), before=Decimal("50.25")),
        )
        drawn(made_board(figures=figures))
        sheet = book(manager, order("sales")).worksheets[1]
        rows = {row[0].value: row for row in sheet.iter_rows(min_row=5)}
        assert [rows["成交 / 合同"][place].value for place in (1, 2, 3)] == [0.6315, 12, 19]
        assert rows["成交 / 合同"][1].number_format == "0.00%"
        assert rows["商机"][1].value == "—"
        assert [rows["工单"][place].value for place in (1, 4, 5)] == [100.5, 50.25, 1]
        assert rows["工单"][1].number_format == "¥#,##0.00"

    def test_details_are_typed_frozen_and_filtered_and_formulas_are_defused(self, database: str, manager: Actor) -> None:
        customer = factories.make_customer(manager, stage="customer", name="杭州恒远机械有限公司")
        sign(manager, customer, "86000", date(2025, 5, 6), product="=1+1")
        sign(manager, customer, "5", date(2026, 5, 6))
        made = book(manager, order(sheets=("contracts",)))
        sheet = made["合同明细"]
        heads = [cell.value for cell in sheet[1]]
        row = dict(zip(heads, sheet[2], strict=True))
        assert sheet.max_row == 2
        assert row["合同金额"].value == 86000
        assert row["合同金额"].number_format == "¥#,##0.00"
        assert row["签约日期"].value.date() == date(2025, 5, 6)
        assert row["签约日期"].number_format == "yyyy-mm-dd"
        assert (row["产品 / 服务"].value, row["产品 / 服务"].data_type) == ("'=1+1", "s")
        assert (sheet.freeze_panes, sheet.auto_filter.ref[:4]) == ("A2", "A1:" + sheet.auto_filter.ref[3])

    def test_the_cover_says_what_for_whom_and_why_and_definitions_stand_at_the_end(self, database: str, manager: Actor) -> None:
        factories.make_customer(manager)
        today = clock.today()
        made = book(manager, order("overview", question=Question(Period(today, today), stages=("prospect",))), reason="=季度会")
        told = [str(value) for row in cells(made, "封面") for value in row if value]
        for words in ("年度报表", f"{today} – {today}", manager.name, "潜在客户", "本团队及下级的客户"):
            assert words in told
        assert "'=季度会" in told
        assert len(cells(made, "指标口径")) > 5

    def test_a_range_without_anything_and_a_database_without_contracts_are_explained(self, database: str, manager: Actor) -> None:
        asked = order(*BOARDS, sheets=tuple(SHEETS), question=Question(Period(date(1999, 1, 1), date(1999, 1, 31))))
        made = book(manager, asked)
        assert cells(made, "合同明细")[1][0] == "此期间没有数据。"
        values = [value for sheet in made.sheetnames for row in cells(made, sheet) for value in row]
        assert not [value for value in values if str(value).casefold() in ("nan", "inf")]

    def test_it_speaks_the_language_of_its_receiver(self, database: str, manager: Actor) -> None:
        with db.transaction(SYSTEM) as session:
            session.get_one(User, manager.id).language = "en"
        assert "Contracts signed" in book(manager, order(sheets=("contracts",))).sheetnames

    def test_more_rows_than_a_sheet_holds_are_cut_with_a_word(self, database: str, manager: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(details, "MOST_ROWS", 1)
        for _turn in range(2):
            factories.make_customer(manager)
        this_year = Question(Period(clock.today() - timedelta(days=9), clock.today()))
        rows = cells(book(manager, order(sheets=("customers",), question=this_year)), "新增客户明细")
        assert len(rows) == 3
        assert "1" in rows[2][0]


class TestPdf:
    def test_it_has_the_figures_page_numbers_and_links_to_its_parts(
        self, database: str, manager: Actor, drawn: Callable[[Board], None]
    ) -> None:
        points = (Point("陈立群", (Decimal(900_000),)), Point("李思源", (Decimal("1234.5"),)))
        charts = [Chart(kind, "Contracts", kind, "Owner", (Column("Contract amount", Unit.MONEY),), points) for kind in Kind]
        drawn(made_board(*charts, figures=(Figure("rate", "Tickets", Unit.RATE, Decimal("0.6315"), 12, 19),)))
        made = build(manager, order("sales", format=Format.PDF))
        pages = text(made)
        told = "\n".join(pages)
        for words in ("年度报表", "目录", "63.15%", "12 ÷ 19", "¥900,000", "¥1,234.50", "陈立群", "董事会", manager.name):
            assert words in told
        assert f"第 1 页，共 {len(pages)} 页" in pages[0]
        document = pypdfium2.PdfDocument(made)
        assert len(list(document.get_toc())) >= len(Kind) + 1
        assert b"/Link" in made

    def test_nothing_to_draw_is_said_and_no_board_makes_nan(self, database: str, manager: Actor) -> None:
        asked = order(*BOARDS, format=Format.PDF, question=Question(Period(date(1999, 1, 1), date(1999, 1, 31))))
        told = "\n".join(text(build(manager, asked)))
        assert "nan" not in told.casefold()
        with db.reading(manager) as session, in_language("zh_CN"):
            missing = [answer(session, manager, key, asked.question).missing for key in BOARDS]
        assert all(_(sentence)[:10] in told for sentence in missing)

    def test_sections_that_were_not_chosen_are_left_out(self, database: str, manager: Actor, drawn: Callable[[Board], None]) -> None:
        chart = Chart("c", "Contracts", Kind.COLUMNS, "Owner", (Column("Contracts", Unit.COUNT),), (Point("甲", (77,)),))
        drawn(made_board(chart, figures=(Figure("f", "Tickets", Unit.COUNT, 4321),)))
        only_figures = "\n".join(text(build(manager, order("sales", format=Format.PDF, sections=frozenset({"figures"})))))
        assert ("4,321" in only_figures, "77" in only_figures) == (True, False)


class TestWhatAReceiverSees:
    def test_rows_and_sums_are_those_of_the_receivers_scope(
        self, database: str, manager: Actor, administrator: Actor, stranger: Actor
    ) -> None:
        for actor, amount in ((manager, "100"), (stranger, "7000")):
            sign(actor, factories.make_customer(actor, stage="customer"), amount, date(2025, 2, 3))
        asked = order("sales", sheets=("contracts",))
        amounts = {}
        for who in (manager, administrator):
            made = book(who, asked)
            place = [cell.value for cell in made["合同明细"][1]].index("合同金额")
            amounts[who.name] = sorted(row[place] for row in cells(made, "合同明细")[1:])
            numbers = [value for row in cells(made, made.sheetnames[1]) for value in row]
            assert (7100 in numbers) == (who is administrator)
        assert amounts == {manager.name: [100], administrator.name: [100, 7000]}

    @pytest.mark.parametrize(("access", "shown"), [(Access.READABLE, "13800001234"), (Access.MASKED, "138****1234"), (Access.HIDDEN, None)])
    def test_sensitive_values_are_as_the_role_reads_them(self, database: str, manager: Actor, access: Access, shown: str | None) -> None:
        factories.make_customer(manager, contacts=[factories.contact_values(phone="13800001234")])
        with db.transaction(SYSTEM) as session:
            role = session.execute(select(Role).where(Role.code == "manager")).scalar_one()
            role.access = {**role.access, "phone": int(access)}
        with db.reading(SYSTEM) as session:
            now = next(iter(making_actor(session, manager)))
        asked = order(sheets=("customers",), question=Question(Period(clock.today(), clock.today())))
        rows = cells(book(now, asked), "新增客户明细")
        row = dict(zip(*rows, strict=True))
        assert row.get("手机/固话") == shown

    def test_parts_that_a_role_may_not_see_are_refused_or_left_out(self, database: str) -> None:
        with db.transaction(SYSTEM) as session:
            role = session.execute(select(Role).where(Role.code == "service")).scalar_one()
            role.permissions = [*role.permissions, "customer:export"]
        service = factories.make_user(role="service")
        with pytest.raises(ValidationFailed):
            ask(service, order("sales", sheets=("contracts",)))
        made = book(service, order("service", "sales", sheets=("contracts", "tickets")))
        assert "合同明细" not in made.sheetnames
        assert "工单明细" in made.sheetnames


def making_actor(session: CrmSession, actor: Actor) -> list[Actor]:
    return list_actors(session, User.id == actor.id)


class TestAsking:
    def test_only_who_may_export_and_says_why(self, database: str, sales: Actor, manager: Actor) -> None:
        with pytest.raises(NotAllowed):
            ask(sales, order("overview"))
        with pytest.raises(ValidationFailed) as refused:
            ask(manager, order(sections=frozenset()), name=" ", reason=" ")
        assert refused.value.errors.keys() == {"name", "reason", "boards"}
        with pytest.raises(ValidationFailed) as refused:
            ask(manager, order("overview", question=Question(Period(date(1990, 1, 1), date(2025, 1, 1))), sections=frozenset()))
        assert refused.value.errors.keys() == {"days", "sections"}
        assert listed(manager) == []

    def test_it_is_noted_with_its_reason_and_so_is_each_download(self, database: str, manager: Actor) -> None:
        build(manager, order("overview"), reason="季度会")
        with db.reading(SYSTEM) as session:
            lines = session.execute(select(ChangeLog.action, ChangeLog.reason, ChangeLog.new).where(ChangeLog.entity == "report")).all()
        assert [(line.action, line.reason) for line in lines] == [("exported", "季度会"), ("viewed", None)]
        assert "overview" in lines[0].new

    def test_no_more_than_some_wait_at_once(self, database: str, manager: Actor) -> None:
        for _turn in range(making.MOST_WAITING):
            ask(manager, order("overview"))
        with pytest.raises(ValidationFailed):
            ask(manager, order("overview"))

    def test_an_order_is_kept_whole(self) -> None:
        asked = order("sales", sheets=("tickets",), question=Question(YEAR.period, teams=(1,), owners=(2, 3), stages=("partner",)))
        assert Order.from_json(asked.as_json()) == asked
        assert asked.sections == frozenset(SECTIONS)


class TestBuilding:
    def test_the_owner_is_told_and_the_list_shows_it(self, database: str, manager: Actor) -> None:
        number = ask(manager, order("overview"))
        assert [(one.state, one.is_unfinished) for one in listed(manager)] == [("waiting", True)]
        assert building.build_next()
        assert not building.build_next()
        (one,) = listed(manager)
        assert (one.state, one.progress, one.error) == ("done", 100, "")
        with db.reading(SYSTEM) as session:
            notice = session.execute(select(Notice).where(Notice.kind == "report_ready")).scalar_one()
        assert (notice.user_id, notice.path) == (manager.id, f"/reports?report={number}")

    def test_what_goes_wrong_is_told_without_details(self, database: str, manager: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(building, "write_workbook", lambda *_given: 1 / 0)
        ask(manager, order("overview"))
        assert building.build_next()
        (one,) = listed(manager)
        assert one.state == "failed"
        assert "ZeroDivision" not in one.error

    def test_one_whose_process_died_is_built_again_some_times(self, database: str, manager: Actor) -> None:
        number = ask(manager, order("overview"))
        for attempts, state in ((1, "done"), (building.MOST_ATTEMPTS, "failed")):
            with db.transaction(SYSTEM) as session:
                over = clock.now() - timedelta(seconds=1)
                session.execute(update(Report).values(state="building", attempts=attempts, claimed_until=over))
            assert building.build_next()
            assert [one.state for one in listed(manager) if one.id == number] == [state]

    def test_one_that_another_process_is_at_is_left_to_it(self, database: str, manager: Actor) -> None:
        ask(manager, order("overview"))
        with db.transaction(SYSTEM) as session:
            session.execute(update(Report).values(state="building", claimed_until=clock.now() + building.CLAIM))
        assert not building.build_next()

    def test_whoever_was_disabled_or_lost_the_permission_gets_nothing(self, database: str, manager: Actor, administrator: Actor) -> None:
        ask(manager, order("overview"))
        with db.transaction(SYSTEM) as session:
            session.get_one(User, manager.id).is_active = False
        assert building.build_next()
        with db.reading(SYSTEM) as session:
            assert session.execute(select(Report.state, Report.digest)).one() == ("failed", None)
            assert session.execute(select(Notice).where(Notice.user_id == manager.id)).first() is None


class TestGivingOut:
    def test_only_to_its_owner(self, database: str, manager: Actor, administrator: Actor) -> None:
        number = ask(manager, order("overview"))
        with pytest.raises(NotFound):
            fetch(manager, number)
        building.build_next()
        assert fetch(manager, number).startswith(b"PK")
        with pytest.raises(NotFound):
            fetch(administrator, number)

    def test_not_any_more_when_the_rights_of_its_owner_changed(self, database: str, manager: Actor) -> None:
        number = ask(manager, order("overview"))
        building.build_next()
        with db.transaction(SYSTEM) as session:
            role = session.execute(select(Role).where(Role.code == "manager")).scalar_one()
            role.permissions = [one for one in role.permissions if one != "contract:read"]
        with db.reading(SYSTEM) as session:
            (now,) = making_actor(session, manager)
        with pytest.raises(IllegalTransition):
            fetch(now, number)

    def test_a_deleted_or_old_one_is_gone_and_its_file_too(self, database: str, manager: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        kept, old, deleted = (ask(manager, order("overview"), name=name) for name in ("一", "二", "三"))
        while building.build_next():
            pass
        with db.transaction(manager) as session:
            making.delete_report(session, manager, deleted)
            session.execute(update(Report).where(Report.id == old).values(finished_at=clock.now() - timedelta(days=31)))
            cleanup.remove_expired(session)
        assert [one.id for one in listed(manager)] == [kept]
        monkeypatch.setattr(file_store, "KEPT_UNUSED", timedelta(seconds=-60))
        with db.reading(SYSTEM) as session:
            assert file_store.remove_unused_files(session) == 2
        assert fetch(manager, kept)
