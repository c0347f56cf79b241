"""Personal settings: picture, name, mailboxes, phone and language."""

from typing import Any

import streamlit as st

from crm_core.config import MAX_ATTACHMENT_BYTES
from crm_core.i18n import LANGUAGES, _, labelled
from crm_core.services import library, lockout, pictures, profile
from crm_core.services.profile import Profile
from ui import browser, feedback, forms, guard, header
from ui.attachment_list import UPLOAD_LIMIT_MB

PREFIX = "profile"


def draw() -> None:
    """The form with what is known now; errors stand at their fields."""
    with guard.reading() as session:
        present, entries = profile.get_profile(session, guard.actor()), library.get_library(session)
    _draw_picture()
    if st.session_state.pop("profile_saved", False) or f"{PREFIX}.name" not in st.session_state:
        forms.preload(profile.profile_fields(), PREFIX, present.values)
        st.session_state["profile_password"] = ""
    errors = st.session_state.pop("profile_errors", {})
    form = forms.Form(PREFIX, entries, {}, errors=errors)
    with st.form(PREFIX, width=720):
        st.markdown(labelled(_("Account"), f"**{feedback.escape(guard.actor().username)}**"))
        form.draw(profile.profile_fields(), columns=2)
        language = st.selectbox(
            _("Language"), list(LANGUAGES), format_func=LANGUAGES.get, index=list(LANGUAGES).index(present.language), key="profile_language"
        )
        password = _draw_password(errors)
        if st.form_submit_button(_("Save"), type="primary", icon=":material/check:"):
            _save(Profile(forms.collect(profile.profile_fields(), PREFIX), language), password)
    form.show_first_error()


def _draw_password(errors: dict[str, list[str]]) -> str:
    with st.container(key=forms.css_key(PREFIX, "password"), gap="xxsmall"):
        hint = _("Only needed to change one of the mailboxes.")
        password = st.text_input(_("Present password"), type="password", key="profile_password", placeholder=hint)
        forms.tell(errors.get("password", ()))
    return password


def _save(entered: Profile, password: str) -> None:
    actor = guard.actor()
    with feedback.attempt(show=False) as outcome:
        with guard.reading() as session:
            is_compared = bool(password) and profile.needs_password(session, actor, entered)
        if is_compared:
            with guard.acting() as session:
                lockout.claim_confirmation(session, actor)
        with guard.reading() as session:
            checked = profile.check_profile(session, actor, entered, password=password)
        with guard.acting() as session:
            profile.update_profile(session, actor, checked)
    if not outcome.succeeded:
        st.session_state["profile_errors"] = outcome.errors or {"password": [str(outcome.error)]}
        st.rerun()
    st.session_state["profile_saved"] = True
    feedback.later(_("Your settings are saved."))
    if checked.language != actor.language:
        browser.redirect(browser.with_next(f"/auth/language/{checked.language}", browser.current_path()))
    st.rerun()


def _draw_picture() -> None:
    actor = guard.actor()
    turn = st.session_state.setdefault("picture_turn", 0)
    with st.container(key="own_picture", horizontal=True, vertical_alignment="center", border=True, width=720):
        st.markdown(header.picture(actor) or ":material/account_circle:", width="content")
        label = _("Picture: JPG or PNG, at most {limit} MB").format(limit=MAX_ATTACHMENT_BYTES // 1024 // 1024)
        upload = st.file_uploader(label, key=f"picture_upload_{turn}", max_upload_size=UPLOAD_LIMIT_MB)
        is_removed = bool(actor.avatar) and st.button(_("Remove picture"), icon=":material/delete:", type="tertiary")
    if upload or is_removed:
        _keep_picture(upload)


def _keep_picture(upload: Any) -> None:
    with feedback.attempt() as outcome:
        digest = pictures.store_picture(upload.getvalue()) if upload else None
        with guard.acting() as session:
            pictures.set_picture(session, guard.actor(), digest)
    if outcome.succeeded:
        st.session_state["picture_turn"] += 1
        st.rerun()
