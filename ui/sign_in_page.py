"""The screens before sign-in: creating the first administrator, the form by streamlit-authenticator, and the code after it."""

from typing import Any

import streamlit as st
import streamlit_authenticator as stauth
from streamlit_authenticator.controllers import AuthenticationController

from crm_core import clock, db
from crm_core.config import settings
from crm_core.i18n import LANGUAGES, N_, _, language, plural
from crm_core.services import account_links, password_links, passwords, sign_in
from crm_core.services.sign_in import Proof
from ui import browser, feedback, guard, password_form, provider

PROOF, FORGOTTEN = "sign_in_proof", "sign_in_forgotten"

# Compared when there is no such account, so that the answer takes the same time.
_NO_PASSWORD = passwords.hash_password(passwords.random_password())


class _Accounts(dict[str, dict[str, Any]]):
    """The user table as streamlit-authenticator's credentials: read when somebody tries to sign in, never loaded whole."""

    proof: Proof | None = None
    """Of the account that was entered last, should the password be right."""

    def __contains__(self, username: object) -> bool:
        return True

    def __missing__(self, username: str) -> dict[str, Any]:
        with db.transaction() as session:
            user = sign_in.claim_attempt(session, username, guard.client())
        record = {"name": user.name if user else "", "password": user.password_hash if user else _NO_PASSWORD}
        self[username] = record
        self.proof = Proof(user.username, user.password_hash, clock.now()) if user else None
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
    """The sign-in form, or its second step; after success the browser collects its cookie and returns to the page it asked for."""
    with _card():
        if PROOF in st.session_state:
            _draw_code(st.session_state[PROOF])
        elif st.session_state.get(FORGOTTEN):
            _draw_forgotten()
        else:
            _draw_form()


def _draw_form() -> None:
    st.session_state["authentication_status"] = None
    st.session_state.pop("password_hint", None)
    form = SignInForm()
    form.login(
        fields={"Form name": _("Sign in"), "Username": _("Account"), "Password": _("Password"), "Login": _("Sign in")}, key="sign_in"
    )
    _settle(st.session_state["authentication_status"], form.accounts.proof)
    provider.draw_button()
    if begun := provider.returned():
        ticket, username = begun
        collect_cookie(ticket, _language_of(username), following=provider.following())
    if not settings().links_by_mail:
        st.caption(_("No account yet, or password forgotten? Ask your administrator."))
    elif st.button(_("Forgot password"), type="tertiary", icon=":material/mail:"):
        st.session_state[FORGOTTEN] = True
        st.rerun()


def _settle(status: bool | None, proof: Proof | None) -> None:
    if status and proof:
        with feedback.attempt() as outcome, db.transaction() as session:
            ticket = sign_in.accept_password(session, proof, guard.client())
        if not outcome.succeeded:
            return
        if ticket is None:
            st.session_state[PROOF] = proof
            st.rerun()
        collect_cookie(ticket, _language_of(proof.username))
    elif status is not None:
        with db.transaction() as session:
            refused = sign_in.refuse(session, proof.username if proof else None, guard.client())
        feedback.refusal(str(refused))
    elif st.session_state.get("FormSubmitter:sign_in-" + _("Sign in")):
        feedback.refusal(_("Enter both account and password."))


def _draw_code(proof: Proof) -> None:
    """The second step. It lives in this tab only: a refresh starts over."""
    with st.form("second_step"):
        st.subheader(_("Two-step verification"), anchor=False)
        st.write(_("Enter the code that your app shows now, or one of your recovery codes."))
        code = st.text_input(_("Code"), key="second_step_code", autocomplete="one-time-code")
        is_trusted = bool(settings().trust_days) and st.checkbox(
            plural(settings().trust_days, N_("Trust this browser for {days} day"), N_("Trust this browser for {days} days")).format(
                days=settings().trust_days
            ),
            key="second_step_trust",
        )
        if st.form_submit_button(_("Sign in"), type="primary"):
            _finish(proof, code, is_trusted=is_trusted)
    if st.button(_("Back"), type="tertiary", icon=":material/arrow_back:"):
        del st.session_state[PROOF]
        st.rerun()


