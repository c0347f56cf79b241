"""What users say of themselves: checked like everything else, logged, and mailboxes only with the password."""

from typing import Any

import pytest
from sqlalchemy import select

from crm_core.channels import ways_for
from crm_core.db import reading, transaction
from crm_core.errors import NotAllowed, ValidationFailed
from crm_core.models import OutboxMessage, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import profile
from crm_core.services.profile import Profile
from tests import factories

OWN = {"name": "销售丙", "email": None, "alert_email": None, "phone": None}


def save(actor: Actor, *, password: str = "", language: str = "zh_CN", **values: Any) -> None:
    entered = Profile(OWN | values, language)
    with reading(actor) as session:
        checked = profile.check_profile(session, actor, entered, password=password)
    with transaction(actor) as session:
        profile.update_profile(session, actor, checked)


def errors_of(actor: Actor, **values: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationFailed) as refusal:
        save(actor, **values)
    return refusal.value.errors


def row_of(actor: Actor) -> User:
    with reading() as session:
        return session.get_one(User, actor.id)


def give_mailbox(actor: Actor, email: str) -> None:
    with transaction(SYSTEM) as session:
        session.get_one(User, actor.id).email = email


def test_what_is_entered_is_cleaned_and_kept(database: str, sales: Actor) -> None:
    save(sales, name=" 陈 立群 ", phone="138 0000 1234", language="en")
    user = row_of(sales)
    assert (user.name, user.phone, user.language) == ("陈 立群", "13800001234", "en")


def test_everything_wrong_is_said_at_once(database: str, sales: Actor) -> None:
    errors = errors_of(sales, name="", phone="123", email="x@", alert_email="未提供")
    assert set(errors) == {"name", "phone", "email", "alert_email"}


@pytest.mark.parametrize("field", ["email", "alert_email"])
def test_a_mailbox_changes_only_with_the_present_password(database: str, sales: Actor, field: str) -> None:
    for password in ("", "wrong", factories.PASSWORD + "x"):
        assert set(errors_of(sales, password=password, **{field: "chen@hengyuan.example"})) == {"password"}
    save(sales, password=factories.PASSWORD, **{field: "chen@hengyuan.example"})
    assert getattr(row_of(sales), field) == "chen@hengyuan.example"
    save(sales, phone="13800001234", **{field: "chen@hengyuan.example"})
    assert set(errors_of(sales, **{field: None})) == {"password"}


def test_two_active_accounts_share_no_mailbox_whatever_the_case(database: str, sales: Actor, colleague: Actor) -> None:
    give_mailbox(colleague, "Chen@Hengyuan.example")
    assert set(errors_of(sales, password=factories.PASSWORD, email="chen@hengyuan.example")) == {"email"}
    with transaction(SYSTEM) as session:
        session.get_one(User, colleague.id).is_active = False
    save(sales, password=factories.PASSWORD, email="chen@hengyuan.example")


def test_the_former_mailbox_is_told(database: str, sales: Actor) -> None:
    give_mailbox(sales, "old@hengyuan.example")
    save(sales, password=factories.PASSWORD, email="new@hengyuan.example")
    with reading() as session:
        assert session.execute(select(OutboxMessage.recipient)).scalars().all() == ["old@hengyuan.example"]


def test_changes_are_logged_and_mailbox_and_phone_masked(database: str, sales: Actor) -> None:
    save(sales, password=factories.PASSWORD, name="新名", email="chenliqun@hengyuan.example", phone="13800001234")
    logged = {line.field: line.new for line in factories.log_of("user_account", sales.id, action="changed")}
    assert logged == {
        "name": "新名",
        "email": "che**@hengyuan.example",
        "phone": "138****1234",
    }


def test_a_language_that_does_not_exist_is_left_out(database: str, sales: Actor) -> None:
    save(sales, language="xx")
    assert row_of(sales).language == "zh_CN"


@pytest.mark.parametrize(("chosen", "ways"), [({}, ("mail",)), ({"sign_in": []}, ()), ({"sign_in": ["mail", "pigeon"]}, ("mail",))])
def test_a_message_goes_as_chosen_or_as_usual(chosen: dict[str, list[str]], ways: tuple[str, ...]) -> None:
    assert ways_for(chosen, "sign_in") == ways


def test_an_administrator_enters_a_mailbox_and_nobody_else_does(
    database: str, administrator: Actor, sales: Actor, colleague: Actor
) -> None:
    with transaction(administrator) as session:
        profile.set_mailbox(session, administrator, sales.id or 0, "chen@hengyuan.example")
    assert row_of(sales).email == "chen@hengyuan.example"
    for email in ("CHEN@hengyuan.example", "x"):
        with pytest.raises(ValidationFailed), transaction(administrator) as session:
            profile.set_mailbox(session, administrator, colleague.id or 0, email)
    with pytest.raises(NotAllowed), transaction(sales) as session:
        profile.set_mailbox(session, sales, sales.id or 0, "")
    with transaction(administrator) as session:
        profile.set_mailbox(session, administrator, sales.id or 0, " ")
    assert row_of(sales).email is None
