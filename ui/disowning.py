"""What the page "this was not me" asks and does; it works for somebody who is not signed in."""

import streamlit as st

from crm_core import db
from crm_core.i18n import use_language
from crm_core.services import arrivals
from ui import feedback


def usable_token() -> str | None:
    """The token in the page's address while it is good; the page then speaks the language of the account."""
    token = st.query_params.get("token", "")
    with feedback.attempt(show=False) as outcome, db.reading() as session:
        use_language(arrivals.language_of_link(session, token))
    return token if outcome.succeeded else None


def disown(token: str) -> None:
    """Block the account, and say so on the page that is drawn next."""
    with feedback.attempt() as outcome, db.transaction(st.session_state["actor"]) as session:
        arrivals.disown(session, token)
    if outcome.succeeded:
        st.session_state["disowned"] = True
        st.rerun()
