"""The start page: what the role works with most."""

import streamlit as st

from crm_core.permissions import Permission
from ui import guard, routes

st.switch_page(routes.CUSTOMERS if guard.actor().can(Permission.CUSTOMER_READ) else routes.SETTINGS)
