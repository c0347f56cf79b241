"""Middleware: who is refused before Streamlit answers, headers on every answer, and the page shell with language, style and script."""

import base64
import hashlib
import logging
import re
import uuid
from pathlib import Path
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime.memory_media_file_storage import _calculate_file_id

from crm_core import crypto, db
from crm_core.config import settings
from crm_core.i18n import _, use_language
from crm_core.services import sign_in
from ui.guard import BROWSER_COOKIE, COOKIE, LANGUAGE_COOKIE

log = logging.getLogger("kemai")

FOLDER = Path(__file__).parent
BROWSER_COOKIE_SECONDS = 400 * 86400
"""As long as browsers keep a cookie: by it a browser is known again, and trusted."""
FOLLOWING_COOKIE = "kemai_following"
"""The page from which somebody went to the company's sign-in provider, to go on there afterwards."""
LONGEST_FOLLOWING = 2000
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_ASSETS = {"boot.js": "text/javascript", "style.css": "text/css"}


def _version(name: str) -> str:
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


VERSIONS = {name: _version(name) for name in _ASSETS}
_SHELL = (
    f'<link rel="stylesheet" href="/kemai/style.css?v={VERSIONS["style.css"]}">'
    f'<script src="/kemai/boot.js?v={VERSIONS["boot.js"]}"></script>'
).encode()

PLAIN_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "content-security-policy": "frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


