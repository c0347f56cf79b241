"""The server: Streamlit's pages together with what is not a page (sign-in cookie, files, health), headers and start-up."""

import gc
import hashlib
import importlib
import logging
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import streamlit as st
from PIL import Image
from sqlalchemy.orm import configure_mappers
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

import crm_core
import ui
from crm_core import db, places, reference, schema
from crm_core.background import Background
from crm_core.clients import client_address
from crm_core.config import settings
from crm_core.errors import CrmError, NotFound
from crm_core.i18n import LANGUAGES, _, catalogue, use_language
from crm_core.permissions import Actor
from crm_core.services import attachments, calendar_feed, file_store, library, pictures, sign_in, users
from crm_core.services.reports import making
from ui import provider
from ui.guard import BROWSER_COOKIE, COOKIE, LANGUAGE_COOKIE
from ui.web.middleware import Shell, asset_route, note_error

log = logging.getLogger("kemai")

LARGEST_KEY = 2**63 - 1
LIBRARIES = (
    "openpyxl",
    "pandas",
    "plotly.graph_objects",
    "pyarrow.pandas_compat",
    "python_calamine",
    "streamlit.emojis",
    "streamlit.material_icon_names",
    "streamlit_authenticator",
)


def health(_request: Request) -> Response:
    """Whether the process answers and reaches its database."""
    with db.reading() as session:
        users.has_users(session)
    return JSONResponse({"status": "ok"})


def safe_path(path: str) -> str:
    """Only a path of this host is followed, so that a link cannot lead a freshly signed-in browser elsewhere."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


def enter(request: Request) -> Response:
    """Turn a one-time ticket into the session cookie and go on to the page asked for."""
    with db.transaction() as session:
        token = sign_in.redeem_ticket(session, request.query_params.get("ticket", ""), browser=request.cookies.get(BROWSER_COOKIE, ""))
    response = RedirectResponse(safe_path(request.query_params.get("next", "/")), status_code=303, headers={"cache-control": "no-store"})
    if token:
        lifetime = settings().session_absolute_days * 86400
        response.set_cookie(COOKIE, token, max_age=lifetime, httponly=True, samesite="lax")
    return response


def leave(request: Request) -> Response:
    """Sign out: end the session on the server and drop the cookie."""
    if token := request.cookies.get(COOKIE):
        with db.transaction() as session:
            sign_in.close_session(session, token)
    # Streamlit's own route forgets what the provider said, and tells the provider where that is possible.
    following = "/auth/logout" if provider.IDENTITY_COOKIE in request.cookies else "/"
    response = RedirectResponse(following, status_code=303, headers={"cache-control": "no-store"})
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
    return response


def choose_language(request: Request) -> Response:
    """Remember the interface language in the browser, where the words of Streamlit's own parts are chosen."""
    return _remember(request, LANGUAGE_COOKIE, "en" if request.path_params["language"] == "en" else "zh_CN")


def choose_theme(request: Request) -> Response:
    """Remember light or dark; anything else means to follow the system."""
    theme = request.path_params["theme"]
    return _remember(request, "kemai_theme", theme if theme in ("light", "dark") else "")


def _remember(request: Request, cookie: str, value: str) -> Response:
    response = RedirectResponse(safe_path(request.query_params.get("next", "/")), status_code=303, headers={"cache-control": "no-store"})
    if value:
        response.set_cookie(cookie, value, max_age=365 * 86400, samesite="lax")
    else:
        response.delete_cookie(cookie, samesite="lax")
    return response


def _signed_in(request: Request) -> Actor | None:
    with db.reading() as session:
        actor = sign_in.find_actor(session, request.cookies.get(COOKIE))
    return None if actor is None or actor.is_held_up else actor


def send_file(request: Request) -> Response:
    """An attachment, for a signed-in user within whose scope it lies."""
    actor = _signed_in(request)
    if actor is None:
        return PlainTextResponse(_("Sign in first, then open this file again."), status_code=401)
    use_language(actor.language)
    number = min(request.path_params["attachment_id"], LARGEST_KEY)
    try:
        with db.transaction(actor) as session:
            file = attachments.open_attachment(session, actor, number)
    except NotFound as problem:
        return PlainTextResponse(str(problem), status_code=404)
    except CrmError as problem:
        return PlainTextResponse(str(problem), status_code=403)
    disposition = f"inline; filename*=UTF-8''{quote(file.filename)}"
    return Response(
        file.content, media_type=file.media_type, headers={"content-disposition": disposition, "cache-control": "private, no-store"}
    )


