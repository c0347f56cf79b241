"""The administrator's page of the audit log: search, jump to the customer, export."""

from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st
from sqlalchemy import delete, select, update

from crm_core import db
from crm_core.errors import NotAllowed, SignInRefused
from crm_core.models import Customer, Role, User, UserSession
from crm_core.permissions import SYSTEM, Actor, Permission
from tests import factories
from tests.pages.visit import ADDRESS, Visit, zh
from ui import feedback, routes


def lines(visit: Visit) -> list[dict[str, str]]:
    if not visit.tab.dataframe:
        return []
    rows: list[dict[str, str]] = visit.tab.dataframe[0].value.to_dict("records")
    return rows


def texts(visit: Visit) -> str:
    return " ".join(node.value for node in visit.tab.markdown)


@pytest.mark.parametrize("role", ["manager", "sales", "service", "marketing", "viewer"])
def test_only_who_may_read_the_log_sees_it(by_role: dict[str, Actor], role: str) -> None:
    visit = Visit(by_role[role]).go(routes.AUDIT)
    assert visit.titles == [zh("No access")]
    assert not lines(visit)


def test_lines_tell_who_did_what_to_whom(administrator: Actor, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    newest, oldest = lines(Visit(administrator).go(routes.AUDIT, person=str(sales.id)))
    assert newest["customer"] == oldest["customer"]
    assert (oldest["who"], oldest["what"]) == (sales.name, "客户 · 新建")
    assert oldest["customer"].startswith(f"{customer.code} {customer.name[:6]}")


def test_filters_stand_in_the_address_and_are_read_from_it(administrator: Actor, sales: Actor) -> None:
    factories.make_customer(sales)
    visit = Visit(administrator).go(routes.AUDIT).enter("person", sales.id).enter("entity", "contact")
    assert visit.query == {"person": str(sales.id), "entity": "contact"}
    again = Visit(administrator).go(routes.AUDIT, person=str(sales.id), entity="contact")
    assert lines(again) == lines(visit)
    assert len(lines(again)) == 1


@pytest.mark.parametrize("query", [{"person": "x"}, {"person": "99999"}, {"action": "nonsense"}, {"since": "x"}, {"page": "-1"}])
def test_an_address_that_makes_no_sense_shows_the_whole_log(administrator: Actor, query: dict[str, str]) -> None:
    assert lines(Visit(administrator).go(routes.AUDIT, **query))


def test_where_nothing_matches_the_page_says_so(administrator: Actor) -> None:
    visit = Visit(administrator).go(routes.AUDIT).enter("customer", "没有这个客户")
    assert not lines(visit)
    assert zh("No line matches") in texts(visit)


def test_sign_in_is_there_with_its_address(administrator: Actor, sales: Actor) -> None:
    visit = Visit(language="zh_CN").go(routes.HOME)
    visit.tab.text_input[0].set_value(sales.username)
    visit.tab.text_input[1].set_value("wrong-pass-1")
    visit.press("Sign in")
    (failed,) = lines(Visit(administrator).go(routes.AUDIT, action="sign_in_failed"))
    assert (failed["address"], failed["after"]) == (ADDRESS, sales.username)


def test_an_export_needs_a_reason_and_gives_the_lines(administrator: Actor, sales: Actor) -> None:
    factories.make_customer(sales)
    visit = Visit(administrator).go(routes.AUDIT, person=str(sales.id)).press("Export").press("export_check")
    assert zh("Say what the file is for.") in visit.refusals[0].replace("\\", "")
    visit.fill(export_reason="年度检查").press("export_check")
    (button,) = visit.elements("download_button")
    assert "2" in button.label
    assert not factories.log_of("change_log")


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda: update(Role).values(permissions=[Permission.CUSTOMER_READ, Permission.AUDIT_READ]), NotAllowed),
        (lambda: update(Role).values(permissions=[Permission.CUSTOMER_READ, Permission.CUSTOMER_EXPORT]), NotAllowed),
        (lambda: update(User).values(is_active=False), SignInRefused),
        (lambda: update(User).values(must_change_password=True), SignInRefused),
        (lambda: delete(UserSession), SignInRefused),
    ],
    ids=["no export", "no log", "disabled", "held up", "signed out"],
)
def test_what_was_taken_away_since_the_button_was_drawn_makes_no_file(
    administrator: Actor, monkeypatch: pytest.MonkeyPatch, change: Callable[[], Any], refusal: type[Exception]
) -> None:
    clicks: list[Callable[[], bytes]] = []
    monkeypatch.setattr(st, "download_button", lambda _label, *, data, **_look: clicks.append(data))
    Visit(administrator).go(routes.AUDIT).press("Export").fill(export_reason="年度检查").press("export_check")
    (click,) = clicks
    assert click().startswith(b"PK")
    with db.transaction(SYSTEM) as session:
        session.execute(change())
    with pytest.raises(refusal):
        click()
    assert len(factories.log_of("change_log")) == 1


def test_who_may_not_export_is_not_offered_it(administrator: Actor) -> None:
    assert Visit(administrator).go(routes.AUDIT).has("Export")
    with db.transaction(SYSTEM) as session:
        role = session.execute(select(Role).where(Role.code == "administrator")).scalar_one()
        role.permissions = [one for one in role.permissions if one != Permission.CUSTOMER_EXPORT]
    visit = Visit(administrator).go(routes.AUDIT)
    assert lines(visit)
    assert not visit.has("Export")


def test_a_line_that_does_not_fit_ends_in_an_ellipsis_and_opens_in_full(administrator: Actor, sales: Actor) -> None:
    reason = "客户改名，以营业执照为准，原名称不再使用，请各部门更新"
    customer = factories.make_customer(sales)
    with db.transaction(sales, reason=reason) as session:
        session.get_one(Customer, customer.id).remark = "x"
    visit = Visit(administrator).go(routes.AUDIT, action="changed", person=str(sales.id))
    (line,) = lines(visit)
    assert line["reason"].endswith("…")
    visit.tab.session_state["logged_line"] = visit.tab.session_state["logged_ids"][0]
    assert feedback.escape(reason) in texts(visit.rerun())
