"""Who is signed in, and what every page and fragment does before anything else: look the session up again."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from crm_core import db
from crm_core.clients import Client, client_address
from crm_core.db import CrmSession
from crm_core.errors import SignInRefused
from crm_core.i18n import _, use_language
from crm_core.permissions import Actor, Permission, require
from crm_core.services import sign_in
from ui import feedback
from ui.turns import TURNS

Function = TypeVar("Function", bound=Callable[..., Any])

COOKIE = "kemai_session"
LANGUAGE_COOKIE = "kemai_language"
BROWSER_COOKIE = "kemai_browser"
LOOPBACK = "127.0.0.1"


def cookie(name: str) -> str:
    """What the browser keeps under this name; empty for nothing."""
    return st.context.cookies.get(name) or ""


def client() -> Client:
    """The browser of this run."""
    headers = st.context.headers
    peer = st.context.ip_address or LOOPBACK  # Streamlit leaves the address of this very host out
    address = client_address(peer, ",".join(headers.get_all("x-forwarded-for")))
    return Client(address, headers.get("user-agent") or "", cookie(BROWSER_COOKIE))


def load_actor() -> Actor | None:
    """Look up the session behind the browser's cookie and choose the language; once in every run of the script."""
    with db.reading() as session:
        actor = sign_in.find_actor(session, cookie(COOKIE))
    if actor and sign_in.is_use_stale(actor):
        with db.transaction() as session:
            sign_in.note_use(session, actor.session_id or 0)
    st.session_state["actor"] = actor
    use_language(actor.language if actor else cookie(LANGUAGE_COOKIE))
    return actor


def actor() -> Actor:
    """The signed-in user of this run."""
    found: Actor = st.session_state["actor"]
    return found


def page(permission: Permission, *others: Permission) -> Actor:
    """The first statement of a page: stop with an explanation unless the user holds the permission, or one of others that open it too."""
    user = actor()
    st.session_state["page_permissions"] = (permission, *others)
    if not any(user.can(one) for one in (permission, *others)):
        st.session_state["header_place"].title(_("No access"), anchor=False)  # header.title, which builds on this module
        with feedback.attempt():
            require(user, permission)
        st.stop()
    return user


def fragment(function: Function | None = None, **options: Any) -> Any:
    """`st.fragment` that looks the session up again on its own reruns: an ended session acts no more."""
    if function is None:
        return lambda inner: fragment(inner, **options)

    return st.fragment(_guarded(function), **options)


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def guarded(*arguments: Any, **named: Any) -> Any:
        # In a run of the whole page the frame has taken the turn and looked the session up, and the page has checked its permission.
        if not is_own_run():
            return function(*arguments, **named)
        with TURNS.take():
            _look_again()
            return function(*arguments, **named)

    return guarded


def is_own_run() -> bool:
    """Whether only a fragment or dialog is drawn, not the whole page."""
    context = get_script_run_ctx()
    return bool(context and context.fragment_ids_this_run)


def _look_again() -> None:
    user, permissions = load_actor(), st.session_state.get("page_permissions", ())
    if user is None or user.is_held_up or (permissions and not any(user.can(one) for one in permissions)):
        st.rerun()


def again() -> None:
    """Draw the fragment or dialog anew; the whole page, where the action came in a run of the whole page."""
    st.rerun(scope="fragment" if is_own_run() else "app")


def dialog(title: str, function: Callable[..., Any], *arguments: Any) -> None:
    """Open a dialog under a title in the user's language; each of its reruns looks the session up again.

    Once it is dismissed the page runs anew: what was entered in it is forgotten, and the page shows what it changed.
    """
    renew_keys()
    st.dialog(title, width="medium", on_dismiss="rerun")(_guarded(function))(*arguments)


def renew_keys() -> None:
    """What is entered in dialogs from now on has keys of its own: one is opened, or asks for something else."""
    st.session_state["dialog_turn"] = st.session_state.get("dialog_turn", 0) + 1


def key(name: str) -> str:
    """The key of something that is entered in a dialog. It counts the dialogs: of one that was opened from a part of the
    page and dismissed, the browser would show what was entered there in the next one, though the server knows nothing of it.
    """
    return f"{name}~{st.session_state.get('dialog_turn', 0)}"


def at_click(make: Callable[[Actor], bytes]) -> Callable[[], bytes]:
    """The content of a download that is made when it is clicked. That is outside any run, so the session is looked up again then."""
    token = cookie(COOKIE)

    def made() -> bytes:
        with db.reading() as session:
            user = sign_in.find_actor(session, token)
        if user is None or user.is_held_up:
            raise SignInRefused(_("Sign in first, then open this file again."))
        return make(user)

    return made


def reading() -> AbstractContextManager[CrmSession]:
    """A session to read with, for the signed-in user."""
    return db.reading(actor())


def acting() -> AbstractContextManager[CrmSession]:
    """One action of the signed-in user: committed as a whole or not at all."""
    return db.transaction(actor())


def act(told: str, do: Callable[[CrmSession], object]) -> None:
    """Do it and say so, with the whole page drawn anew; otherwise say why not."""
    with feedback.attempt() as outcome, acting() as session:
        do(session)
    if outcome.succeeded:
        feedback.later(told)
        st.rerun(scope="app")
