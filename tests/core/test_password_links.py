"""A forgotten password: who gets a link, for how long it is good, and what using it ends; expiry and history of passwords."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import bcrypt
import pytest
from sqlalchemy import func, select, update

from crm_core import config
from crm_core.clients import Client
from crm_core.db import reading, transaction
from crm_core.errors import NotFound, ValidationFailed
from crm_core.models import AccountLink, OldPassword, OutboxMessage, User
from crm_core.permissions import Actor
from crm_core.services import password_links, passwords, profile, sign_in
from tests import factories
from tests.core.sentences import is_sentence
from tests.core.test_concurrency import at_once

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ASKING = Client("203.0.113.7", "", "browser")
NEW = "New-pass-456"
Clock = Callable[[datetime], None]


@pytest.fixture
def owner(database: str, sales: Actor, monkeypatch: pytest.MonkeyPatch) -> Actor:
    """Somebody with a mailbox, where mails can be sent."""
    monkeypatch.setenv("CRM_SMTP_HOST", "mail.example.com")
    monkeypatch.setenv("CRM_BASE_URL", "https://crm.example.com")
    config.settings.cache_clear()
    with transaction() as session:
        session.execute(update(User).where(User.id == sales.id).values(email="sales@example.com"))
    return sales


def ask(name: str = "sales", client: Client = ASKING) -> None:
    with transaction() as session:
        password_links.request_link(session, name, client)


def mails() -> list[OutboxMessage]:
    with reading() as session:
        return list(session.execute(select(OutboxMessage).order_by(OutboxMessage.id)).scalars())


def token() -> str:
    """That of the mail sent last."""
    found = re.search(r"https://crm\.example\.com/\?new_password=(\S+)", mails()[-1].body)
    assert found
    return found[1]


def use(link: str, password: str = NEW) -> None:
    with reading() as session:
        new = password_links.check_link(session, link, password)
    with transaction() as session:
        password_links.use_link(session, new)


def password_is(actor: Actor, password: str) -> bool:
    with reading() as session:
        return bcrypt.checkpw(password.encode(), session.get_one(User, actor.id).password_hash.encode())


class TestAsking:
    def test_a_link_goes_to_the_mailbox_in_the_language_of_the_account(self, owner: Actor) -> None:
        ask(" SALES ")
        (mail,) = mails()
        assert (mail.recipient, mail.user_id, mail.channel) == ("sales@example.com", owner.id, "mail")
        assert all(is_sentence(paragraph) for paragraph in mail.body.split("\n\n") if "https" not in paragraph)
        assert is_sentence(mail.subject)

    @pytest.mark.parametrize("change", [{"is_active": False}, {"blocked_at": START}, {"email": None}])
    def test_no_link_for_who_may_not_sign_in_or_has_no_mailbox(self, owner: Actor, change: dict[str, object]) -> None:
        with transaction() as session:
            session.execute(update(User).where(User.id == owner.id).values(**change))
        ask()
        assert mails() == []

    @pytest.mark.parametrize("name", ["nobody", "", "\x00", "x" * 5000])
    def test_an_unknown_account_is_passed_over_quietly(self, owner: Actor, name: str) -> None:
        ask(name)
        assert mails() == []

    def test_without_an_address_of_our_own_no_link_is_sent(self, owner: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CRM_BASE_URL", "")
        config.settings.cache_clear()
        ask()
        assert mails() == []

    def test_an_account_gets_three_links_in_half_an_hour(self, owner: Actor, set_clock: Clock) -> None:
        set_clock(START)
        for number in range(6):
            ask(client=Client(f"203.0.113.{number}"))
        assert len(mails()) == 3
        set_clock(START + timedelta(minutes=31))
        ask()
        assert len(mails()) == 4

    def test_an_address_asks_for_twenty_accounts(self, owner: Actor, set_clock: Clock) -> None:
        set_clock(START)
        for number in range(20):
            ask(f"name{number}")
        ask()
        assert mails() == []
        ask(client=Client("198.51.100.1"))
        assert len(mails()) == 1

    def test_asking_does_not_lock_the_account(self, owner: Actor) -> None:
        for _turn in range(9):
            ask()
        with transaction() as session:
            assert sign_in.claim_attempt(session, owner.username, ASKING)


class TestUsing:
    def test_it_sets_the_password_ends_sessions_and_lifts_a_lock(self, owner: Actor) -> None:
        with transaction() as session:
            open_token = sign_in.redeem_ticket(session, sign_in.open_session(session, owner.username))
            for _turn in range(9):
                sign_in.claim_attempt(session, owner.username, ASKING)
        ask()
        use(token())
        assert password_is(owner, NEW)
        with transaction() as session:
            assert sign_in.find_actor(session, open_token) is None
            assert sign_in.claim_attempt(session, owner.username, ASKING)
        assert factories.log_of("user_account", owner.id, action="password_changed")

    def test_it_is_good_once(self, owner: Actor) -> None:
        ask()
        use(token())
        with pytest.raises(NotFound) as refusal:
            use(token(), "Other-pass-789")
        assert is_sentence(str(refusal.value))
        assert password_is(owner, NEW)

    def test_used_twice_at_once_it_sets_one_password(self, owner: Actor) -> None:
        ask()
        made = at_once([lambda: use(token()), lambda: use(token(), "Other-pass-789")])
        assert sorted(isinstance(one, NotFound) for one in made) == [False, True]

    def test_it_is_good_for_half_an_hour(self, owner: Actor, set_clock: Clock) -> None:
        set_clock(START)
        ask()
        set_clock(START + timedelta(minutes=30, seconds=1))
        with pytest.raises(NotFound):
            use(token())

    def test_a_newer_one_ends_it(self, owner: Actor) -> None:
        ask()
        first = token()
        ask()
        with pytest.raises(NotFound):
            use(first)
        use(token())

    def test_another_password_or_mailbox_ends_it(self, owner: Actor, administrator: Actor) -> None:
        def change_password() -> None:
            with reading() as session:
                change = passwords.check_change(session, owner, old=factories.PASSWORD, new="Other-pass-789")
            with transaction(owner) as session:
                passwords.change_password(session, owner, change)

        def reset_password() -> None:
            with transaction(administrator) as session:
                passwords.reset_password(session, administrator, owner.id or 0, password_hash="x")

        def change_mailbox() -> None:
            with transaction(administrator) as session:
                profile.set_mailbox(session, administrator, owner.id or 0, "another@example.com")

        for act in (change_mailbox, change_password, reset_password):
            ask()
            act()
            with pytest.raises(NotFound):
                use(token())

    @pytest.mark.parametrize("change", [{"is_active": False}, {"blocked_at": START}])
    def test_it_does_not_open_an_account_that_was_closed_meanwhile(self, owner: Actor, change: dict[str, object]) -> None:
        ask()
        with transaction() as session:
            session.execute(update(User).where(User.id == owner.id).values(**change))
        with pytest.raises(NotFound):
            use(token())

    @pytest.mark.parametrize("purpose", ["not_me", ""])
    def test_a_link_for_something_else_sets_no_password(self, owner: Actor, purpose: str) -> None:
        ask()
        with transaction() as session:
            session.execute(update(AccountLink).values(purpose=purpose))
        with pytest.raises(NotFound):
            use(token())

    @pytest.mark.parametrize("password", ["weak", "Admin@123", factories.PASSWORD])
    def test_a_refused_password_leaves_it_good(self, owner: Actor, password: str) -> None:
        ask()
        with pytest.raises(ValidationFailed) as refusal:
            use(token(), password)
        assert all(map(is_sentence, refusal.value.errors["password"]))
        use(token())

    @pytest.mark.parametrize("made_up", ["", "x", "\x00", "' OR 1=1 --", "x" * 5000])
    def test_a_made_up_one_is_refused(self, owner: Actor, made_up: str) -> None:
        ask()
        with pytest.raises(NotFound):
            use(made_up)


def change(actor: Actor, old: str, new: str) -> None:
    with reading() as session:
        checked = passwords.check_change(session, actor, old=old, new=new)
    with transaction(actor) as session:
        passwords.change_password(session, actor, checked)


@pytest.mark.parametrize(("history", "refused"), [(0, 1), (1, 1), (3, 3)])
def test_as_many_passwords_as_the_setting_says_are_not_chosen_again(
    database: str, sales: Actor, monkeypatch: pytest.MonkeyPatch, history: int, refused: int
) -> None:
    monkeypatch.setenv("CRM_PASSWORD_HISTORY", str(history))
    config.settings.cache_clear()
    used = [factories.PASSWORD, "First-pass-111", "Second-pass-222", "Third-pass-333", "Fourth-pass-444"]
    for old, new in pairwise(used):
        change(sales, old, new)
    with reading() as session:
        user = session.get_one(User, sales.id)
        verdicts = [passwords.refused_password(session, user, password) is not None for password in reversed(used)]
        kept = session.execute(select(func.count(OldPassword.id))).scalar_one()
    assert verdicts == [place < refused for place in range(5)]
    assert kept == max(history - 1, 0)


@pytest.mark.parametrize(("days", "age", "must"), [(0, 4000, False), (90, 89, False), (90, 91, True)])
def test_a_password_that_is_too_old_has_to_be_replaced_first(
    database: str, sales: Actor, monkeypatch: pytest.MonkeyPatch, set_clock: Clock, days: int, age: int, must: bool
) -> None:
    monkeypatch.setenv("CRM_PASSWORD_DAYS", str(days))
    config.settings.cache_clear()
    with transaction() as session:
        session.execute(update(User).where(User.id == sales.id).values(password_changed_at=START - timedelta(days=age)))
    set_clock(START)
    assert factories.actor_of(sales.id or 0).must_change_password is must
    change(sales, factories.PASSWORD, NEW)
    assert not factories.actor_of(sales.id or 0).must_change_password
