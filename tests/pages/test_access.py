"""Who sees which page: every page for every role, signed out, with an ended session, before and during sign-in."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import bcrypt
import pyotp
import pytest
from sqlalchemy import delete, select, update
from starlette.requests import Request

from app import send_file
from crm_core import clock, config, db
from crm_core.clients import Client
from crm_core.models import Customer, OutboxMessage, Review, ReviewState, Role, User, UserSession
from crm_core.permissions import BUILT_IN_ROLES, PERMISSIONS, SYSTEM, Actor, Permission, Scope
from crm_core.services import attachments, roles, second_factor, sign_in, users
from crm_core.services.file_store import store_file
from crm_core.services.teams import create_team
from tests import factories
from tests.conftest import forget_settings, sqlite_copy, use_database
from tests.pages.texts import texts_of
from tests.pages.visit import BROWSER, Visit, open_session, zh
from tests.warm import know_library
from ui import navigation, routes
from ui.guard import COOKIE
from ui.routes import ROUTES, Route

REFUSAL = "Account and password do not let you in. Check both; after five failures wait some minutes, or ask an administrator."
SECRET = "只此一家机械有限公司"
BY_URL = {route.url: route for route in ROUTES}
BEHIND_SIGN_IN = [route.url for route in ROUTES if not route.is_open]


def may_open(route: Route, role: str) -> bool:
    return route.permission is None or any(one in BUILT_IN_ROLES[role].permissions for one in (route.permission, *route.others))


def has_data(visit: Visit) -> bool:
    return any(SECRET in text for text in texts_of(visit)) or bool(visit.tab.dataframe) or bool(visit.rows) or bool(visit.tab.metric)


@pytest.fixture
def code(administrator: Actor, sales: Actor) -> str:
    """The code of a customer of the salesperson, whom their manager and the administrator see too."""
    return reviewed_customer(sales)


def reviewed_customer(author: Actor) -> str:
    """The code of a customer that came in by a review."""
    customer = factories.make_customer(author, name=SECRET)
    with db.transaction(SYSTEM) as session:
        session.add(Review(customer_id=customer.id, author_id=author.id, state=ReviewState.APPROVED))
    return customer.code


@dataclass
class House:
    """A data folder with somebody of every role and a customer that came in by a review, for tests that only look."""

    folder: Path
    people: dict[str, Actor]
    code: str


@pytest.fixture(scope="session")
def furnished(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Made once: making all these people takes longer than a look."""
    folder = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patch, sqlite_copy(patch, sqlite_template, folder / "var"):
        with db.transaction(SYSTEM) as session:
            team = create_team(session, SYSTEM, name="华东组")
        names = {"administrator": "管理员甲"}
        people = {role: factories.make_user(role=role, username=role, name=names.get(role, ""), team_id=team) for role in BUILT_IN_ROLES}
        return House(folder / "var", people, reviewed_customer(people["sales"]))


