"""Opening a customer by the code in the address."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from crm_core.db import CrmSession
from crm_core.i18n import _
from crm_core.services import customers
from crm_core.visibility import View
from ui import feedback, guard, header, routes


@contextmanager
def opened(title: str) -> Iterator[tuple[CrmSession, View]]:
    """The customer, and the session with which to read the rest of its page.

    One that is deleted or out of reach stops the page under `title`, with the reason and the way back to the list.
    """
    with feedback.attempt() as opening, guard.reading() as session:
        yield session, customers.get_customer(session, guard.actor(), st.query_params.get("code", ""))
    if not opening.succeeded:
        header.title(title)
        if st.button(_("Customer list"), icon=":material/arrow_back:"):
            st.switch_page(routes.CUSTOMERS)
        st.stop()
