"""Opening a customer by the code in the address."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from crm_core.db import CrmSession
from crm_core.i18n import _
from crm_core.services import customers, pool
from crm_core.visibility import View
from ui import feedback, guard, header, routes


@contextmanager
def opened(title: str) -> Iterator[tuple[CrmSession, View]]:
    """The customer, and the session with which to read the rest of its page.

    One in the pool leads on to its card there. One that is deleted or out of reach stops the page under `title`, with the
    reason and the way back to the list.
    """
    code = st.query_params.get("code", "")
    with feedback.attempt(show=False) as opening, guard.reading() as session:
        yield session, customers.get_customer(session, guard.actor(), code)
    if opening.error:
        _lead_to_pool(code)
        feedback.explain(opening.error)
        header.title(title)
        if st.button(_("Customer list"), icon=":material/arrow_back:"):
            st.switch_page(routes.CUSTOMERS)
        st.stop()


def _lead_to_pool(code: str) -> None:
    """Of a customer in the pool, who may claim sees the card there."""
    with guard.reading() as session:
        card = pool.find_card(session, guard.actor(), code)
    if card:
        st.switch_page(routes.POOL, query_params={"card": card.code})
