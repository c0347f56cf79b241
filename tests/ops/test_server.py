"""The running server, as a proxy, a browser and an operator see it: headers, cookies, files, start and stop."""

import json
import re
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message
from pathlib import Path
from urllib.parse import quote

import pytest
import websocket
from sqlalchemy import select, update
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from crm_core import clock, db
from crm_core.clients import Client
from crm_core.models import Role, SignInTicket, User, UserSession
from crm_core.permissions import SYSTEM, Access, Actor, Permission, Scope
from crm_core.schema import upgrade_database
from crm_core.services import attachments, sign_in, teams
from crm_core.services.file_store import store_file
from tests import factories
from tests.browser.conftest import Server
from tests.conftest import forget_settings, use_database
from ui.guard import BROWSER_COOKIE, COOKIE

BROWSER = "one browser"
PATIENCE = 10
ENDED = (0, -signal.SIGTERM)
"""uvicorn finishes its work and then ends by the signal it was sent."""
PAGES = ("/", "/customers", "/healthz", "script", "/kemai/style.css", "/kemai/boot.js", "/kemai/nothing.js", "/nothing/at/all.js")
ANSWERS = (
    "/files/1",
    "/files/x",
    "/calendar/x.ics",
    "/auth/enter",
    "/auth/leave",
    "/auth/language/en",
    "/auth/theme/dark",
    "/auth/nothing",
    "/_stcore/health",
)
ELSEWHERE = ("//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "evil.example")
ELSEWHERE += ("/\t/evil.example", "/\n/evil.example", " //evil.example", "///evil.example", "/%09/evil.example", "http:evil.example", "")
CODE = re.compile(r"\b[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}\b")


@dataclass
class Answer:
    """What the server answered."""

    status: int
    headers: Message
    body: bytes

    @property
    def cookies(self) -> dict[str, str]:
        """Name and whole line of each cookie that is set."""
        return {line.partition("=")[0]: line for line in self.headers.get_all("set-cookie") or ()}


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object) -> None:
        return None


