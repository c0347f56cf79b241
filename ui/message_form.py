"""Personal settings: by which ways somebody is told of what, quiet hours, and digests."""

from collections.abc import Sequence
from datetime import time

import streamlit as st

from crm_core.channels import KINDS, WAYS
from crm_core.config import settings
from crm_core.i18n import _, join_words
from crm_core.services import profile, reminder_settings
from crm_core.services.reminder_settings import Choices
from ui import feedback, forms, guard

PREFIX = "messages"


def draw() -> None:
    """The form with what is in force; errors stand at their fields."""
    actor = guard.actor()
    with guard.reading() as session:
        present = reminder_settings.get_choices(session, actor)
        kinds = reminder_settings.kinds_for(session, actor)
        mailbox = profile.get_profile(session, actor).values["email"]
    errors = st.session_state.pop("messages_errors", {})
    st.caption(_("Everything is told in the app, under the bell. Choose here what should reach you in other ways too."))
    _warn(mailbox)
    with st.form(PREFIX, width=720):
        ways = _draw_all_ways(kinds, present)
        times = _draw_times(present, kinds, errors)
        if st.form_submit_button(_("Save"), type="primary", icon=":material/check:"):
            _save(Choices({**present.channels, **ways}, **times))


def _warn(mailbox: str | None) -> None:
    if not settings().mail_configured:
        st.info(_("No mail server is set up yet: mails wait up to three days for it."), icon=":material/info:")
    elif not mailbox:
        st.info(_("You have no mailbox yet. Enter it under Profile, so that mails reach you."), icon=":material/info:")


def _draw_all_ways(kinds: Sequence[str], present: Choices) -> dict[str, list[str]]:
    """In two columns, which stand below each other on a phone."""
    half = -(-len(kinds) // 2)
    ways: dict[str, list[str]] = {}
    for place, some in zip(st.columns(2), (kinds[:half], kinds[half:]), strict=True):
        with place:
            ways |= {kind: _draw_ways(kind, present) for kind in some}
    return ways


def _draw_ways(kind: str, present: Choices) -> list[str]:
    return st.pills(
        _(KINDS[kind].label),
        list(KINDS[kind].ways),
        selection_mode="multi",
        default=list(present.channels[kind]),
        format_func=lambda way: _(WAYS[way]),
        key=f"messages_ways_{kind}",
    )


def _draw_times(present: Choices, kinds: Sequence[str], errors: dict[str, list[str]]) -> dict[str, time | None]:
    labels = {"quiet_from": _("Quiet hours from"), "quiet_until": _("Quiet hours until"), "digest_at": _("Daily digest at")}
    times: dict[str, time | None] = {}
    for place, (name, label) in zip(st.columns(3), labels.items(), strict=True):
        with place.container(key=forms.css_key(PREFIX, name), gap="xxsmall"):
            times[name] = st.time_input(label, getattr(present, name), step=900, key=f"messages_{name}")
            forms.tell(errors.get(name, ()))
    within = join_words(_(KINDS[kind].label) for kind in kinds if KINDS[kind].in_digest)
    st.caption(
        _(
            "In quiet hours no message leaves the house for you but warnings about your account; the others come when they end. "
            "The digest comes on working days. While it is on, it tells these, and no message comes for each of them: {kinds}."
        ).format(kinds=within)
    )
    return times


def _save(choices: Choices) -> None:
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        reminder_settings.save_choices(session, guard.actor(), choices)
    if outcome.succeeded:
        feedback.later(_("Your settings are saved."))
    st.session_state["messages_errors"] = outcome.errors
    st.rerun()