def content_policy(inline_scripts: list[bytes]) -> str:
    """Only this host, and of inline scripts only the ones that stand in Streamlit's own page shell.

    `blob:` carries the scripts of our own components; Streamlit's style library needs inline styles.
    """
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'" for script in inline_scripts)
    return (
        f"default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval' {hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self'; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class Shell:
    """Refuses what no browser of ours asks, and completes every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and complete its answer."""
        if scope["type"] == "websocket" and not _is_own_origin(Headers(scope=scope)):
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._answer(scope, receive, _Answer(send, Request(scope)))
        else:
            await self.app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            if refusal := await _refusal(Request(scope)):
                await refusal(scope, receive, answer.send)
                return
            is_page = "." not in scope["path"].rpartition("/")[2] and not scope["path"].startswith(("/_stcore/", "/files/", "/auth/"))
            if is_page:
                scope = {**scope, "headers": [header for header in scope["headers"] if header[0] not in _CONDITIONAL]}
            await self.app(scope, receive, answer.send)
        except Exception as problem:
            use_language(Request(scope).cookies.get(LANGUAGE_COOKIE))
            sentence = note_error(problem)
            if answer.has_begun:
                raise
            await PlainTextResponse(sentence, status_code=500)(scope, receive, answer.send)


def note_error(problem: Exception) -> str:
    """Log an unexpected error under a number; returns the sentence with that number, which is all that a user sees of it."""
    number = uuid.uuid4().hex[:8]
    log.error("error %s", number, exc_info=problem)
    return _("Something went wrong here. Try again; if it stays, tell your administrator this number: {number}.").format(number=number)


def is_secure(request: Request) -> bool:
    """Whether the browser speaks TLS with us, or with the proxy before us."""
    return settings().secure_cookies or request.url.scheme == "https"


def _is_own_origin(headers: Headers) -> bool:
    # Streamlit also lets in every page on this computer and on its address in the network, and asks a foreign host for the latter.
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host") or origin == settings().base_url


async def _refusal(request: Request) -> Response | None:
    path = request.url.path
    if path.startswith(_CLOSED):
        return Response(status_code=404)
    if path.startswith(_OWN_STEPS) and request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return RedirectResponse("/", status_code=303)
    if _needs_sign_in(path) and not await run_in_threadpool(_is_signed_in, request):
        return Response(status_code=401)
    return None


_CLOSED = ("/_stcore/agent", "/_stcore/metrics", "/_stcore/script-health-check")
"""Streamlit's doors for machines, which know nothing of our users."""
_OWN_STEPS = ("/auth/enter", "/auth/leave", "/auth/language/", "/auth/theme/", "/auth/login", "/auth/logout")
"""They change something in the browser; only our own pages send it there."""


def _media_address(name: str) -> str:
    return f"/media/{_calculate_file_id((FOLDER / name).read_bytes(), 'image/png')}.png"


_PUBLIC_MEDIA = {_media_address("icon.png"), _media_address("logo.png")}


def _needs_sign_in(path: str) -> bool:
    # Streamlit itself takes uploads from, and gives downloads to, everybody who knows an address.
    return path.startswith("/_stcore/upload_file/") or (path.startswith("/media/") and path not in _PUBLIC_MEDIA)


def _is_signed_in(request: Request) -> bool:
    with db.reading() as session:
        actor = sign_in.find_actor(session, request.cookies.get(COOKIE))
    return actor is not None and not actor.is_held_up


_CONDITIONAL = (b"accept-encoding", b"if-none-match", b"if-modified-since")


class _Answer:
    """One answer on its way out; an HTML page is held back until it is complete."""

    def __init__(self, send: Send, request: Request) -> None:
        self._send, self._request = send, request
        self._language = "en" if request.cookies.get(LANGUAGE_COOKIE) == "en" else "zh-CN"
        self._start: Message | None = None
        self._body = b""
        self.has_begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = self._completed(MutableHeaders(raw=list(message["headers"])))
            message = {**message, "headers": headers.raw}
            if headers.get("content-type", "").startswith("text/html"):
                self._start = message
                return
        if self._start is None:
            self.has_begun = True
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body"):
            await self._send_page()

    def _completed(self, headers: MutableHeaders) -> MutableHeaders:
        for name in [name for name in headers if name.startswith("access-control-")]:
            del headers[name]  # no other host asks us anything
        for name, value in PLAIN_HEADERS.items():
            headers.setdefault(name, value)
        if self._request.url.path == "/auth/login" and headers.get("location", "/") != "/":
            headers.append("set-cookie", f"{FOLLOWING_COOKIE}={self._page_before()}; Path=/; HttpOnly; SameSite=Lax")
        if is_secure(self._request):
            headers["strict-transport-security"] = "max-age=31536000"
            cookies = headers.getlist("set-cookie")
            del headers["set-cookie"]
            for cookie in cookies:
                headers.append("set-cookie", cookie if re.search(r";\s*secure", cookie, re.IGNORECASE) else f"{cookie}; Secure")
        return headers

    async def _send_page(self) -> None:
        assert self._start is not None
        self.has_begun = True
        page = self._body.replace(b'<html lang="en">', f'<html lang="{self._language}" translate="no">'.encode())
        page = (
            page.replace(b"<script>", _SHELL + b"<script>", 1) if b"<script>" in page else page.replace(b"</head>", _SHELL + b"</head>", 1)
        )
        headers = MutableHeaders(raw=self._start["headers"])
        for name in ("etag", "last-modified"):
            if name in headers:
                del headers[name]
        headers["content-length"] = str(len(page))
        headers["cache-control"] = "no-cache"
        headers["content-security-policy"] = content_policy(_INLINE_SCRIPT.findall(page))
        if BROWSER_COOKIE not in self._request.cookies:
            secure = "; Secure" if is_secure(self._request) else ""
            lasting = f"Path=/; Max-Age={BROWSER_COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}"
            headers.append("set-cookie", f"{BROWSER_COOKIE}={crypto.token()}; {lasting}")
        await self._send({**self._start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": page})
        self._start = None

    def _page_before(self) -> str:
        page = urlsplit(self._request.headers.get("referer", ""))
        return quote(f"{page.path}?{page.query}" if page.query else page.path)[:LONGEST_FOLLOWING]


def send_asset(request: Request) -> Response:
    """Our style sheet or first script; their address changes with their content, so they are kept for good."""
    name = request.path_params["name"]
    if name not in _ASSETS:
        return Response(status_code=404)
    return FileResponse(FOLDER / name, media_type=_ASSETS[name], headers={"cache-control": "public, max-age=31536000, immutable"})


asset_route = Route("/kemai/{name}", send_asset)
