"""Sending the browser to another address of this host, and the address it is at."""

from urllib.parse import quote, urlencode, urlsplit

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx

from crm_core.config import settings


def redirect(path: str) -> None:
    """Leave the page for another address, as `st.login` does: the browser loads it anew."""
    message = ForwardMsg()
    message.auth_redirect.url = path
    if context := get_script_run_ctx():
        context.enqueue(message)
    st.stop()


def current_path() -> str:
    """The path and query at which the page was opened."""
    path = urlsplit(st.context.url or "/").path or "/"
    query = urlencode([(name, value) for name in st.query_params for value in st.query_params.get_all(name)])
    return f"{path}?{query}" if query else path


def with_next(path: str, following: str) -> str:
    """An address that leads on to `following` afterwards."""
    return f"{path}{'&' if '?' in path else '?'}next={quote(following, safe='')}"


def is_phone() -> bool:
    """Whether the browser says that it runs on a phone; what a page opens with may depend on it, never what it can do."""
    return "Mobi" in (st.context.headers.get("User-Agent") or "")


def own_address() -> str:
    """The address under which this system is reached, for links that are copied or printed: the one set for it, else that of this page."""
    scheme, _slashes, rest = str(st.context.url or "").partition("://")
    return settings().base_url or (f"{scheme}://{rest.partition('/')[0]}" if rest else "")
