"""The two screens before sign-in: creating the first administrator, and the sign-in form by streamlit-authenticator."""

from typing import Any

import streamlit as st
import streamlit_authenticator as stauth
from streamlit_authenticator.controllers import AuthenticationController

from crm_core import db
from crm_core.i18n import LANGUAGES, _, language
from crm_core.services import passwords, sign_in
from ui import browser, feedback, guard
from ui.web.middleware import BROWSER_COOKIE

# Compared when there is no such account, so that the answer takes the same time.
_NO_PASSWORD = passwords.hash_password("no account has this password !1")


class _Accounts(dict[str, dict[str, Any]]):
    """The user table as streamlit-authenticator's credentials: read when somebody tries to sign in, never loaded whole."""

    asked = ""
    """The account that was entered last."""

    def __contains__(self, username: object) -> bool:
        return True

    def __missing__(self, username: str) -> dict[str, Any]:
        with db.transaction() as session:
            user = sign_in.claim_attempt(session, username)
        record = {"name": user.name if user else "", "password": user.password_hash if user else _NO_PASSWORD}
        self[username] = record
        self.asked = username
        return record


class _NoCookie:
    """In place of the authenticator's cookie, which scripts could read and nobody could revoke."""

    def get_cookie(self) -> None:
        """There is none."""

    def set_cookie(self) -> None:
        """None is set."""


class SignInForm(stauth.Authenticate):
    """The authenticator's form and password check, fed from the database and without its cookie component."""

    def __init__(self) -> None:
        # Not super().__init__: it would place the cookie component on the page.
        self.path, self.attrs, self.secret_key = None, {"login_sleep_time": 0}, ""
        self.cookie_controller = _NoCookie()
        self.authentication_controller = AuthenticationController({"usernames": {}}, auto_hash=False)
        self.accounts = self.authentication_controller.authentication_model.credentials["usernames"] = _Accounts()


def draw_sign_in() -> None:
    """The sign-in form; after success the browser collects its cookie and returns to the page it asked for."""
    with _card():
        st.session_state["authentication_status"] = None
        st.session_state.pop("password_hint", None)
        form = SignInForm()
        form.login(
            fields={"Form name": _("Sign in"), "Username": _("Account"), "Password": _("Password"), "Login": _("Sign in")}, key="sign_in"
        )
        _settle(st.session_state["authentication_status"], form.accounts.asked)
        st.caption(_("No account yet, or password forgotten? Ask your administrator."))


def _settle(status: bool | None, username: str) -> None:
    if status:
        with db.transaction() as session:
            ticket = sign_in.open_session(session, username, browser=guard.cookie(BROWSER_COOKIE), address=guard.address())
            chosen = sign_in.language_of(session, username)
        collect_cookie(ticket, chosen)
    elif status is False:
        with db.transaction() as session:
            refused = sign_in.refuse(session, username, address=guard.address())
        feedback.refusal(str(refused))
    elif st.session_state.get("FormSubmitter:sign_in-" + _("Sign in")):
        feedback.refusal(_("Enter both account and password."))


def collect_cookie(ticket: str, chosen: str) -> None:
    """Send the browser through the server's route that sets the cookie, then back to where it was."""
    following = browser.with_next(f"/auth/language/{chosen}", browser.current_path())
    browser.redirect(browser.with_next(f"/auth/enter?ticket={ticket}", following))


def _card() -> Any:
    chosen = language()
    _left, middle, _right = st.columns([1, 1.2, 1])
    with middle.container(key="sign_in_card"):
        st.markdown("## 客脉 Kemai")
        st.caption(_("Customer information and relationships, for the whole team"))
        names = list(LANGUAGES)
        picked = st.segmented_control(
            _("Language"),
            names,
            format_func=LANGUAGES.get,
            default=chosen,
            key="language_choice",
            required=True,
            label_visibility="collapsed",
        )
        if picked and picked != chosen:
            browser.redirect(browser.with_next(f"/auth/language/{picked}", browser.current_path()))
    return middle.container()


def draw_setup() -> None:
    """First run: with the code from the console, create the administrator."""
    with _card(), st.form("setup"):
        st.subheader(_("Set up the system"), anchor=False)
        st.write(_("Create the administrator's account. The code is printed on the console where the server was started."))
        code = st.text_input(_("Code from the console"), key="setup_code")
        name = st.text_input(_("Your name"), key="setup_name")
        username = st.text_input(_("Account"), key="setup_account", help=_("3 to 40 lower-case letters, digits, dots or dashes."))
        password = st.text_input(
            _("Password"),
            type="password",
            key="setup_password",
            help=_("At least 8 characters with letters, digits and special characters."),
        )
        again = st.text_input(_("Password once more"), type="password", key="setup_password_again")
        if not st.form_submit_button(_("Create administrator"), type="primary"):
            return
        if password != again:
            feedback.refusal(_("The two passwords differ. Enter the same one twice."))
            return
        with feedback.attempt() as outcome:
            password_hash = passwords.hash_password(password)
            with db.transaction() as session:
                sign_in.set_up(session, code=code, username=username, name=name, password_hash=password_hash, language=language())
                ticket = sign_in.open_session(session, username, browser=guard.cookie(BROWSER_COOKIE), address=guard.address())
        if outcome.succeeded:
            sign_in.forget_setup_code()
            collect_cookie(ticket, language())
