"""The audit log as it is searched and exported: who finds which lines, and what a file of them holds."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from crm_core import audit, config
from crm_core.clients import Client
from crm_core.db import reading, transaction
from crm_core.errors import NotAllowed, ValidationFailed
from crm_core.i18n import in_language
from crm_core.masking import mask
from crm_core.models import Role, Team, User
from crm_core.permissions import SYSTEM, Actor, Permission
from crm_core.services import audit_log, sign_in
from crm_core.services.audit_log import LogPage, LogQuery, export_lines, list_lines
from crm_core.services.customer_changes import update_customer
from crm_core.services.customers import delete_customer
from crm_core.services.log_words import LogWords
from crm_core.services.policies import set_policy
from crm_core.services.users import update_user
from tests import factories
from tests.core.sentences import is_sentence

Clock = Callable[[datetime], None]


def found(actor: Actor, **query: Any) -> LogPage:
    with reading(actor) as session:
        return list_lines(session, actor, LogQuery(**query))


def with_audit(actor: Actor) -> Actor:
    return replace(actor, permissions=actor.permissions | {Permission.AUDIT_READ})


def told(page: LogPage) -> list[str]:
    with reading(SYSTEM) as session:
        words = LogWords(session, SYSTEM)
    return [words.describe(line).what for line in page.rows]


class TestSearch:
    def test_it_is_found_who_did_something(self, database: str, administrator: Actor, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        page = found(administrator, person=sales.id)
        assert {line.actor_name for line in page.rows} == {sales.name}
        assert page.customers == {customer.id: (customer.code, customer.name)}
        assert {line.actor_id for line in found(administrator, person=audit_log.SYSTEM_ITSELF).rows} == {None}
        assert found(administrator, person=10**6).rows == []

    def test_a_customer_is_found_by_code_and_by_name_even_in_the_recycle_bin(
        self, database: str, administrator: Actor, manager: Actor
    ) -> None:
        customer, _other = factories.make_customer(manager), factories.make_customer(manager)
        with transaction(manager) as session:
            delete_customer(session, manager, customer.id)
        for phrase in (customer.code, customer.name, customer.name[2:6]):
            page = found(administrator, customer=phrase)
            assert {line.customer_id for line in page.rows} == {customer.id}
            assert page.total == 3
        assert found(administrator, customer="没有这个客户").rows == found(administrator, customer="%").rows == []

    def test_action_and_kind_narrow_it_down(self, database: str, administrator: Actor, sales: Actor) -> None:
        factories.make_customer(sales)
        with transaction() as session:
            sign_in.open_session(session, sales.username, client=Client("10.1.2.3"))
        (line,) = found(administrator, action="signed_in").rows
        assert (line.address, line.entity) == ("10.1.2.3", "user_account")
        assert {line.entity for line in found(administrator, entity="contact").rows} == {"contact"}
        assert found(administrator, entity="contact", action="signed_in").rows == []

    def test_a_period_is_of_whole_days_where_the_team_works(
        self, database: str, administrator: Actor, sales: Actor, set_clock: Clock
    ) -> None:
        for hour, minute in ((0, 0), (23, 59)):
            set_clock(datetime(2024, 5, 2, hour, minute, tzinfo=config.settings().timezone))
            factories.make_customer(sales)
        day, before, after = date(2024, 5, 2), date(2024, 5, 1), date(2024, 5, 3)
        assert found(administrator, since=day, until=day).total == 4
        assert found(administrator, until=before).total == 0
        assert found(administrator, since=before, until=after, person=sales.id).total == 4

    def test_the_newest_come_first_and_every_line_is_on_one_page(self, database: str, administrator: Actor) -> None:
        add_lines(2 * audit_log.LogPage.size)
        pages = [found(administrator, page=number) for number in (1, 2, 3)]
        lines = [line for page in pages for line in page.rows]
        assert [line.at for line in lines] == sorted((line.at for line in lines), reverse=True)
        assert len({line.id for line in lines}) == len(lines) == pages[0].total
        assert found(administrator, page=99).page == pages[0].pages == 3

    def test_counting_stops_at_a_limit(self, database: str, administrator: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(audit_log, "COUNT_LIMIT", 60)
        add_lines(100)
        page = found(administrator)
        assert (page.total, page.is_capped, page.pages) == (60, True, 2)


def add_lines(count: int) -> None:
    with transaction(SYSTEM) as session:
        lines = [
            audit.line_for(session, "changed", entity="team", entity_id=number, customer_id=None, subject="=1+1") for number in range(count)
        ]
        audit.add_lines(session, lines)


class TestScope:
    def test_without_the_permission_nothing_is_read(self, database: str, sales: Actor) -> None:
        with pytest.raises(NotAllowed):
            found(sales)
        with pytest.raises(NotAllowed):
            export_lines(replace(sales, permissions=frozenset({Permission.AUDIT_READ})), LogQuery(), reason="x")
        with pytest.raises(NotAllowed):
            export_lines(replace(sales, permissions=frozenset({Permission.CUSTOMER_EXPORT})), LogQuery(), reason="x")

    def test_a_team_lead_finds_only_lines_of_customers_in_scope(self, database: str, manager: Actor, sales: Actor, stranger: Actor) -> None:
        own, other = factories.make_customer(sales), factories.make_customer(stranger)
        page = found(with_audit(manager))
        assert {line.customer_id for line in page.rows} == {own.id}
        assert found(with_audit(manager), customer=other.code).rows == []
        assert {line.customer_id for line in found(with_audit(sales)).rows} == {own.id}


class TestWords:
    def test_values_are_told_in_words(self, database: str, administrator: Actor, sales: Actor, teams: dict[str, int]) -> None:
        with transaction(administrator) as session:
            update_user(session, administrator, sales.id, name=sales.name, role="manager", team_id=teams["west"], is_active=False)
            session.get_one(Team, teams["west"]).head_id = administrator.id
            role = session.execute(select(Role).where(Role.code == "viewer")).scalar_one()
            role.permissions, role.access, role.entry_stages = ["audit:read"], {"phone": 1}, ["prospect"]
        with reading(administrator) as session:
            words = LogWords(session, administrator)
            lines = [words.describe(line) for line in list_lines(session, administrator, LogQuery(person=administrator.id)).rows]
        after = {line.what.rpartition(" · ")[2]: line.after for line in lines}
        assert after["角色"] == "主管"
        assert (after["团队"], after["团队负责人"], after["启用"]) == ("华西组", administrator.name, "否")
        assert (after["权限"], after["可录入的客户类型"]) == ("查看审计日志", "潜在客户")
        assert after["敏感信息"] == "手机/固话 脱敏"

    @pytest.mark.parametrize("stored", ["True story", "2026-13-45 00:00:00 x", "2026 is the year of the horse"])
    def test_texts_that_only_look_like_something_else_stay(self, sqlite_database: str, stored: str) -> None:
        with reading(SYSTEM) as session:
            line = SimpleNamespace(entity="customer", action="changed", subject="x", field="remark", old=None, new=stored)
            assert LogWords(session, SYSTEM).describe(line).after == stored


def cells(content: bytes) -> list[Sequence[Any]]:
    sheet = load_workbook(BytesIO(content), read_only=True).active
    assert sheet
    return list(sheet.iter_rows(values_only=True))


class TestExport:
    def test_the_file_holds_what_was_found_and_says_who_took_it_for_what(self, database: str, administrator: Actor, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        mark, titles, *rows = cells(export_lines(administrator, LogQuery(person=sales.id), reason="年度检查"))
        assert administrator.name in mark[0]
        assert "年度检查" in mark[0]
        with in_language("zh_CN"):
            assert list(titles) == audit_log.headings()
        assert len(rows) == 2
        assert all(customer.code in row[4] for row in rows)

    def test_an_export_is_itself_logged_with_count_filters_and_reason(self, database: str, administrator: Actor, sales: Actor) -> None:
        factories.make_customer(sales)
        export_lines(administrator, LogQuery(person=sales.id, action="created", since=date(2024, 1, 1)), reason="年度检查")
        page = found(administrator, action="exported")
        (line,) = page.rows
        assert (line.actor_id, line.reason, line.entity) == (administrator.id, "年度检查", "change_log")
        with reading(SYSTEM) as session:
            after = LogWords(session, SYSTEM).describe(line).after
        for word in ("2", sales.name, "新建", "2024-01-01"):
            assert word in after

    def test_cells_that_look_like_formulas_are_texts(self, database: str, administrator: Actor) -> None:
        add_lines(1)
        factories.make_customer(administrator, source_detail="展会", remark="-2+3", address="@SUM(1)")
        with transaction(SYSTEM) as session:
            session.get_one(User, administrator.id).name = "=HYPERLINK(1)"
        content = export_lines(administrator, LogQuery(), reason="=1+1")
        texts = [str(cell) for row in cells(content) for cell in row if cell]
        assert any("HYPERLINK" in text for text in texts)
        assert not any(text.startswith(("=", "+", "-", "@")) for text in texts)

    def test_masked_values_stay_masked(self, database: str, administrator: Actor, sales: Actor) -> None:
        customer = factories.make_customer(sales, address="西湖区文三路100号1幢101室")
        with transaction(sales) as session:
            update_customer(session, sales, customer.id, {"address": "滨江区江南大道200号"}, version=customer.version, reason="搬迁")
        text = str(cells(export_lines(administrator, LogQuery(), reason="检查")))
        assert mask("address", "滨江区江南大道200号") in text
        assert "200号" not in text
        assert "101室" not in text

    @pytest.mark.parametrize("reason", ["", "  ", "\u200b"])
    def test_without_a_reason_there_is_no_file(self, database: str, administrator: Actor, reason: str) -> None:
        with pytest.raises(ValidationFailed):
            export_lines(administrator, LogQuery(), reason=reason)
        assert found(administrator, action="exported").rows == []

    def test_too_many_lines_are_refused_in_a_sentence(self, database: str, administrator: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(audit_log, "EXPORT_LIMIT", 20)
        add_lines(21)
        with pytest.raises(ValidationFailed) as refused:
            export_lines(administrator, LogQuery(), reason="检查")
        assert is_sentence(refused.value.errors["query"][0])

    def test_a_file_holds_only_what_its_reader_may_see(self, database: str, manager: Actor, sales: Actor, stranger: Actor) -> None:
        own, other = factories.make_customer(sales), factories.make_customer(stranger)
        text = str(cells(export_lines(with_audit(manager), LogQuery(), reason="检查")))
        assert own.code in text
        assert other.code not in text


@pytest.mark.parametrize(
    ("area", "before", "after", "told"),
    [
        ("bin", None, {"days": 20}, "Days in the recycle bin: 20"),
        ("tiers", {"a_from": "500000", "b_from": "100000"}, {"a_from": "500000", "b_from": "80000"}, "Tier B from (yuan): 80000"),
        ("verification", {"high_tiers": ["A"]}, {"high_tiers": ["B"]}, "Tiers of high value: Tier B, medium account"),
        ("pool", {}, {"is_on": False}, "Customers can be released into the pool: no"),
        ("pool", {}, {"contract_days": {"prospect": 9}}, "Days without cooperation · Prospect: 9"),
        ("review", {"rules": []}, {"rules": [{"roles": [], "by": "people"}]}, "Rule 1 · Who reviews: Named people"),
        ("review", {"rules": []}, {"rules": [{"roles": [], "people": [1]}]}, "Rule 1 · People: 管理员甲"),
        ("fields", None, {"fields": {"segment": {"is_shown": False}}}, "Segment: hidden"),
    ],
)
def test_a_change_of_rules_is_told_in_words_and_only_what_differs(
    sqlite_database: str, administrator: Actor, area: str, before: Any, after: Any, told: str
) -> None:
    with transaction(administrator) as session:
        if before is not None:
            set_policy(session, administrator, area, before, version=0)
        set_policy(session, administrator, area, after, version=0 if before is None else 1)
    line = factories.log_of("policy", area, field="values")[-1]
    with reading(SYSTEM) as session, in_language("en"):
        text = LogWords(session, SYSTEM).describe(line)
    assert text.after == told
    assert text.before.count("\n") == told.count("\n")


def test_the_first_settings_of_an_area_are_in_the_log(sqlite_database: str, administrator: Actor) -> None:
    with transaction(administrator) as session:
        set_policy(session, administrator, "bin", {"days": 7}, version=0)
    lines = factories.log_of("policy", "bin")
    assert [line.action for line in lines] == ["created", "changed"]
    with reading(SYSTEM) as session, in_language("en"):
        assert LogWords(session, SYSTEM).describe(lines[0]).what == "Rule · Recycle bin rules · created"
