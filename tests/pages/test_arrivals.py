"""What people see of sign-ins: devices, notices in the header, "this was not me", and administrators of the mails that wait."""

import pytest
from sqlalchemy import select, update

from crm_core import db
from crm_core.clients import Client
from crm_core.models import Notice, OutboxMessage, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import notices, outbox, sign_in
from tests import factories
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import header_tools, routes


def open_elsewhere(actor: Actor) -> None:
    """Sign the account in from another browser and city."""
    with db.transaction(SYSTEM) as session:
        stranger = Client("202.96.209.5", "Mozilla (Windows) Firefox/140.0", "another")
        assert sign_in.redeem_ticket(session, sign_in.open_session(session, actor.username, client=stranger), browser="another")


def texts(visit: Visit) -> str:
    return "\n".join(texts_of(visit)).replace("\\", "")


def columns(actor: Actor) -> User:
    with db.reading(SYSTEM) as session:
        return session.execute(select(User).where(User.id == actor.id)).scalar_one()


class TestDevices:
    def test_a_user_sees_every_browser_and_ends_another_one(self, sales: Actor) -> None:
        visit = Visit(sales)
        open_elsewhere(sales)
        visit.go(routes.SETTINGS).open_tab("settings_tab", "Devices")
        assert "Firefox · Windows" in texts(visit)
        assert "上海市 202.96.209.5" in texts(visit)
        visit.press("End session")
        assert "Firefox" not in texts(visit)
        assert zh("this browser") in texts(visit)
        assert not visit.has("End session")
        assert not visit.has("End all other sessions")

    def test_all_others_end_at_once_and_are_at_the_sign_in_form(self, sales: Actor) -> None:
        others = [Visit(sales).go(routes.CUSTOMERS) for _number in range(2)]
        Visit(sales).go(routes.SETTINGS).open_tab("settings_tab", "Devices").press("End all other sessions")
        assert all(other.rerun().has("Password") for other in others)

    def test_an_administrator_ends_the_sessions_of_an_account(self, administrator: Actor, sales: Actor) -> None:
        theirs = Visit(sales).go(routes.CUSTOMERS)
        visit = Visit(administrator).go(routes.USERS).press(f"sessions_{sales.id}")
        visit.press("End all other sessions")
        assert theirs.rerun().has("Password")
        assert zh("Not signed in anywhere") in texts(visit)


class TestBell:
    def test_it_counts_what_is_unread_and_tells_it_when_opened(self, sales: Actor) -> None:
        visit = Visit(sales)
        open_elsewhere(sales)
        visit.go(routes.CUSTOMERS)
        assert zh("Sign-in from a new device or place") not in texts(visit)
        visit.open_bell()
        assert visit.component(header_tools.NAME)["bell"]["count"] == "1"
        assert zh("Sign-in from a new device or place") in texts(visit)
        assert "上海市" in texts(visit)
        visit.press("Mark all as read")
        assert visit.component(header_tools.NAME)["bell"]["count"] == ""
        with db.reading(SYSTEM) as session:
            assert session.execute(select(Notice)).scalar_one().read_at

    def test_a_notice_leads_to_its_page_and_is_read_then(self, administrator: Actor) -> None:
        with db.transaction(SYSTEM) as session:
            values = {"name": "李", "username": "li"}
            notices.notify(session, [administrator.id or 0], "account_blocked", values, path="/users")
        visit = Visit(administrator).go(routes.CUSTOMERS).open_bell().press("Open")
        assert visit.page == routes.USERS
        with db.reading(administrator) as session:
            assert notices.count_unread(session, administrator) == 0

    @pytest.mark.parametrize("key", ["notices_open_999999", "notices_open_x", "quick_add", ["notices"], {"a": 1}, None])
    def test_what_is_not_offered_leads_nowhere(self, any_database: str, key: object) -> None:
        visit = Visit(factories.make_user(role="viewer")).go(routes.CUSTOMERS).tell(header_tools.NAME, "pressed", {"key": key})
        assert (visit.page, visit.redirect) == (routes.CUSTOMERS, "")

    def test_without_notices_it_says_so(self, sales: Actor) -> None:
        assert zh("No notices yet.") in texts(Visit(sales).go(routes.CUSTOMERS).open_bell())


class TestNotMe:
    def link_of(self, sales: Actor) -> str:
        Visit(sales)
        open_elsewhere(sales)
        with db.reading(SYSTEM) as session:
            return session.execute(select(Notice.path)).scalar_one()

    @pytest.mark.parametrize("is_signed_in", [True, False])
    def test_opening_the_link_does_nothing_and_one_click_blocks(self, sales: Actor, administrator: Actor, is_signed_in: bool) -> None:
        theirs = Visit(sales).go(routes.CUSTOMERS)
        file, query = routes.parse(self.link_of(sales))
        visit = Visit(sales if is_signed_in else None).go(file, **query)
        assert columns(sales).blocked_at is None
        assert not theirs.rerun().has("Password")
        visit.press("Block my account")
        assert columns(sales).blocked_at
        assert theirs.rerun().has("Password")
        sentence = "The account is blocked and all its sessions have ended. An administrator will give you a new one-time password."
        assert zh(sentence) in texts(visit)
        assert zh("blocked") in texts(Visit(administrator).go(routes.USERS))
        assert zh("This link is no longer good") in texts(Visit().go(file, **query))

    @pytest.mark.parametrize("query", [{}, {"token": ""}, {"token": "x"}, {"token": "a" * 3000}])
    def test_a_link_that_is_no_good_says_so_and_offers_nothing(self, sales: Actor, query: dict[str, str]) -> None:
        visit = Visit().go(routes.NOT_ME, **query)
        assert zh("This link is no longer good") in texts(visit)
        assert not visit.has("Block my account")
        assert visit.press("Go to sign-in").redirect == "/"

    def test_it_speaks_the_language_of_the_account(self, any_database: str) -> None:
        reader = factories.make_user(language="en")
        visit = Visit(reader, language="en")
        open_elsewhere(reader)
        with db.reading(SYSTEM) as session:
            file, query = routes.parse(session.execute(select(Notice.path)).scalar_one())
        visit = Visit(language="zh_CN").go(file, **query)
        assert visit.has("Block my account") is False
        assert "Block my account" in texts(visit)


class TestMails:
    def test_an_administrator_sends_again_what_was_given_up(self, administrator: Actor) -> None:
        with db.transaction(SYSTEM) as session:
            outbox.enqueue_mail(session, recipient="**li**@example.com", subject="提醒", body="x")
            session.execute(update(OutboxMessage).values(next_attempt_at=None, last_error="550 <b>no</b> such user"))
        visit = Visit(administrator).go(routes.MAILS)
        assert zh("Given up") in texts(visit)
        assert "550 <b>no</b> such user" in texts(visit)
        visit.press("Send now")
        assert zh("Waiting") in texts(visit)
        assert visit.toasts
        with db.reading(SYSTEM) as session:
            assert session.execute(select(OutboxMessage.next_attempt_at)).scalar_one()

    def test_without_any_it_says_so_and_that_no_server_is_set_up(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.MAILS)
        assert zh("Nothing waits") in texts(visit)
        assert zh("No mail server is set up, so no mail is sent. The operations guide names the settings.") in texts(visit)
