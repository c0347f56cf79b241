"""Forms of rules: filled in when the page is opened, and saved against what stood there then."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from crm_core.db import CrmSession
from crm_core.errors import Conflict
from crm_core.i18n import _
from crm_core.permissions import Actor
from ui import feedback, guard


def open_form(area: str, values: Mapping[str, Any], version: int) -> None:
    """Put the rules of an area into the form, by the keys of its widgets, when the page is opened, and again once they were saved."""
    # Not what somebody else saved meanwhile: it would be taken for what was entered here.
    if _seen(area) in st.session_state and next(iter(values)) in st.session_state:
        return
    st.session_state.update(values)
    st.session_state[_seen(area)] = version


def save(area: str, keep: Callable[[CrmSession, Actor, int], None], *, told: str) -> None:
    """Keep what stands in the form, with the version that was shown; if somebody saved meanwhile, show theirs."""
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        keep(session, guard.actor(), st.session_state[_seen(area)])
    is_theirs = isinstance(outcome.error, Conflict)
    if outcome.error and not is_theirs:
        feedback.explain(outcome.error)
        return
    del st.session_state[_seen(area)]
    feedback.later(_("Somebody else saved the rules meanwhile. These are theirs; enter your change again.") if is_theirs else told)
    st.rerun()


def _seen(area: str) -> str:
    return f"{area}_version"
