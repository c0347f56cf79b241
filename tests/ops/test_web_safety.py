"""What the server tells whom: headers on every route, nothing for strangers, no word of what went wrong inside."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import websocket
from icalendar import Calendar
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from crm_core import clock, db
from crm_core.models import Role, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.schema import upgrade_database
from crm_core.services import attachments, calendar_feed, pictures, tasks
from crm_core.services.file_store import store_file
from tests import factories
from tests.browser.conftest import Server
from tests.conftest import forget_settings, use_database
from tests.core.test_pictures import picture
from tests.ops.test_server import BROWSER, connect, converse, session_of, ticket_of
from ui.guard import COOKIE
from ui.web.middleware import BROWSER_COOKIE

NAME = "杭州恒远精密机械有限公司"
TRACES = re.compile(r"Traceback|File \"|\.py\b|sqlalchemy|site-packages|ValueError")


@dataclass
class House:
    """A running server with a customer, a file and a picture, and somebody for whom everything fails."""

    server: Server
    sales: Actor
    unlucky: Actor
    file: str
    picture: str

    def ask(self, path: str, who: Actor | None = None, *, method: str = "GET", **options: Any) -> requests.Response:
        cookies = {COOKIE: session_of(who)} if who else {}
        return requests.request(method, self.server.url + path, cookies=cookies, allow_redirects=False, timeout=60, **options)


@pytest.fixture(scope="module", params=["", "1"], ids=["plain", "secure"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patch:
        use_database(patch, folder, "")
        upgrade_database()
        sales, unlucky = factories.make_user(username="sales"), factories.make_user(username="unlucky", role="viewer")
        customer = factories.make_customer(sales, name=NAME)
        digest = pictures.store_picture(picture())
        with db.transaction(sales) as session:
            file = attachments.add_attachment(
                session, sales, file=store_file(factories.PDF), type="attachment_type.other", customer_id=customer.id
            )
            pictures.set_picture(session, sales, digest)
        server = Server(folder, environment={"CRM_SECURE_COOKIES": request.param}).start()
        yield House(server, sales, unlucky, f"/files/{file.id}", f"/pictures/{digest}")
        server.stop()
        forget_settings()


plain = pytest.mark.parametrize("house", [""], indirect=True, ids=["plain"])
secure = pytest.mark.parametrize("house", ["1"], indirect=True, ids=["secure"])

PAGES = ("/", "/customers", "/customer?code=CUS202601001", "/unknown", "/unknown/deep", "/app/static/x")
PUBLIC = ("/healthz", "/kemai/style.css", "/kemai/boot.js", "/_stcore/health", "/_stcore/host-config")
STEPS = ("/auth/enter", "/auth/leave", "/auth/language/en", "/auth/theme/dark", "/auth/login", "/auth/logout", "/oauth2callback")
GUARDED = ("file", "picture", "/files/999", "/pictures/" + "0" * 64, "/media/x", "/media/x.png", "/_stcore/upload_file/a/b")
CLOSED = (
    "/_stcore/metrics",
    "/_stcore/agent/openapi.json",
    "/_stcore/agent/interact",
    "/_stcore/agent/mcp",
    "/_stcore/script-health-check",
)
MISSING = ("/kemai/x.js", "/component/x/y", "/_stcore/bidi-components/x/y", "/auth/unknown", "/static/x.js", "/files/x", "/pictures/x/y")
MISSING += ("/calendar/x.ics", "/calendar/x/y.ics")
STRANGE = (
    "/..%2f..%2fetc/passwd",
    "/static/..%2f..%2fapp.py",
    "/kemai/..%2fmiddleware.py",
    "/media/..%2f..%2fsecret.key",
    "//evil.example/",
)
ROUTES = (*PAGES, *PUBLIC, *STEPS, *GUARDED, *CLOSED, *MISSING, *STRANGE)


def address(house: House, route: str) -> str:
    return {"file": house.file, "picture": house.picture}.get(route, route)


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_answers_with_headers_that_keep_browsers_safe(house: House, route: str) -> None:
    headers = house.ask(address(house, route), headers={"origin": "https://evil.example"}).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert ("default-src 'none'" in headers["content-security-policy"]) is headers.get("content-type", "").startswith("text/html")
    assert [name for name in headers if name.lower().startswith("access-control-")] == []
    is_secure = house.server.environment["CRM_SECURE_COOKIES"] == "1"
    assert ("strict-transport-security" in headers) is is_secure


@plain
@pytest.mark.parametrize("route", ROUTES)
def test_strangers_get_no_data_from_any_route(house: House, route: str) -> None:
    answer = house.ask(address(house, route))
    for kept in (NAME.encode(), factories.PDF, picture()[:60], b"root:", b"import "):
        assert kept not in answer.content
    expected = {401} if route in GUARDED or route.startswith("/media/") else {404} if route in CLOSED else {200, 302, 303, 400, 404}
    assert answer.status_code in expected


@plain
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"])
def test_no_other_method_opens_anything(house: House, method: str) -> None:
    for route in ROUTES:
        answer = house.ask(address(house, route), method=method)
        assert answer.status_code < 500
        assert NAME.encode() not in answer.content
        if route in GUARDED:
            assert answer.status_code in (401, 405)


@plain
@pytest.mark.parametrize("page", ["", "customers", "settings", "users"])
def test_the_websocket_gives_strangers_the_sign_in_form_only(house: House, page: str) -> None:
    for cookies in ({}, {COOKIE: "nonsense"}, {"_streamlit_user": "nonsense"}):
        received = str(converse(house.server, page, **cookies))
        assert "sign_in" in received
        assert "user_menu" not in received


@plain
def test_the_signed_in_get_pictures_and_files_and_the_signed_out_the_logo(house: House) -> None:
    shown = house.ask(house.picture, house.sales)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    assert house.ask(house.file, house.sales).content == factories.PDF
    images = set(re.findall(r"/media/\w+\.png", str(converse(house.server, ""))))
    assert images
    assert {house.ask(image).status_code for image in images} == {200}


OWN_STEPS = ("/auth/leave", "/auth/language/en", "/auth/theme/dark", "/auth/login", "/auth/logout")


@plain
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("step", OWN_STEPS)
def test_a_page_of_another_host_changes_nothing(house: House, step: str, site: str) -> None:
    token = session_of(house.sales)
    answer = requests.get(
        house.server.url + step, cookies={COOKIE: token}, headers={"sec-fetch-site": site}, allow_redirects=False, timeout=30
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "set-cookie" not in answer.headers
    assert requests.get(house.server.url + house.file, cookies={COOKIE: token}, timeout=30).status_code == 200


@plain
@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:9", "http://127.0.0.1:9", "null", "file://"])
def test_no_other_origin_opens_the_websocket_of_a_signed_in_browser(house: House, origin: str) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        connect(house.server, origin=origin, cookie=f"{COOKIE}={session_of(house.sales)}")
    assert refusal.value.status_code == 403


@plain
@pytest.mark.parametrize("route", ["/", "/customers/", "/auth/leave", "/auth/language/en", "/auth/login", "/oauth2callback", "/unknown/"])
def test_a_foreign_host_header_leads_nowhere(house: House, route: str) -> None:
    answer = house.ask(route, headers={"host": "evil.example", "x-forwarded-host": "evil.example"})
    assert "evil.example" not in str(answer.headers) + answer.text
    assert not urlsplit(answer.headers.get("location", "/")).netloc


@plain
@pytest.mark.parametrize("path", ["/files/1", "/"])
def test_oversized_headers_are_refused(house: House, path: str) -> None:
    with socket.create_connection(("127.0.0.1", house.server.port), timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nx-long: {'x' * 200_000}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 4")


MB = 1024 * 1024


@plain
@pytest.mark.parametrize("is_chunked", [False, True], ids=["with its length", "in chunks"])
def test_an_upload_above_the_limit_is_refused_while_it_comes(house: House, is_chunked: bool) -> None:
    token = session_of(house.sales)
    with requests.Session() as browser:
        browser.cookies.set(COOKIE, token)
        browser.get(house.server.url + "/_stcore/health")
        page, name = live_page(house, token)
        path = f"/_stcore/upload_file/{name}/one"
        headers = {"x-xsrftoken": browser.cookies["_streamlit_xsrf"], "content-type": "multipart/form-data; boundary=b"}
        begin = b'--b\r\ncontent-disposition: form-data; name="f"; filename="x"\r\n\r\n'
        small = browser.put(house.server.url + path, data=begin + b"x\r\n--b--\r\n", headers=headers, timeout=60)
        assert small.status_code == 204
        assert browser.put(house.server.url + path, data=begin, timeout=60).status_code == 403, "without the token of our own page"
        parts = (begin, *(bytes(MB) for _part in range(62)))
        try:
            answer = browser.put(house.server.url + path, data=iter(parts) if is_chunked else b"".join(parts), headers=headers, timeout=60)
        except requests.ConnectionError:
            return  # refused before all of it was sent
        assert answer.status_code == 413
        page.close()


def live_page(house: House, token: str) -> tuple[websocket.WebSocket, str]:
    """An open page of the signed-in browser, and the name that Streamlit gave it."""
    connection = connect(house.server, origin=house.server.url, cookie=f"{COOKIE}={token}")
    message = ForwardMsg()
    ask = BackMsg()
    ask.rerun_script.page_name = "home"
    connection.send_binary(ask.SerializeToString())
    while not message.HasField("new_session"):
        message.ParseFromString(connection.recv())
    return connection, message.new_session.initialize.session_id


@secure
def test_behind_tls_every_cookie_is_secure(house: House) -> None:
    enter = f"/auth/enter?ticket={ticket_of(house.sales)}"
    lines = []
    for path in (enter, "/", "/auth/language/en", "/auth/theme/dark", "/auth/leave", "/_stcore/health", "/auth/login", "/auth/logout"):
        answer = requests.get(
            house.server.url + path, cookies={BROWSER_COOKIE: BROWSER} if path == enter else {}, allow_redirects=False, timeout=30
        )
        lines += answer.raw.headers.getlist("set-cookie")
    assert {line.partition("=")[0] for line in lines} >= {COOKIE, BROWSER_COOKIE, "kemai_language", "kemai_theme", "_streamlit_xsrf"}
    assert [line for line in lines if "; secure" not in line.lower()] == []
    assert [line for line in lines if "samesite=lax" not in line.lower()] == []
    assert "httponly" in next(line for line in lines if line.startswith(f"{COOKIE}=")).lower()


@plain
@pytest.mark.parametrize(("language", "word"), [("en", "administrator"), ("zh_CN", "管理员")])
def test_an_error_inside_is_told_by_a_number_that_the_log_explains(house: House, language: str, word: str) -> None:
    token = session_of(house.unlucky)
    with db.transaction(SYSTEM) as session:
        role = session.get_one(Role, session.get_one(User, house.unlucky.id).role_id)
        role.scope = "nonsense"
    for path in (house.file, house.picture):
        answer = requests.get(house.server.url + path, cookies={COOKIE: token, "kemai_language": language}, timeout=30)
        assert answer.status_code == 500
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert word in answer.text
        assert not TRACES.search(answer.text)
        assert_explained(house, answer.text)
    received = str([message.delta for message in converse(house.server, "customers", **{COOKIE: token}) if message.HasField("delta")])
    assert not TRACES.search(received)
    assert "exception {" not in received
    assert_explained(house, received)


def assert_explained(house: House, text: str) -> None:
    numbers = re.findall(r"\b[0-9a-f]{8}\b", text)
    assert any(f"error {number}\nTraceback" in house.server.console for number in numbers), text[-800:]


def test_doors_for_developers_are_shut() -> None:
    shut = {"server.enableAgentApi": False, "server.enableStaticServing": False, "server.scriptHealthCheckEnabled": False}
    shut |= {"client.toolbarMode": "minimal", "client.showErrorDetails": "none", "global.developmentMode": False}
    shut |= {"server.enableXsrfProtection": True, "server.enableCORS": True, "browser.gatherUsageStats": False}
    assert {name: config.get_option(name) for name in shut} == shut


@plain
class TestCalendarLink:
    def link(self, house: House) -> str:
        with db.transaction(house.sales) as session:
            return calendar_feed.feed_path(calendar_feed.renew_feed(session, house.sales))

    def test_a_program_without_a_session_reads_it_and_asks_again_cheaply(self, house: House) -> None:
        with db.transaction(house.sales) as session:
            due = clock.today() + timedelta(days=1)
            tasks.create_task(session, house.sales, name="寄样品", assignee_id=house.sales.id or 0, due_on=due)
        link = self.link(house)
        answer = house.ask(link)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
        assert answer.headers["cache-control"] == "private, no-cache"
        assert "set-cookie" not in answer.headers
        assert "寄样品" in [str(event["summary"]) for event in Calendar.from_ical(answer.content).walk("VEVENT")]
        again = house.ask(link, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")

    def test_an_ended_link_and_that_of_a_disabled_account_are_not_found(self, house: House) -> None:
        old, link = self.link(house), self.link(house)
        assert [house.ask(path).status_code for path in (old, link)] == [404, 200]
        for is_active, status in ((False, 404), (True, 200)):
            with db.transaction(SYSTEM) as session:
                session.get_one(User, house.sales.id).is_active = is_active
            assert house.ask(link).status_code == status

    def test_guessing_is_slowed_down_and_good_links_go_on(self, house: House) -> None:
        link = self.link(house)
        answers = [house.ask(f"/calendar/guess-{number}.ics") for number in range(35)]
        assert {answer.status_code for answer in answers} == {404, 429}
        assert answers[-1].headers["retry-after"] == "600"
        assert house.ask(link).status_code == 200