def send_report(request: Request) -> Response:
    """A report, for its owner, as long as they may take data out."""
    actor = _signed_in(request)
    if actor is None:
        return PlainTextResponse(_("Sign in first, then open this file again."), status_code=401)
    use_language(actor.language)
    try:
        with db.transaction(actor) as session:
            file = making.open_report(session, actor, min(request.path_params["report_id"], LARGEST_KEY))
    except NotFound as problem:
        return PlainTextResponse(str(problem), status_code=404)
    except CrmError as problem:
        return PlainTextResponse(str(problem), status_code=403)
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(file.filename)}", "cache-control": "private, no-store"}
    return Response(file.content, media_type=file.media_type, headers=headers)


def send_picture(request: Request) -> Response:
    """The picture of a colleague, for everybody who is signed in."""
    actor = _signed_in(request)
    if actor is None:
        return Response(status_code=401)
    try:
        with db.reading(actor) as session:
            digest = pictures.picture_digest(session, request.path_params["digest"])
    except NotFound:
        return Response(status_code=404)
    return Response(file_store.load_file(digest), media_type="image/png", headers={"cache-control": "private, max-age=86400, immutable"})


def send_calendar(request: Request) -> Response:
    """Somebody's tasks for their calendar program, which has no session: the secret in the address says whose they are."""
    with db.transaction() as session:
        found = calendar_feed.read_feed(session, request.path_params["token"], address=_address(request))
    if found.is_refused:
        return Response(status_code=429, headers={"retry-after": "600"})
    if not found.content:
        return Response(status_code=404)
    etag = f'"{hashlib.sha256(found.content).hexdigest()[:32]}"'
    headers = {"cache-control": "private, no-cache", "etag": etag, "x-robots-tag": "noindex"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    headers["content-disposition"] = 'inline; filename="kemai.ics"'
    return Response(found.content, media_type="text/calendar; charset=utf-8", headers=headers)


def _address(request: Request) -> str:
    peer = request.client.host if request.client else ""
    return client_address(peer, ",".join(request.headers.getlist("x-forwarded-for")))


def report_script_error(problem: Exception) -> bool:
    """An unexpected error: logged with an id, and the user sees only that id."""
    st.error(note_error(problem), icon=":material/error:")
    return True


def prepare() -> None:
    """Migrate, remove files left over, tell how to begin, and load what every page needs, so that no visitor waits for it."""
    schema.upgrade_database()
    with db.reading() as session:
        file_store.remove_unused_files(session)
        if not users.has_users(session):
            hint = _("Open the page in a browser and enter this code to begin:")
            print(f"\n  {hint} {sign_in.setup_code()}\n", flush=True)
    load_libraries()
    with db.reading() as session:
        library.get_library(session)


def load_libraries() -> None:
    """Import what pages import, and read the reference tables, before the first request."""
    # The authenticator touches Streamlit's session while it is imported, and Streamlit warns that there is none yet.
    context_log = logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context")
    context_log.setLevel(logging.ERROR)
    own = [module.name for package in (crm_core, ui) for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    for name in (*LIBRARIES, *own):
        if ".migrations" not in name and not name.endswith("__main__"):
            importlib.import_module(name)
    configure_mappers()
    Image.init()
    context_log.setLevel(logging.NOTSET)
    reference.children_of("")
    places.searcher()
    for language in LANGUAGES:
        catalogue(language)


def _is_no_connection(line: logging.LogRecord) -> bool:
    return line.levelno >= logging.WARNING or not line.getMessage().endswith(("[accepted]", "connection open", "connection closed"))


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Prepare, then take all start-up objects out of the collector's sight; at the end stop background work, close the database.

    Whenever Python collects garbage, looking at the libraries' objects would be most of the work, and somebody's rerun waits for it.
    """
    # Streamlit raises the level of uvicorn's loggers; a line for every request and connection would bury what matters.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_no_connection)
    await run_in_threadpool(prepare)
    gc.collect()
    gc.freeze()
    background = Background() if settings().works else None
    if background:
        background.start()
    yield
    if background:
        await run_in_threadpool(background.stop)
    db.engine().dispose()


app = st.App(
    Path(__file__).parent / "pages" / "frame.py",
    secrets=provider.secrets_for_streamlit(),
    lifespan=lifespan,
    routes=[
        Route("/healthz", health),
        Route("/auth/enter", enter),
        Route("/auth/leave", leave),
        Route("/auth/language/{language}", choose_language),
        Route("/auth/theme/{theme}", choose_theme),
        Route("/files/{attachment_id:int}", send_file),
        Route("/files/reports/{report_id:int}", send_report),
        Route("/pictures/{digest}", send_picture),
        Route("/calendar/{token}.ics", send_calendar),
        asset_route,
    ],
    middleware=[Middleware(Shell)],
    on_script_error=report_script_error,
)
