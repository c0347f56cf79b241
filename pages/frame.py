"""The frame around every page: sign-in gate, navigation by role, header, then the page itself.

This is the script that Streamlit runs. It lies inside `pages/` so that Streamlit never runs a page without it (docs/architecture.md).
"""

import streamlit as st

from crm_core import db
from crm_core.services import password_links, users
from ui import address, feedback, guard, header, navigation, routes, sign_in_page
from ui.turns import TURNS

st.set_page_config(page_title="客脉 Kemai", page_icon=header.ICON, layout="wide", initial_sidebar_state=232)

st.logo(header.LOGO, icon_image=header.ICON, size="large")


def run() -> None:
    """Look the session up, draw what stands around the page, then the page."""
    actor = guard.load_actor()
    current = st.navigation(header.pages_for(actor), position="hidden")
    address.arrive(current.url_path)
    if actor:
        navigation.draw(current.url_path, actor)
    if link := st.query_params.get(password_links.PARAMETER):
        sign_in_page.draw_new_password(link)
    elif actor is None and current.url_path in routes.OPEN:
        header.draw_signed_out()
        current.run()
    elif actor is None:
        with db.reading() as session:
            is_new = not users.has_users(session)
        sign_in_page.draw_setup() if is_new else sign_in_page.draw_sign_in()
    elif actor.is_held_up and current.url_path not in {"settings", *routes.OPEN}:
        st.switch_page(routes.SETTINGS)
    else:
        header.draw(current, actor)
        if current.url_path:  # the start page, which has none, may lead on: then the message is for the page after it
            feedback.show_message()
        current.run()


with TURNS.take():
    run()
