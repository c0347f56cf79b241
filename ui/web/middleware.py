"""Middleware: security headers on every answer, and the page shell with the user's language, our style and first script."""

import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_core import crypto, db
from crm_core.config import settings
from crm_core.services import sign_in
from ui.guard import COOKIE, LANGUAGE_COOKIE

FOLDER = Path(__file__).parent
BROWSER_COOKIE = "kemai_browser"
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
    """Completes every answer: security headers, and in Streamlit's HTML page the language, our style and first script."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and complete its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _needs_sign_in(scope["path"]) and not await run_in_threadpool(_is_signed_in, Request(scope)):
            await Response(status_code=401)(scope, receive, _Answer(send, Request(scope)).send)
            return
        is_page = "." not in scope["path"].rpartition("/")[2] and not scope["path"].startswith(("/_stcore/", "/files/", "/auth/"))
        if is_page:
            scope = {**scope, "headers": [header for header in scope["headers"] if header[0] not in _CONDITIONAL]}
        await self.app(scope, receive, _Answer(send, Request(scope)).send)


def _needs_sign_in(path: str) -> bool:
    # Streamlit itself takes uploads from, and gives downloads to, everybody who knows an address. Its own pictures are public.
    return path.startswith("/_stcore/upload_file/") or (path.startswith("/media/") and not path.endswith(".png"))


def _is_signed_in(request: Request) -> bool:
    with db.reading() as session:
        return sign_in.find_actor(session, request.cookies.get(COOKIE)) is not None


_CONDITIONAL = (b"accept-encoding", b"if-none-match", b"if-modified-since")


class _Answer:
    """One answer on its way out; an HTML page is held back until it is complete."""

    def __init__(self, send: Send, request: Request) -> None:
        self._send, self._request = send, request
        self._language = "en" if request.cookies.get(LANGUAGE_COOKIE) == "en" else "zh-CN"
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message["headers"]))
            for name, value in PLAIN_HEADERS.items():
                headers.setdefault(name, value)
            if self._request.url.path == "/auth/login":
                headers.append("set-cookie", f"{FOLLOWING_COOKIE}={self._page_before()}; Path=/; HttpOnly; SameSite=Lax{self._secure()}")
            message = {**message, "headers": headers.raw}
            if Headers(raw=headers.raw).get("content-type", "").startswith("text/html"):
                self._start = message
                return
        if self._start is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body"):
            await self._send_page()

    async def _send_page(self) -> None:
        assert self._start is not None
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
            headers.append("set-cookie", f"{BROWSER_COOKIE}={crypto.token()}; Path=/; HttpOnly; SameSite=Lax{self._secure()}")
        await self._send({**self._start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": page})
        self._start = None

    def _page_before(self) -> str:
        page = urlsplit(self._request.headers.get("referer", ""))
        return quote(f"{page.path}?{page.query}" if page.query else page.path)[:LONGEST_FOLLOWING]

    def _secure(self) -> str:
        return "; Secure" if settings().secure_cookies or self._request.url.scheme == "https" else ""


def send_asset(request: Request) -> Response:
    """Our style sheet or first script; their address changes with their content, so they are kept for good."""
    name = request.path_params["name"]
    if name not in _ASSETS:
        return Response(status_code=404)
    return FileResponse(FOLDER / name, media_type=_ASSETS[name], headers={"cache-control": "public, max-age=31536000, immutable"})


asset_route = Route("/kemai/{name}", send_asset)