def _finish(proof: Proof, code: str, *, is_trusted: bool) -> None:
    with feedback.attempt() as outcome:
        with db.transaction() as session:
            sign_in.claim_code(session, proof, guard.client())
        with db.transaction() as session:
            ticket = sign_in.accept_code(session, proof, code, client=guard.client(), is_trusted=is_trusted)
    if outcome.succeeded:
        del st.session_state[PROOF]
        collect_cookie(ticket, _language_of(proof.username))


def _draw_forgotten() -> None:
    """Ask for a link by mail; the answer is the same whether or not there is such an account."""
    with st.form("forgotten"):
        st.subheader(_("Forgot password"), anchor=False)
        account = st.text_input(_("Account"), key="forgotten_account")
        if st.form_submit_button(_("Send link"), type="primary"):
            with db.transaction() as session:
                password_links.request_link(session, account, guard.client())
            st.success(
                _("If this account has a mailbox, a link good for 30 minutes is on its way. If no mail comes, ask an administrator."),
                icon=":material/mail:",
            )
    if st.button(_("Back"), type="tertiary", icon=":material/arrow_back:"):
        del st.session_state[FORGOTTEN]
        st.rerun()


def draw_new_password(token: str) -> None:
    """What a link from a mail opens: a new password for its holder."""
    with _card():
        with db.reading() as session:
            is_good = password_links.is_good(session, token)
        if is_good:
            _draw_new_password(token)
        else:
            feedback.refusal(str(account_links.dead_link()))
        if st.button(_("Go to sign-in"), type="tertiary", icon=":material/login:"):
            browser.redirect("/")


def _draw_new_password(token: str) -> None:
    with st.form("password_link"):
        st.subheader(_("Set a new password"), anchor=False)
        new, again = password_form.enter_twice(_("New password"), _("New password once more"), key="link_password")
        if not st.form_submit_button(_("Set password"), type="primary"):
            return
    if not password_form.is_same(new, again):
        return
    with feedback.attempt() as outcome:
        with db.reading() as session:
            checked = password_links.check_link(session, token, new)
        with db.transaction() as session:
            password_links.use_link(session, checked)
    if outcome.succeeded:
        st.success(_("The password was set, and all sessions of the account have ended. Sign in with it now."), icon=":material/check:")


def _language_of(username: str) -> str:
    with db.reading() as session:
        return sign_in.language_of(session, username)


def collect_cookie(ticket: str, chosen: str, *, following: str = "") -> None:
    """Send the browser through the server's route that sets the cookie, then back to where it was, or to `following`."""
    then = browser.with_next(f"/auth/language/{chosen}", following or browser.current_path())
    browser.redirect(browser.with_next(f"/auth/enter?ticket={ticket}", then))


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
    return middle.container(key="sign_in_body")


def draw_setup() -> None:
    """First run: with the code from the console, create the administrator."""
    with _card(), st.form("setup"):
        st.subheader(_("Set up the system"), anchor=False)
        st.write(_("Create the administrator's account. The code is printed on the console where the server was started."))
        code = st.text_input(_("Code from the console"), key="setup_code")
        name = st.text_input(_("Your name"), key="setup_name")
        username = st.text_input(_("Account"), key="setup_account", help=_("3 to 40 lower-case letters, digits, dots or dashes."))
        password, again = password_form.enter_twice(_("Password"), _("Password once more"), key="setup_password")
        if not st.form_submit_button(_("Create administrator"), type="primary") or not password_form.is_same(password, again):
            return
        with feedback.attempt() as outcome:
            password_hash = passwords.hash_password(password, username=username.strip())
            with db.transaction() as session:
                sign_in.set_up(session, code=code, username=username, name=name, password_hash=password_hash, language=language())
                ticket = sign_in.open_session(session, username, client=guard.client())
        if outcome.succeeded:
            sign_in.forget_setup_code()
            collect_cookie(ticket, language())
