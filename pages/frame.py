"""The frame around every page: sign-in gate, navigation by role, header, then the page itself.

This is the script that Streamlit runs. It lies inside `pages/` so that Streamlit never runs a page without it (docs/architecture.md).
"""

import streamlit as st

from crm_core import db
from crm_core.services import users
from ui import feedback, guard, header, routes, sign_in_page

st.set_page_config(page_title="客脉 Kemai", page_icon=str(header.ICON), layout="wide", initial_sidebar_state=232)

st.logo(str(header.LOGO), icon_image=str(header.ICON), size="large")

actor = guard.load_actor()
pages = header.pages_for(actor)
current = st.navigation(pages, position="sidebar" if actor else "hidden", expanded=True)

if actor is None:
    with db.reading() as session:
        is_new = not users.has_users(session)
    sign_in_page.draw_setup() if is_new else sign_in_page.draw_sign_in()
elif actor.must_change_password and current.url_path != "settings":
    st.switch_page(routes.SETTINGS)
else:
    header.draw(current, actor)
    feedback.show_message()
    current.run()