def ask(server: Server, path: str, **cookies: str) -> Answer:
    """One request, redirects not followed."""
    request = urllib.request.Request(server.url + path, headers={"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())})
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=30) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as answer:
        return Answer(answer.code, answer.headers, answer.read())


@dataclass
class Office:
    """A running server with people and files."""

    server: Server
    manager: Actor
    sales: Actor
    stranger: Actor
    licence: int
    card: int

    def ask(self, path: str, who: Actor | None = None) -> Answer:
        return ask(self.server, path, **({COOKIE: session_of(who)} if who else {}))


def session_of(who: Actor) -> str:
    with db.transaction(SYSTEM) as session:
        token = sign_in.redeem_ticket(session, ticket_of(who), browser=BROWSER)
    assert token
    return token


def ticket_of(who: Actor) -> str:
    with db.transaction(SYSTEM) as session:
        return sign_in.open_session(session, who.username, client=Client(browser=BROWSER))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One server for all tests that only ask."""
    folder = tmp_path_factory.mktemp("office")
    with pytest.MonkeyPatch.context() as patch:
        use_database(patch, folder, "")
        upgrade_database()
        with db.transaction(SYSTEM) as session:
            team = teams.create_team(session, SYSTEM, name="华东组")
        manager = factories.make_user(role="manager", username="manager", team_id=team)
        sales = factories.make_user(username="sales", team_id=team)
        stranger = factories.make_user(username="stranger")
        customer = factories.make_customer(sales, kind="individual")
        with db.transaction(manager) as session:
            kinds = ((factories.PDF, "attachment_type.other"), (factories.PNG, attachments.IDENTITY_CARD))
            licence, card = (
                attachments.add_attachment(
                    session, manager, file=store_file(content), type=kind, customer_id=customer.id, has_consent=True
                ).id
                for content, kind in kinds
            )
        server = Server(folder).start()
        yield Office(server, manager, sales, stranger, licence, card)
        assert server.stop() in ENDED
        assert_quiet(server)
        forget_settings()


def assert_quiet(server: Server) -> None:
    """No traceback, no warning and no line for every connection on the console."""
    lines = [line for line in server.console.splitlines() if re.search("Traceback|Error|WARN|warning|accepted|connection", line)]
    assert lines == [], server.console


def script_of(office: Office) -> str:
    found = re.search(rb'src="\.?(/static/js/[^"]+\.js)"', office.ask("/").body)
    assert found
    return found[1].decode()


class TestAnswers:
    def test_health_says_ok(self, office: Office) -> None:
        answer = office.ask("/healthz")
        assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok"})

    @pytest.mark.parametrize("path", PAGES + ANSWERS)
    def test_every_kind_of_answer_has_the_security_headers(self, office: Office, path: str) -> None:
        headers = office.ask(script_of(office) if path == "script" else path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]

    @pytest.mark.parametrize("path", ["/", "/customers", "/customer?code=CUS202601001"])
    def test_a_page_may_load_and_ask_nothing_but_this_host(self, office: Office, path: str) -> None:
        answer = office.ask(path)
        policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert "'unsafe-eval'" not in answer.headers["content-security-policy"]
        assert "'unsafe-inline'" not in policy["script-src"]
        assert (policy["frame-ancestors"], policy["base-uri"], policy["form-action"]) == ("'none'", "'none'", "'none'")
        sources = {source for values in policy.values() for source in values.split()}
        allowed = {"'self'", "'none'", "blob:", "data:", "'unsafe-inline'", "'wasm-unsafe-eval'"}
        assert {source for source in sources - allowed if not source.startswith("'sha256-")} == set()
        assert re.findall(rb'(?:src|href)="(?:https?:)?//', answer.body) == []

    def test_the_page_is_in_the_language_of_the_browsers_cookie(self, office: Office) -> None:
        assert b'<html lang="zh-CN"' in office.ask("/").body
        assert b'<html lang="en"' in ask(office.server, "/", kemai_language="en").body

    def test_style_and_first_script_are_kept_for_good_and_the_page_is_not(self, office: Office) -> None:
        page = office.ask("/")
        assert page.headers["cache-control"] == "no-cache"
        for path in re.findall(rb'"(/kemai/[^"]+)"', page.body):
            assert "immutable" in office.ask(path.decode()).headers["cache-control"]

    def test_what_is_signed_out_tells_no_data(self, office: Office) -> None:
        assert "sales" not in office.ask("/customers").body.decode()


class TestFiles:
    def test_signed_out_a_file_is_refused(self, office: Office) -> None:
        answer = office.ask(f"/files/{office.licence}")
        assert answer.status == 401
        assert factories.PDF not in answer.body

    @pytest.mark.parametrize("token", ["", "nonsense", "a" * 5000])
    def test_a_cookie_that_is_no_session_is_refused(self, office: Office, token: str) -> None:
        assert ask(office.server, f"/files/{office.licence}", **{COOKIE: token}).status == 401

    def test_within_the_scope_it_comes_as_it_was_uploaded(self, office: Office) -> None:
        for who in (office.sales, office.manager):
            answer = office.ask(f"/files/{office.licence}", who)
            assert (answer.status, answer.body) == (200, factories.PDF)
            assert answer.headers["content-type"] == "application/pdf"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "private, no-store"
            assert quote("其他") in answer.headers["content-disposition"]

    @pytest.mark.parametrize("path", ["/files/999999", "/files/0", "/files/9223372036854775808", "/files/1/..", "/files/%2e%2e/etc/passwd"])
    def test_a_file_that_is_not_there_is_not_found(self, office: Office, path: str) -> None:
        answer = office.ask(path, office.manager)
        assert factories.PDF not in answer.body
        assert answer.status in (400, 404) or b"<html" in answer.body

    def test_outside_the_scope_a_file_answers_as_if_it_were_not_there(self, office: Office) -> None:
        outside, missing = office.ask(f"/files/{office.licence}", office.stranger), office.ask("/files/999999", office.stranger)
        assert (outside.status, outside.body) == (missing.status, missing.body)
        assert outside.status == 404

    def test_an_identity_card_needs_the_permission_and_every_look_is_logged(self, office: Office) -> None:
        assert office.ask(f"/files/{office.card}", office.sales).status == 404
        assert factories.log_of("attachment", office.card, action="viewed") == []
        assert office.ask(f"/files/{office.card}", office.manager).body == factories.PNG
        (line,) = factories.log_of("attachment", office.card, action="viewed")
        assert line.actor_id == office.manager.id

    def test_an_identity_card_opens_for_nobody_from_whose_role_numbers_are_hidden(self, office: Office) -> None:
        permissions = sorted({Permission.CUSTOMER_READ, Permission.SENSITIVE_REVEAL})
        access = {"identity_number": int(Access.HIDDEN)}
        with db.transaction(SYSTEM) as session:
            session.add(Role(code="kept_out", name="看不到证件", scope=Scope.ALL, permissions=permissions, access=access))
        assert office.ask(f"/files/{office.card}", factories.make_user(role="kept_out")).status == 404
        assert office.ask(f"/files/{office.licence}", factories.make_user(role="kept_out")).status == 200

    @pytest.mark.parametrize("what", ["must_change_password", "needs_second_factor"])
    def test_who_has_to_do_something_first_gets_no_file_before(self, office: Office, what: str) -> None:
        held_up = factories.make_user(role="service", must_change_password=what == "must_change_password")
        with db.transaction(SYSTEM) as session:
            session.execute(update(Role).where(Role.code == "service").values(needs_second_factor=what == "needs_second_factor"))
        assert office.ask(f"/files/{office.licence}", held_up).status == 401
        assert office.ask("/media/x.pdf", held_up).status == 401

    def test_a_disabled_user_gets_nothing_more(self, office: Office) -> None:
        leaver = factories.make_user(role="administrator", username="leaver")
        token = session_of(leaver)
        assert ask(office.server, f"/files/{office.licence}", **{COOKIE: token}).status == 200
        with db.transaction(SYSTEM) as session:
            session.get_one(User, leaver.id).is_active = False
        assert ask(office.server, f"/files/{office.licence}", **{COOKIE: token}).status == 401


class TestSignIn:
    def enter(self, office: Office, ticket: str, following: str = "/overview", browser: str = BROWSER) -> Answer:
        return ask(office.server, f"/auth/enter?ticket={ticket}&next={quote(following)}", **{BROWSER_COOKIE: browser})

    def test_a_ticket_becomes_a_cookie_that_scripts_and_other_sites_cannot_use(self, office: Office) -> None:
        answer = self.enter(office, ticket_of(office.sales))
        assert (answer.status, answer.headers["location"]) == (303, "/overview")
        assert answer.headers["cache-control"] == "no-store"
        line = answer.cookies[COOKIE]
        assert "HttpOnly" in line
        assert "samesite=lax" in line.lower()
        assert "secure" not in line.lower()
        token = line.partition("=")[2].partition(";")[0]
        assert ask(office.server, f"/files/{office.licence}", **{COOKIE: token}).status == 200

    def test_collecting_a_session_changes_nothing_of_where_it_was_begun(self, office: Office) -> None:
        with db.transaction(SYSTEM) as session:
            begun = Client("10.1.2.3", "Firefox/140.0 (Windows)", BROWSER)
            ticket = sign_in.open_session(session, office.manager.username, client=begun)
        headers = {"cookie": f"{BROWSER_COOKIE}={BROWSER}", "x-forwarded-for": "202.96.209.5", "user-agent": "Chrome/150.0 (Linux)"}
        request = urllib.request.Request(f"{office.server.url}/auth/enter?ticket={ticket}", headers=headers)
        with pytest.raises(urllib.error.HTTPError), urllib.request.build_opener(_Stay).open(request, timeout=30):
            pass
        with db.reading(SYSTEM) as session:
            kept = select(UserSession).where(UserSession.user_id == office.manager.id).order_by(UserSession.id.desc()).limit(1)
            row = session.execute(kept).scalar_one()
        assert (row.address, row.city, row.device) == ("10.1.2.3", "", "Firefox · Windows")

    def test_a_used_ticket_sets_no_cookie(self, office: Office) -> None:
        ticket = ticket_of(office.sales)
        assert COOKIE in self.enter(office, ticket).cookies
        assert COOKIE not in self.enter(office, ticket).cookies

    def test_a_ticket_of_another_browser_sets_no_cookie(self, office: Office) -> None:
        assert COOKIE not in self.enter(office, ticket_of(office.sales), browser="another").cookies

    def test_an_expired_ticket_sets_no_cookie(self, office: Office) -> None:
        ticket = ticket_of(office.sales)
        with db.transaction(SYSTEM) as session:
            session.execute(update(SignInTicket).values(expires_at=clock.now() - timedelta(seconds=1)))
        assert COOKIE not in self.enter(office, ticket).cookies

    @pytest.mark.parametrize("ticket", ["", "unknown", "%00", "a" * 4000])
    def test_an_unknown_ticket_sets_no_cookie(self, office: Office, ticket: str) -> None:
        answer = self.enter(office, ticket)
        assert answer.status == 303
        assert COOKIE not in answer.cookies

    @pytest.mark.parametrize("route", ["/auth/enter?ticket=x&", "/auth/language/en?", "/auth/theme/dark?"])
    @pytest.mark.parametrize("following", ELSEWHERE)
    def test_the_address_afterwards_stays_on_this_host(self, office: Office, route: str, following: str) -> None:
        location = office.ask(f"{route}next={quote(following, safe='')}").headers["location"]
        assert location.startswith("/")
        assert not re.match(r"/[\s\\]*[/\\]", location)

    def test_leaving_ends_the_session_and_drops_the_cookie(self, office: Office) -> None:
        token = session_of(office.sales)
        answer = ask(office.server, "/auth/leave", **{COOKIE: token})
        assert (answer.status, answer.headers["location"]) == (303, "/")
        assert "max-age=0" in answer.cookies[COOKIE].lower()
        assert ask(office.server, f"/files/{office.licence}", **{COOKIE: token}).status == 401

    def test_a_cookie_with_markup_or_a_strange_theme_is_not_echoed(self, office: Office) -> None:
        answer = office.ask("/auth/theme/%3Cscript%3E")
        assert "script" not in "".join(answer.cookies.values())
        assert "kemai_language=zh_CN" in office.ask("/auth/language/%3Cscript%3E").cookies["kemai_language"]


def connect(server: Server, *, origin: str, cookie: str) -> websocket.WebSocket:
    address = server.url.replace("http", "ws") + "/_stcore/stream"
    return websocket.create_connection(address, subprotocols=["streamlit"], origin=origin, cookie=cookie, timeout=PATIENCE)


def converse(server: Server, page: str, **cookies: str) -> list[ForwardMsg]:
    """Open a page over the websocket, as Streamlit's front end does, and read until the script has finished."""
    connection = connect(server, origin=server.url, cookie="; ".join(f"{name}={value}" for name, value in cookies.items()))
    message = BackMsg()
    message.rerun_script.page_name = page
    connection.send_binary(message.SerializeToString())
    received = []
    while not received or received[-1].WhichOneof("type") != "script_finished":
        forward = ForwardMsg()
        forward.ParseFromString(connection.recv())
        received.append(forward)
        if forward.WhichOneof("type") == "script_finished" and forward.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            received.append(ForwardMsg())
    connection.close()
    return received


class TestPages:
    @pytest.mark.parametrize("page", ["", "customers", "intake", "overview", "settings", "customer"])
    def test_a_page_over_the_websocket_leaves_no_warning_on_the_console(self, office: Office, page: str) -> None:
        messages = converse(office.server, page, **{COOKIE: session_of(office.sales)})
        titles = [message.delta.new_element.heading.body for message in messages if message.delta.new_element.HasField("heading")]
        assert titles
        assert not any(message.delta.new_element.HasField("exception") for message in messages)
        assert_quiet(office.server)

    @pytest.mark.parametrize("page", ["customers", "overview"])
    def test_signed_out_the_websocket_gives_the_sign_in_form(self, office: Office, page: str) -> None:
        elements = [message.delta.new_element for message in converse(office.server, page) if message.HasField("delta")]
        assert "sign_in" in str(elements)
        assert not any(element.HasField("dataframe") or element.HasField("metric") for element in elements)

    def test_another_site_cannot_open_the_websocket_of_a_signed_in_browser(self, office: Office) -> None:
        cookie = f"{COOKIE}={session_of(office.sales)}"
        with pytest.raises((websocket.WebSocketException, OSError)):
            connect(office.server, origin="https://evil.example", cookie=cookie).recv()


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    """Starts servers and ends those that are left."""
    monkeypatch.delenv("CRM_DATABASE_URL", raising=False)
    running: list[Server] = []

    def begin(folder: Path = tmp_path, *, is_cold: bool = False, **environment: str) -> Server:
        folder.mkdir(exist_ok=True)
        running.append(Server(folder, environment=environment, is_cold=is_cold).start())
        return running[-1]

    yield begin
    for server in running:
        if server.process and server.process.poll() is None:
            server.stop()


class TestProcess:
    def test_a_first_start_prints_the_setup_code_and_sigterm_ends_it_quietly(self, start: Callable[..., Server]) -> None:
        server = start(is_cold=True)
        assert CODE.findall(server.console) == [(server.folder / "setup-code").read_text()]
        converse(server, "")
        began = time.monotonic()
        assert server.stop() in ENDED
        assert time.monotonic() - began < PATIENCE
        assert_quiet(server)
        assert f"running on {server.url}" in server.console

    def test_the_code_is_printed_only_while_there_is_no_user_and_cookies_are_secure_where_asked(
        self, start: Callable[..., Server], sales: Actor, tmp_path: Path
    ) -> None:
        folder = tmp_path / "var"
        server = start(folder, CRM_SECURE_COOKIES="1")
        assert CODE.findall(server.console) == []
        assert not (folder / "setup-code").exists()
        cookies = ask(server, f"/auth/enter?ticket={ticket_of(sales)}", **{BROWSER_COOKIE: BROWSER}).cookies
        assert re.search(r";\s*secure", cookies[COOKIE], re.IGNORECASE)
        assert re.search(r";\s*secure", ask(server, "/auth/language/en").cookies["kemai_language"], re.IGNORECASE)

    def test_a_second_process_works_on_the_same_database(self, start: Callable[..., Server], sales: Actor, tmp_path: Path) -> None:
        first, second = start(tmp_path / "var"), start(tmp_path / "var")
        assert first.port != second.port
        ticket = ticket_of(sales)
        token = ask(first, f"/auth/enter?ticket={ticket}", **{BROWSER_COOKIE: BROWSER}).cookies[COOKIE].partition("=")[2].partition(";")[0]
        assert "list_filters" in str(converse(second, "customers", **{COOKIE: token}))
        assert {first.stop(), second.stop()} <= {*ENDED}
        assert_quiet(first)

    def test_streamlit_run_serves_the_same_pages(
        self, start: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = ["--server.address", "127.0.0.1", "--server.port"]
        monkeypatch.setattr(Server, "arguments", property(lambda server: ["streamlit", "run", "app.py", *place, str(server.port)]))
        server = start(is_cold=True)
        page = ask(server, "/customers")
        assert b"/kemai/boot.js" in page.body
        assert page.headers["x-frame-options"] == "DENY"
        assert "setup_code" in str(converse(server, "customers"))
        assert server.stop() in ENDED
        assert "Traceback" not in server.console


def test_a_port_in_use_is_told_and_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRM_DATABASE_URL", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RuntimeError, match="address already in use"):
            Server(tmp_path, port=taken.getsockname()[1]).start()
