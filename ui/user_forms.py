"""The administrator's dialogs for accounts."""

from typing import Any

import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.models import User
from crm_core.services import passwords, profile, second_factor, users
from ui import feedback, forms, guard


def add(roles: dict[str, str], teams: dict[int, str]) -> None:
    """A new account with a one-time password, which is shown once."""
    if _has_shown_password():
        return
    username = st.text_input(
        forms.required(_("Account")), key=guard.key("user_account"), help=_("3 to 40 lower-case letters, digits, dots or dashes.")
    )
    name = st.text_input(forms.required(_("Full name")), key=guard.key("user_name"))
    email = st.text_input(
        _("Email"), key=guard.key("user_email"), help=_("Needed to sign in through the company's provider, and for mails to its owner.")
    )
    role = st.selectbox(
        forms.required(_("Role")),
        list(roles),
        index=None,
        format_func=lambda code: roles[code],
        placeholder=_("Choose"),
        key=guard.key("user_role"),
    )
    team = st.selectbox(
        _("Team"), list(teams), index=None, format_func=lambda number: teams[number], placeholder=_("None"), key=guard.key("user_team")
    )
    if not forms.decide(_("Create account")):
        return
    password = passwords.random_password()
    password_hash = passwords.hash_password(password)
    with feedback.attempt() as outcome, guard.acting() as session:
        made = users.create_user(
            session, guard.actor(), username=username, name=name, password_hash=password_hash, role=role or "", team_id=team
        )
        profile.set_mailbox(session, guard.actor(), made.id, email)
    if outcome.succeeded:
        st.session_state["created_account"] = (username.strip().lower(), password)
        guard.again()


def _has_shown_password() -> bool:
    """Show the one-time password that was just made, once. Returns whether there was one."""
    if st.session_state.get("password_noted"):
        st.rerun()
    created: tuple[str, str] | None = st.session_state.pop("created_account", None)
    if created:
        st.success(
            _("Hand over this account and one-time password. At the first sign-in its owner chooses another one."), icon=":material/key:"
        )
        st.code("\n".join(created), language=None)
        st.button(_("Done"), type="primary", key="password_noted")
    return created is not None


def edit(account: User, roles: dict[str, str], teams: dict[int, str]) -> None:
    """Name, role, team, disabled or not; a new one-time password; an end of the second factor."""
    if _has_shown_password():
        return
    if account.blocked_at:
        told = _("Somebody else may have used this account: its owner blocked it at {time}. A new one-time password opens it again.")
        st.warning(told.format(time=format_time(account.blocked_at)), icon=":material/gpp_bad:")
    email, values = _draw_fields(account, roles, teams)
    seen = {name: getattr(account, name) for name in ("name", "email", "role_id", "team_id", "is_active")}
    with st.container(horizontal=True):
        if forms.decide(_("Save")):
            with feedback.attempt() as outcome, guard.acting() as session:
                users.update_user(session, guard.actor(), account.id, **values, seen=seen)
                profile.set_mailbox(session, guard.actor(), account.id, email)
            if outcome.succeeded:
                st.rerun()
        if st.button(_("New one-time password"), icon=":material/key:"):
            _reset_password(account)
        if account.totp_confirmed_at and st.button(_("Reset two-step verification"), icon=":material/phonelink_lock:"):
            _reset_second_factor(account)


def _draw_fields(account: User, roles: dict[str, str], teams: dict[int, str]) -> tuple[str, dict[str, Any]]:
    roles = roles | {account.role.code: account.role.title}  # the present one stays, though others may have to give it
    name = st.text_input(forms.required(_("Full name")), value=account.name, key=f"edit_name_{account.id}")
    email = st.text_input(_("Email"), value=account.email or "", key=f"edit_email_{account.id}")
    role = st.selectbox(
        _("Role"),
        list(roles),
        index=list(roles).index(account.role.code),
        format_func=lambda code: roles[code],
        key=f"edit_role_{account.id}",
    )
    team = st.selectbox(
        _("Team"),
        list(teams),
        index=None,
        format_func=lambda number: teams[number],
        placeholder=_("None"),
        key=forms.begin_with(f"edit_team_{account.id}", account.team_id if account.team_id in teams else None),
    )
    is_active = st.toggle(_("May sign in"), value=account.is_active, key=f"edit_active_{account.id}")
    return email, {"name": name, "role": role, "team_id": team, "is_active": is_active}


def _reset_password(account: User) -> None:
    password = passwords.random_password()
    password_hash = passwords.hash_password(password)
    with feedback.attempt() as outcome, guard.acting() as session:
        passwords.reset_password(session, guard.actor(), account.id, password_hash=password_hash)
    if outcome.succeeded:
        st.session_state["created_account"] = (account.username, password)
        guard.again()


def _reset_second_factor(account: User) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        second_factor.reset(session, guard.actor(), account.id)
    if outcome.succeeded:
        feedback.later(_("{name} signs in without a second step until it is set up again.").format(name=account.name))
        st.rerun()
