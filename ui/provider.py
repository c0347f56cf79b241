"""The company's OpenID Connect provider: what Streamlit must know of it, the button, and the way back from it.

Streamlit speaks with the provider and keeps what it said in a cookie of its own. That cookie opens nothing: what it says
is traded for our session while it is fresh (`crm_core.services.provider_sign_in`).
"""

import secrets
from typing import Any
from urllib.parse import unquote

import streamlit as st

from crm_core import db
from crm_core.config import settings
from crm_core.i18n import _
from crm_core.services import passwords, provider_sign_in
from crm_core.services.provider_sign_in import Identity
from ui import feedback, guard
from ui.web.middleware import FOLLOWING_COOKIE

IDENTITY_COOKIE = "_streamlit_user"
"""Streamlit's own; its presence at sign-out means that the provider is to be told as well."""


def secrets_for_streamlit() -> dict[str, Any] | None:
    """What `st.login` reads; None where no provider is set.

    The secret of the cookie lives as long as the process, so what a provider said is forgotten with it.
    """
    chosen = settings()
    if not chosen.has_oidc:
        return None
    auth = {
        "redirect_uri": f"{chosen.base_url}/oauth2callback",
        "cookie_secret": secrets.token_urlsafe(32),
        "client_id": chosen.oidc_client_id,
        "client_secret": chosen.oidc_client_secret,
        "server_metadata_url": f"{chosen.oidc_issuer}/.well-known/openid-configuration",
    }
    return {"auth": auth}


def draw_button() -> None:
    """The way to the provider, where there is one."""
    chosen = settings()
    if not chosen.has_oidc:
        return
    label = _("Sign in with {provider}").format(provider=feedback.escape(chosen.oidc_label))
    if st.button(label, key="provider_sign_in", icon=":material/login:", width="stretch"):
        st.login()


def returned() -> tuple[str, str] | None:
    """Ticket and account of somebody whom the provider has just sent back; says why where it lets nobody in."""
    if not settings().has_oidc or not st.user.get("is_logged_in"):
        return None
    with feedback.attempt():
        identity = provider_sign_in.identity_of(st.user.to_dict())
        return _begin(identity) if identity else None
    return None


def _begin(identity: Identity) -> tuple[str, str] | None:
    with db.reading() as session:
        is_new = provider_sign_in.needs_account(session, identity)
    password_hash = passwords.hash_password(passwords.random_password()) if is_new else ""
    with db.transaction() as session:
        if is_new:
            provider_sign_in.create_account(session, identity, password_hash=password_hash)
        return provider_sign_in.open_session(session, identity, client=guard.client())


def following() -> str:
    """The page asked for before; the route that follows it checks it."""
    return unquote(guard.cookie(FOLLOWING_COOKIE)) or "/"