@pytest.fixture
def house(furnished: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    use_database(monkeypatch, furnished.folder, "")
    know_library(monkeypatch)
    yield furnished
    forget_settings()


@pytest.mark.parametrize("role", BUILT_IN_ROLES)
@pytest.mark.parametrize("url", BY_URL)
def test_a_page_opens_for_the_roles_that_may_and_explains_itself_to_the_others(house: House, url: str, role: str) -> None:
    route = BY_URL[url]
    visit = Visit(house.people[role]).go(route.file, code=house.code)
    if may_open(route, role):
        assert zh("No access") not in visit.titles
        assert visit.refusals == []
        assert visit.titles
        assert visit.page == route.file
    else:
        assert visit.titles == [zh("No access")]
        assert route.permission
        (refusal,) = visit.refusals
        missing = zh("Your role lacks the permission “{permission}”. Ask an administrator for it.")
        assert missing.format(permission=zh(PERMISSIONS[route.permission])) in refusal
        assert zh("Administrators: {names}.").format(names="管理员甲") in refusal
        assert not has_data(visit)


BUTTONS = {
    (routes.CUSTOMERS, "New customer"): Permission.CUSTOMER_CREATE,
    (routes.CUSTOMERS, "select_mode"): (Permission.CUSTOMER_EDIT, Permission.CAMPAIGN_WRITE),
    (routes.CUSTOMER, "Alias for outside use"): Permission.CUSTOMER_EDIT,
    (routes.CUSTOMER, "Sheet for outside use"): Permission.CUSTOMER_EXPORT,
    (routes.CUSTOMER, "Edit"): Permission.CUSTOMER_EDIT,
    (routes.CUSTOMER, "Tags"): Permission.CUSTOMER_EDIT,
    (routes.CUSTOMER, "Change type"): Permission.CUSTOMER_EDIT,
    (routes.CUSTOMER, "Set tier"): Permission.CUSTOMER_EDIT,
    (routes.CUSTOMER, "Verify"): Permission.CUSTOMER_EDIT,
    (routes.CUSTOMER, "Write in full"): Permission.FOLLOW_UP_WRITE,
    (routes.CUSTOMER, "Add contact"): Permission.CUSTOMER_EDIT,
    (routes.CUSTOMER, "Archive customer"): Permission.CUSTOMER_ARCHIVE,
    (routes.CUSTOMER, "Merge with…"): Permission.CUSTOMER_MERGE,
    (routes.CUSTOMER, "Set legal hold"): Permission.RULE_EDIT,
    (routes.CUSTOMER, "Delete customer"): Permission.CUSTOMER_DELETE,
    (routes.CUSTOMER, "Transfer"): Permission.CUSTOMER_TRANSFER,
}
IN_TABS = {"Add contact": "Contacts"}
"""Those that stand in another tab than the first."""


@pytest.mark.parametrize("holder", ["own", "other"])
@pytest.mark.parametrize("role", BUILT_IN_ROLES)
def test_a_page_offers_the_actions_of_the_role_on_what_it_sees(by_role: dict[str, Actor], stranger: Actor, role: str, holder: str) -> None:
    customer = factories.make_customer(stranger, name=SECRET)
    if holder == "own":
        with db.transaction(SYSTEM) as session:
            session.get_one(Customer, customer.id).owner_id = by_role[role].id
    is_seen = holder == "own" or BUILT_IN_ROLES[role].scope is Scope.ALL
    for file in (routes.CUSTOMERS, routes.CUSTOMER):
        visit = Visit(by_role[role]).go(file, **({"code": customer.code} if file == routes.CUSTOMER else {}))
        assert any(SECRET in text for text in texts_of(visit)) or bool(visit.rows) is is_seen
        for (page, button), needed in BUTTONS.items():
            if page == file:
                permissions = {*needed} if isinstance(needed, tuple) else {needed}
                is_offered = not permissions.isdisjoint(BUILT_IN_ROLES[role].permissions) and (is_seen or file == routes.CUSTOMERS)
                shown = visit.open_tab("detail_tab", IN_TABS[button]) if button in IN_TABS else visit
                assert shown.has(button) is is_offered, button


@pytest.mark.parametrize("role", BUILT_IN_ROLES)
@pytest.mark.parametrize("holder", ["own", "team", "other"])
def test_a_file_is_sent_to_those_whose_scope_holds_its_customer(
    by_role: dict[str, Actor], sales: Actor, stranger: Actor, role: str, holder: str
) -> None:
    customer = factories.make_customer(stranger if holder == "other" else sales)
    with db.transaction(SYSTEM) as session:
        file = attachments.add_attachment(
            session, SYSTEM, file=store_file(factories.PDF), type="attachment_type.other", customer_id=customer.id
        ).id
        if holder == "own":
            session.get_one(Customer, customer.id).owner_id = by_role[role].id
    seen = {Scope.OWN: {"own"}, Scope.TEAM: {"own", "team"}, Scope.ALL: {"own", "team", "other"}}
    is_seen = holder in seen[BUILT_IN_ROLES[role].scope] or (role == "sales" and holder == "team")
    assert fetch(by_role[role], file) == (200 if is_seen else 404)


def fetch(actor: Actor, file: int) -> int:
    """The status with which the file route answers somebody's browser."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/files/{file}",
        "path_params": {"attachment_id": file},
        "query_string": b"",
        "headers": [(b"cookie", f"{COOKIE}={open_session(actor.username)}".encode())],
    }
    return send_file(Request(scope)).status_code


def take(permission: Permission, code: str) -> None:
    """An administrator takes a permission from a role."""
    with db.transaction(SYSTEM) as session:
        role = roles.find_role(session, code)
        assert role
        terms = roles.terms_of(role)
        roles.update_role(session, SYSTEM, role.id, replace(terms, permissions=terms.permissions - {permission}), version=role.version)


class TestAPermissionIsTakenAway:
    """While somebody is signed in, with a page or a dialog open."""

    def is_refused(self, visit: Visit, permission: Permission) -> bool:
        return any(zh(PERMISSIONS[permission]) in refusal and "管理员甲" in refusal for refusal in visit.refusals)

    def test_an_open_dialog_saves_no_more_and_says_why(self, sales: Actor, code: str) -> None:
        visit = Visit(sales).go(routes.CUSTOMER, code=code).press("Tags").fill(tag_choice=["重点"])
        take(Permission.CUSTOMER_EDIT, "sales")
        visit.press("Save")
        assert self.is_refused(visit, Permission.CUSTOMER_EDIT)
        assert not visit.rerun().has("Edit")

    def test_an_open_edit_becomes_the_page_that_says_what_is_missing(self, sales: Actor, code: str) -> None:
        visit = Visit(sales).go(routes.EDIT, code=code).fill(edit__remark="新备注", edit_reason="更正")
        take(Permission.CUSTOMER_EDIT, "sales")
        visit.press("Save")
        assert visit.titles == [zh("No access")]
        assert self.is_refused(visit, Permission.CUSTOMER_EDIT)
        assert factories.log_of("customer", field="remark") == []

    def test_a_deletion_is_confirmed_in_vain(self, manager: Actor, code: str) -> None:
        visit = Visit(manager).go(routes.CUSTOMER, code=code).press("Delete customer")
        take(Permission.CUSTOMER_DELETE, "manager")
        visit.press("Delete")
        assert self.is_refused(visit, Permission.CUSTOMER_DELETE)
        assert Visit(manager).go(routes.CUSTOMER, code=code).refusals == []

    def test_only_who_may_restore_is_offered_to_undo_a_deletion(self, manager: Actor, code: str) -> None:
        visit = Visit(manager).go(routes.CUSTOMER, code=code).press("Delete customer").press("Delete")
        assert visit.has("Undo")
        take(Permission.CUSTOMER_RESTORE, "manager")
        visit.press("Undo")
        assert not visit.has("Undo")
        assert Visit(manager).go(routes.CUSTOMER, code=code).refusals


@pytest.mark.parametrize("role", BUILT_IN_ROLES)
def test_the_navigation_lists_the_pages_of_the_role(house: House, role: str) -> None:
    visit = Visit(house.people[role]).go(routes.SETTINGS)
    listed = {entry["path"] for section in visit.component(navigation.NAME)["sections"] for entry in section["entries"]}
    assert listed == {f"/{route.url}" for route in ROUTES if route.section and may_open(route, role)}


@pytest.mark.parametrize("url", BEHIND_SIGN_IN)
def test_signed_out_a_page_is_the_sign_in_form_and_nothing_of_its_own(house: House, url: str) -> None:
    visit = Visit().go(BY_URL[url].file, code=house.code)
    assert visit.has("Account")
    assert visit.has("Password")
    assert {node.label for node in visit.elements("button")} == {zh("Sign in")}
    assert visit.titles == []
    assert not has_data(visit)
    assert SECRET not in str(visit.messages)


@pytest.mark.parametrize("url", ["customer", "edit"])
def test_a_customer_outside_the_scope_is_neither_shown_nor_confirmed_to_exist(code: str, stranger: Actor, url: str) -> None:
    outside = Visit(stranger).go(BY_URL[url].file, code=code)
    unknown = Visit(stranger).go(BY_URL[url].file, code="CUS999999999")
    assert outside.refusals == unknown.refusals != []
    assert not has_data(outside)
    assert outside.press("Customer list").page == routes.CUSTOMERS


def end_session(actor: Actor) -> None:
    with db.transaction(SYSTEM) as session:
        session.execute(delete(UserSession).where(UserSession.user_id == actor.id))


def disable(actor: Actor) -> None:
    with db.transaction(SYSTEM) as session:
        session.get_one(User, actor.id).is_active = False


def idle(actor: Actor) -> None:
    with db.transaction(SYSTEM) as session:
        session.execute(select(UserSession)).scalar_one().last_used_at = clock.now() - timedelta(hours=13)


ENDINGS = [(route.url, end_session) for route in ROUTES if may_open(route, "sales") and not route.is_open]
ENDINGS += [(url, end) for url in ("customers", "customer") for end in (disable, idle)]


@pytest.mark.parametrize(("url", "end"), ENDINGS)
def test_the_next_rerun_after_a_session_ended_is_the_sign_in_form(sales: Actor, code: str, url: str, end: Callable[[Actor], None]) -> None:
    visit = Visit(sales).go(BY_URL[url].file, code=code)
    end(sales)
    visit.rerun()
    assert visit.has("Password")
    assert not has_data(visit)


@pytest.mark.parametrize("end", [end_session, disable])
def test_a_dialog_that_was_open_acts_no_more_after_the_session_ended(
    sales: Actor, administrator: Actor, end: Callable[[Actor], None]
) -> None:
    visit = Visit(administrator).go(routes.USERS).press("Add account")
    visit.fill(user_account="intruder", user_name="不该有", user_role="sales")
    end(administrator)
    visit.press("Create account")
    assert visit.has("sign_in-password") or visit.has("Password")
    with db.reading(SYSTEM) as session:
        assert session.execute(select(User).where(User.username == "intruder")).first() is None


def test_a_fragment_that_was_open_shows_no_more_data_after_the_session_ended(sales: Actor, code: str) -> None:
    visit = Visit(sales).go(routes.CUSTOMERS)
    assert has_data(visit)
    end_session(sales)
    visit.enter("q", "机械")
    assert visit.has("Password")
    assert not has_data(visit)


class TestFirstPage:
    """Before there is any user."""

    PASSWORD = "Maple#2026"

    def filled(self, **over: str) -> Visit:
        values = {
            "setup_code": sign_in.setup_code(),
            "setup_name": "周敏",
            "setup_account": "zhoumin",
            "setup_password": self.PASSWORD,
            "setup_password_again": self.PASSWORD,
        }
        return Visit().go(routes.HOME).fill(**(values | over)).press("Create administrator")

    @pytest.fixture(autouse=True)
    def empty(self, any_database: str) -> None:
        """No user yet."""

    def has_users(self) -> bool:
        with db.reading(SYSTEM) as session:
            return users.has_users(session)

    @pytest.mark.parametrize("url", BEHIND_SIGN_IN)
    def test_every_address_leads_to_it(self, url: str) -> None:
        visit = Visit().go(BY_URL[url].file)
        assert visit.has("Code from the console")
        assert visit.titles == []

    def test_with_the_code_it_makes_an_administrator_and_signs_in(self) -> None:
        visit = self.filled()
        assert visit.refusals == []
        with db.reading(SYSTEM) as session:
            (user,) = session.execute(select(User)).scalars()
            ticket = re.fullmatch(r"/auth/enter\?ticket=([^&]+)&next=.*", visit.redirect)
            assert ticket
        with db.transaction(SYSTEM) as session:
            token = sign_in.redeem_ticket(session, ticket[1], browser=BROWSER)
            actor = sign_in.find_actor(session, token)
        assert actor
        assert (actor.id, actor.permissions) == (user.id, BUILT_IN_ROLES["administrator"].permissions)

    @pytest.mark.parametrize(
        ("over", "sentence"),
        [
            ({"setup_code": "ABCD-EFGH-JKLM"}, "The code is not right. It is printed on the console where the server was started."),
            ({"setup_code": ""}, "The code is not right. It is printed on the console where the server was started."),
            (
                {"setup_password": "kemai", "setup_password_again": "kemai"},
                "A password has at least 8 characters, with letters, digits and special characters such as ! or #.",
            ),
            ({"setup_password_again": "Maple#2027"}, "The two passwords differ. Enter the same one twice."),
            ({"setup_name": ""}, "Enter a name."),
            ({"setup_account": "周敏"}, "An account has 3 to 40 lower-case letters, digits, dots or dashes."),
        ],
    )
    def test_it_refuses_with_the_reason_and_makes_nobody(self, over: dict[str, str], sentence: str) -> None:
        visit = self.filled(**over)
        assert zh(sentence) in visit.refusals[0].replace("\\", "")
        assert visit.redirect == ""
        assert not self.has_users()

    def test_a_form_left_open_makes_no_second_administrator(self) -> None:
        late = Visit().go(routes.HOME)
        code = sign_in.setup_code()
        self.filled()
        late.rerun()
        assert not late.has("Code from the console")
        assert code not in str(late.messages)


class TestSignIn:
    def tried(self, account: str, password: str, visit: Visit | None = None) -> Visit:
        visit = visit or Visit().go(routes.OVERVIEW)
        visit.widget("Account").set_value(account)
        visit.widget("Password").set_value(password)
        return visit.press("Sign in")

    def test_the_right_password_sends_the_browser_for_its_cookie_and_back_to_the_page(self, sales: Actor) -> None:
        visit = self.tried("sales", factories.PASSWORD)
        assert visit.redirect.startswith("/auth/enter?ticket=")
        assert "overview" in visit.redirect
        assert sign_in_is_noted("sales")

    @pytest.mark.parametrize(("account", "password"), [("sales", "wrong-pass-1"), ("nobody", factories.PASSWORD)])
    def test_a_wrong_password_and_an_unknown_account_are_told_alike(self, sales: Actor, account: str, password: str) -> None:
        visit = self.tried(account, password)
        assert visit.redirect == ""
        assert visit.refusals == [zh(REFUSAL)]

    @pytest.mark.parametrize(("account", "password"), [("", ""), ("", "x")])
    def test_an_empty_form_is_told_what_to_enter(self, sales: Actor, account: str, password: str) -> None:
        assert self.tried(account, password).refusals[-1:] == [zh("Enter both account and password.")]

    def test_after_five_failures_the_account_is_locked_even_for_the_right_password(self, sales: Actor) -> None:
        visit = Visit().go(routes.HOME)
        for _turn in range(5):
            visit = self.tried("sales", "wrong-pass-1", visit)
        visit = self.tried("sales", factories.PASSWORD, visit)
        assert visit.refusals == [zh(REFUSAL)]
        assert visit.redirect == ""

    @pytest.mark.parametrize("state", ["right", "wrong", "unknown", "disabled", "blocked", "locked"])
    def test_every_answer_costs_one_check_of_a_password_and_names_no_account(
        self, sales: Actor, state: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with db.transaction(SYSTEM) as session:
            user = session.get_one(User, sales.id)
            user.is_active, user.blocked_at = state != "disabled", clock.now() if state == "blocked" else None
        for _turn in range(6 if state == "locked" else 0):
            with db.transaction() as session:
                sign_in.claim_attempt(session, "sales", Client("192.0.2.1", "", BROWSER))
        checks = []
        check = bcrypt.checkpw
        monkeypatch.setattr(bcrypt, "checkpw", lambda *both: checks.append(both) or check(*both))
        visit = self.tried("nobody" if state == "unknown" else "sales", "wrong-pass-1" if state == "wrong" else factories.PASSWORD)
        assert len(checks) == 1
        assert visit.refusals == ([] if state == "right" else [zh(REFUSAL)])

    def test_a_disabled_account_is_not_let_in(self, sales: Actor) -> None:
        disable(sales)
        assert self.tried("sales", factories.PASSWORD).redirect == ""

    def test_somebody_with_a_one_time_password_sees_nothing_before_choosing_another(self, sales: Actor, code: str) -> None:
        with db.transaction(SYSTEM) as session:
            session.get_one(User, sales.id).must_change_password = True
        visit = Visit(sales).go(routes.CUSTOMERS)
        assert visit.page == routes.SETTINGS
        assert not has_data(visit)
        visit.fill(old_password=factories.PASSWORD, new_password="Better#2026", new_password_again="Better#2026").press("Change password")
        assert visit.go(routes.CUSTOMERS).page == routes.CUSTOMERS


def sign_in_is_noted(username: str) -> bool:
    with db.reading(SYSTEM) as session:
        return session.execute(select(User.last_sign_in_at).where(User.username == username)).scalar_one() is not None


def enrol(actor: Actor) -> tuple[pyotp.TOTP, list[str]]:
    """Two-step verification for an account, confirmed by a code of a while ago; the app and the recovery codes."""
    with db.transaction(actor) as session:
        app = pyotp.TOTP(second_factor.begin(session, actor))
        codes = second_factor.confirm(session, actor, app.at(clock.now() - timedelta(seconds=30)))
    return app, codes


class TestSecondStep:
    def asked(self, visit: Visit | None = None) -> Visit:
        visit = TestSignIn().tried("sales", factories.PASSWORD, visit)
        assert visit.redirect == ""
        assert visit.has("second_step_code")
        return visit

    def test_after_the_right_password_the_code_is_asked_for_and_nobody_is_signed_in_before(self, sales: Actor, code: str) -> None:
        app, _codes = enrol(sales)
        visit = self.asked()
        assert visit.titles == []
        assert not has_data(visit)
        with db.reading(SYSTEM) as session:
            assert session.execute(select(UserSession)).first() is None
        visit.fill(second_step_code=app.at(clock.now())).press("Sign in")
        assert visit.redirect.startswith("/auth/enter?ticket=")

    def test_a_refresh_in_the_middle_starts_over(self, sales: Actor) -> None:
        enrol(sales)
        assert self.asked().go(routes.OVERVIEW).has("Password")

    def test_a_recovery_code_stands_in(self, sales: Actor) -> None:
        _app, codes = enrol(sales)
        assert self.asked().fill(second_step_code=f" {codes[3].lower()} ").press("Sign in").redirect

    def test_a_wrong_code_is_told_and_the_way_back_leads_to_the_password(self, sales: Actor) -> None:
        enrol(sales)
        visit = self.asked().fill(second_step_code="000000").press("Sign in")
        assert visit.redirect == ""
        assert visit.refusals == [zh(str(sign_in.wrong_code()))]
        assert visit.press("Back").has("Password")

    def test_five_wrong_codes_lock_the_account(self, sales: Actor) -> None:
        app, _codes = enrol(sales)
        visit = self.asked()
        for _turn in range(5):
            visit.fill(second_step_code="000000").press("Sign in")
        assert visit.fill(second_step_code=app.at(clock.now())).press("Sign in").redirect == ""
        assert TestSignIn().tried("sales", factories.PASSWORD).refusals == [zh(REFUSAL)]

    def test_a_trusted_browser_is_not_asked_again_and_another_one_is(self, sales: Actor) -> None:
        app, _codes = enrol(sales)
        visit = self.asked().fill(second_step_code=app.at(clock.now()), second_step_trust=True).press("Sign in")
        assert visit.redirect
        assert TestSignIn().tried("sales", factories.PASSWORD).redirect
        self.asked(Visit(browser="another").go(routes.HOME))

    def test_where_the_settings_forbid_it_no_browser_is_trusted(self, sales: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        enrol(sales)
        monkeypatch.setenv("CRM_TRUST_DAYS", "0")
        config.settings.cache_clear()
        assert not self.asked().has("second_step_trust")


class TestEnrolment:
    def opened(self, actor: Actor) -> Visit:
        return Visit(actor).go(routes.SETTINGS).open_tab("settings_tab", "Two-step verification")

    def secret_of(self, actor: Actor) -> str:
        with db.reading(SYSTEM) as session:
            return session.get_one(User, actor.id).totp_secret or ""

    def set_up(self, visit: Visit, actor: Actor) -> Visit:
        visit.press("Set up")
        return visit.fill(second_factor_code=pyotp.TOTP(self.secret_of(actor)).at(clock.now())).press("Confirm")

    def test_a_code_of_the_app_confirms_it_and_ten_recovery_codes_are_shown_once(self, sales: Actor) -> None:
        visit = self.set_up(self.opened(sales), sales)
        assert visit.refusals == []
        (shown,) = [node.value for node in visit.tab.code]
        assert len(set(shown.split())) == 10
        visit.press("I have kept them")
        assert shown.split()[0] not in str(visit.messages)
        assert shown.split()[0] not in str(self.opened(sales).messages)

    def test_the_picture_stays_within_the_page(self, sales: Actor) -> None:
        visit = self.opened(sales).press("Set up")
        shown = [message.delta.new_element for message in visit.messages if message.HasField("delta")]
        (picture,) = [image.url for element in shown if element.HasField("imgs") for image in element.imgs.imgs]
        assert picture.startswith("data:image/svg+xml")

    def test_a_wrong_code_leaves_it_off(self, sales: Actor) -> None:
        visit = self.opened(sales).press("Set up").fill(second_factor_code="000000").press("Confirm")
        assert zh(second_factor.wrong_code()) in visit.refusals[0]
        assert TestSignIn().tried("sales", factories.PASSWORD).redirect

    def test_it_is_switched_off_with_password_and_code(self, sales: Actor) -> None:
        app, _codes = enrol(sales)
        visit = self.opened(sales).fill(off_password="wrong-pass-1", off_code=app.at(clock.now())).press("Switch off")
        assert visit.refusals
        visit.fill(off_password=factories.PASSWORD, off_code=app.at(clock.now())).press("Switch off")
        assert visit.refusals == []
        assert self.secret_of(sales) == ""

    @pytest.mark.parametrize("url", ["customers", "customer", "overview", ""])
    def test_where_the_role_requires_it_nothing_comes_before_the_enrolment(self, sales: Actor, code: str, url: str) -> None:
        open_before = Visit(sales).go(routes.CUSTOMERS)
        with db.transaction(SYSTEM) as session:
            session.execute(update(Role).where(Role.code == "sales").values(needs_second_factor=True))
        visit = Visit(sales).go(BY_URL[url].file, code=code)
        assert visit.page == routes.SETTINGS
        assert not has_data(visit)
        assert not has_data(open_before.enter("q", "机械"))
        self.set_up(visit, sales).press("I have kept them")
        assert visit.go(routes.CUSTOMERS).page == routes.CUSTOMERS
        assert not self.opened(sales).has("off_password")

    def test_an_administrator_resets_it(self, administrator: Actor, sales: Actor) -> None:
        enrol(sales)
        visit = Visit(administrator).go(routes.USERS).press(f"user_{sales.id}").press("Reset two-step verification")
        assert visit.refusals == []
        assert self.secret_of(sales) == ""
        assert TestSignIn().tried("sales", factories.PASSWORD).redirect


class TestForgottenPassword:
    NEW = "Better#2026"

    @pytest.fixture(autouse=True)
    def mail(self, sales: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        """A mail server, and a mailbox of the salesperson."""
        monkeypatch.setenv("CRM_SMTP_HOST", "mail.example.com")
        monkeypatch.setenv("CRM_BASE_URL", "https://crm.example.com/")
        config.settings.cache_clear()
        with db.transaction(SYSTEM) as session:
            session.get_one(User, sales.id).email = "sales@example.com"

    def asked(self, account: str) -> Visit:
        return Visit().go(routes.HOME).press("Forgot password").fill(forgotten_account=account).press("Send link")

    def links(self) -> list[str]:
        with db.reading(SYSTEM) as session:
            bodies = session.execute(select(OutboxMessage.body).order_by(OutboxMessage.id)).scalars()
            return [link for body in bodies for link in re.findall(r"https://crm.example.com/\?new_password=(\S+)", body)]

    def test_the_answer_is_the_same_whether_or_not_there_is_such_an_account(self, sales: Actor) -> None:
        answers = {tuple(node.value for node in self.asked(name).tab.success) for name in ("sales", "nobody", "", "\x00")}
        assert len(answers) == 1
        assert len(self.links()) == 1

    def test_the_link_sets_a_new_password_once(self, sales: Actor) -> None:
        self.asked("sales")
        (token,) = self.links()
        other = Visit(sales).go(routes.CUSTOMERS)
        visit = Visit().go(routes.HOME, new_password=token).fill(link_password=self.NEW, link_password_again=self.NEW).press("Set password")
        assert visit.refusals == []
        assert visit.press("Go to sign-in").redirect == "/"
        assert other.rerun().has("Password")
        assert TestSignIn().tried("sales", self.NEW).redirect
        again = Visit().go(routes.HOME, new_password=token)
        assert not again.has("link_password")
        assert again.refusals

    @pytest.mark.parametrize(("new", "again"), [("weak", "weak"), ("Better#2026", "Better#2027"), ("Admin@123", "Admin@123")])
    def test_a_refused_password_leaves_the_link_good(self, sales: Actor, new: str, again: str) -> None:
        self.asked("sales")
        visit = Visit().go(routes.HOME, new_password=self.links()[0]).fill(link_password=new, link_password_again=again)
        assert visit.press("Set password").refusals
        visit.fill(link_password=self.NEW, link_password_again=self.NEW).press("Set password")
        assert TestSignIn().tried("sales", self.NEW).redirect

    def test_a_made_up_link_says_so(self, sales: Actor, code: str) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS, new_password="made-up")
        assert visit.refusals
        assert not visit.has("link_password")
        assert not has_data(visit)

    def test_without_a_mail_server_the_page_says_whom_to_ask(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CRM_SMTP_HOST", "")
        config.settings.cache_clear()
        assert not Visit().go(routes.HOME).has("Forgot password")


class TestSettings:
    def test_a_new_password_takes_effect_and_ends_the_other_sessions(self, sales: Actor) -> None:
        other, visit = (Visit(sales).go(routes.SETTINGS).open_tab("settings_tab", "Password") for _tab in range(2))
        visit.fill(old_password=factories.PASSWORD, new_password="Better#2026", new_password_again="Better#2026").press("Change password")
        assert visit.toasts == [zh("The password was changed. Other sessions of your account have ended.").replace(".", "\\.")]
        assert other.rerun().has("Password")
        assert visit.rerun().has("user_menu_leave")
        assert TestSignIn().tried("sales", "Better#2026").redirect

    @pytest.mark.parametrize(
        ("old", "new", "again", "sentence"),
        [
            ("not-it-123!", "Better#2026", "Better#2026", "This is not your present password. Enter it again."),
            (factories.PASSWORD, "Better#2026", "Better#2027", "The two passwords differ. Enter the same one twice."),
            (
                factories.PASSWORD,
                "short",
                "short",
                "A password has at least 8 characters, with letters, digits and special characters such as ! or #.",
            ),
            (factories.PASSWORD, factories.PASSWORD, factories.PASSWORD, "Choose a password that differs from the present one."),
        ],
    )
    def test_a_password_is_refused_with_the_reason(self, sales: Actor, old: str, new: str, again: str, sentence: str) -> None:
        visit = Visit(sales).go(routes.SETTINGS).open_tab("settings_tab", "Password")
        visit.fill(old_password=old, new_password=new, new_password_again=again).press("Change password")
        assert zh(sentence) in visit.refusals[0].replace("\\", "")
        assert TestSignIn().tried("sales", factories.PASSWORD).redirect

    def test_the_language_is_kept_with_the_account(self, sales: Actor) -> None:
        visit = Visit(sales).go(routes.SETTINGS).fill(profile_language="en").press("Save")
        assert visit.redirect.startswith("/auth/language/en?next=")
        assert Visit(sales, language="en").go(routes.SETTINGS).titles == ["Personal settings"]

    def test_the_menu_signs_out_and_changes_language_and_appearance(self, sales: Actor) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS, stage="customer")
        assert visit.pick("user_menu", "leave").redirect == "/auth/leave"
        dark = Visit(sales).go(routes.CUSTOMERS, stage="customer").pick("user_menu", "theme:dark").redirect
        assert dark == "/auth/theme/dark?next=%2Fcustomers%3Fstage%3Dcustomer"
        assert Visit(sales).go(routes.CUSTOMERS).pick("user_menu", "language:en").redirect.startswith("/auth/language/en?next=")
        assert Visit(sales, language="en").go(routes.CUSTOMERS).titles == ["Customer list"]


def test_pages_that_share_an_entry_of_the_navigation_link_to_each_other(house: House) -> None:
    visit = Visit(house.people["administrator"]).go(routes.BIN_RULES)
    linked = [link.page.rpartition("/")[2] for link in visit.elements("page_link")]
    rules = ["review-rules", "pool-rules", "follow-up-rules", "opportunity-stages", "tag-rules", "standing", "service-rules"]
    rules += ["churn-rules", "bin-rules"]
    assert linked == rules
    assert not list(Visit(house.people["administrator"]).go(routes.FIELDS).elements("page_link"))


def test_the_navigation_marks_the_entry_that_a_page_belongs_to(house: House) -> None:
    entries = {route.url for route in routes.ROUTES if route.section}
    inner = {route.url for route in routes.ROUTES if not route.section} - {"settings", *routes.OPEN}
    assert {routes.entry_of(url) for url in inner} <= entries
    assert not any(map(routes.entry_of, entries))
    assert Visit(house.people["administrator"]).go(routes.BIN_RULES).component(navigation.NAME)["current"] == "/review-rules"
