"""What administrators do on their pages: accounts, teams, the preset library, suggested industries and talking points."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from crm_core import db
from crm_core.models import ChangeLog, Customer, IndustrySuggestion, OutlineQuestion, Preset, Role, Team, User
from crm_core.permissions import BUILT_IN_ROLES, SYSTEM, Access, Actor, Permission, Scope
from crm_core.services import library, roles, sign_in, users
from crm_core.services import teams as team_services
from tests import factories
from tests.pages.visit import Visit, zh
from ui import feedback, routes


def account(username: str) -> User | None:
    with db.reading(SYSTEM) as session:
        return session.execute(select(User).where(User.username == username)).scalar_one_or_none()


def logged() -> int:
    with db.reading(SYSTEM) as session:
        return session.execute(select(func.count(ChangeLog.id))).scalar_one()


def texts(visit: Visit) -> str:
    return "\n".join(node.value for node in visit.tab.markdown)


class TestAccounts:
    def test_a_new_account_gets_a_one_time_password_which_is_shown_once(self, administrator: Actor, teams: dict[str, int]) -> None:
        visit = Visit(administrator).go(routes.USERS).press("Add account")
        visit.fill(user_account="Lin.Lan", user_name="林晓岚", user_role="sales", user_team=teams["east"]).press("Create account")
        username, password = visit.tab.code[0].value.splitlines()
        assert username == "lin.lan"
        made = account("lin.lan")
        assert made
        assert (made.name, made.team_id, made.must_change_password, made.is_active) == ("林晓岚", teams["east"], True, True)
        visit.press("Done")
        assert not visit.has("Create account")
        assert "林晓岚" in texts(visit)
        assert password not in str(visit.messages)
        assert not visit.press("Add account").tab.code

    def test_an_account_without_a_role_is_refused_with_every_reason(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.USERS).press("Add account")
        visit.fill(user_account="林", user_name="").press("Create account")
        (refusal,) = visit.refusals
        assert zh("Some entries need correction. Each one is explained at its field.") not in refusal  # they are told here
        for reason in ("Choose a role.", "Enter a name.", "An account has 3 to 40 lower-case letters, digits, dots or dashes."):
            assert zh(reason) in refusal.replace("\\", "")
        with db.reading(SYSTEM) as session:
            assert len(session.execute(select(User)).all()) == 1

    def test_name_role_and_sign_in_can_be_changed(self, administrator: Actor, sales: Actor) -> None:
        visit = Visit(administrator).go(routes.USERS).press(f"user_{sales.id}")
        visit.fill(**{f"edit_name_{sales.id}": "新名字", f"edit_role_{sales.id}": "manager", f"edit_active_{sales.id}": False})
        visit.press("Save")
        with db.reading(SYSTEM) as session:
            name, is_active, role = session.execute(
                select(User.name, User.is_active, Role.code).join(Role).where(User.id == sales.id)
            ).one()
        assert (name, is_active, role) == ("新名字", False, "manager")
        assert zh("disabled") in texts(visit)

    def test_who_is_locked_is_shown_until_a_new_one_time_password_lifts_it(self, administrator: Actor, sales: Actor) -> None:
        for _turn in range(5):
            with db.transaction() as session:
                sign_in.claim_attempt(session, sales.username)
        visit = Visit(administrator).go(routes.USERS)
        assert texts(visit).count(zh("locked")) == 1
        visit.press(f"user_{sales.id}").press("New one-time password")
        assert zh("locked") not in texts(Visit(administrator).go(routes.USERS))

    def test_only_roles_within_the_own_one_are_offered_and_the_present_one_stays(self, administrator: Actor, sales: Actor) -> None:
        with db.transaction(administrator) as session:
            made = roles.create_role(session, administrator, name="人事", copy_of=role("sales").id)
            terms = replace(roles.terms_of(made), scope=Scope.ALL, permissions=frozenset({*made.permissions, Permission.USER_EDIT}))
            roles.update_role(session, administrator, made.id, terms, version=made.version)
        clerk = factories.make_user(role=made.code)
        offered = [zh(BUILT_IN_ROLES[code].label) for code in ("sales", "viewer")] + ["人事"]
        visit = Visit(clerk).go(routes.USERS).press("Add account")
        assert visit.widget("user_role").options == offered
        visit = Visit(clerk).go(routes.USERS).press(f"user_{sales.id}")
        assert visit.widget(f"edit_role_{sales.id}").options == offered
        above = Visit(clerk).go(routes.USERS).press(f"user_{administrator.id}").widget(f"edit_role_{administrator.id}")
        assert (above.value, above.options) == ("administrator", [*offered, zh("Administrator")])

    def test_somebody_is_taken_out_of_their_team(self, administrator: Actor, sales: Actor, teams: dict[str, int]) -> None:
        with db.transaction(administrator) as session:
            session.get_one(User, sales.id).team_id = teams["east"]
        visit = Visit(administrator).go(routes.USERS).press(f"user_{sales.id}")
        assert visit.widget(f"edit_team_{sales.id}").value == teams["east"]
        visit.fill(**{f"edit_team_{sales.id}": None}).press("Save")
        with db.reading(SYSTEM) as session:
            assert session.get_one(User, sales.id).team_id is None

    def test_an_account_that_somebody_else_disabled_meanwhile_stays_so(self, administrator: Actor, sales: Actor) -> None:
        visit = Visit(administrator).go(routes.USERS).press(f"user_{sales.id}").fill(**{f"edit_name_{sales.id}": "新名字"})
        with db.transaction(SYSTEM) as session:
            users.update_user(session, SYSTEM, sales.id or 0, name=sales.name, role="sales", team_id=None, is_active=False)
        assert len(visit.press("Save").refusals) == 1
        with db.reading(SYSTEM) as session:
            assert (session.get_one(User, sales.id).is_active, session.get_one(User, sales.id).name) == (False, sales.name)

    def test_the_last_administrator_stays(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.USERS).press(f"user_{administrator.id}")
        visit.fill(**{f"edit_role_{administrator.id}": "sales"}).press("Save")
        assert zh("This is the last administrator. Make somebody else administrator first.") in visit.refusals[0].replace("\\", "")

    def test_a_new_one_time_password_ends_the_sessions_of_the_account(self, administrator: Actor, sales: Actor) -> None:
        theirs = Visit(sales).go(routes.CUSTOMERS)
        visit = Visit(administrator).go(routes.USERS).press(f"user_{sales.id}").press("New one-time password")
        assert visit.tab.code[0].value.splitlines()[0] == "sales"
        assert theirs.rerun().has("Password")
        visit.press("Done")
        assert not visit.tab.code
        assert not visit.has(f"edit_name_{sales.id}")


class TestTeams:
    def test_without_teams_the_page_says_what_to_do(self, administrator: Actor) -> None:
        assert zh("No teams yet") in texts(Visit(administrator).go(routes.TEAMS))

    def test_a_team_can_be_added_below_another_but_not_twice(self, administrator: Actor, teams: dict[str, int]) -> None:
        visit = Visit(administrator).go(routes.TEAMS).press("Add team")
        visit.fill(team_name_new="华南组", team_parent_new=teams["east"]).press("Save")
        assert team("华南组").parent_id == teams["east"]
        visit.press("Add team").fill(team_name_new="华南组").press("Save")
        assert len(visit.refusals) == 1

    def test_a_team_that_somebody_else_moved_meanwhile_stays_there(self, administrator: Actor, teams: dict[str, int]) -> None:
        number = teams["below"]
        visit = Visit(administrator).go(routes.TEAMS).press(f"team_{number}").fill(**{f"team_name_{number}": "华西一组"})
        with db.transaction(SYSTEM) as session:
            team_services.update_team(session, SYSTEM, number, name="华西二组", parent_id=teams["east"], head_id=None)
        assert len(visit.press("Save").refusals) == 1
        assert team("华西二组").parent_id == teams["east"]

    def test_a_team_is_renamed_moved_and_given_a_head(self, administrator: Actor, teams: dict[str, int], sales: Actor) -> None:
        number = teams["below"]
        visit = Visit(administrator).go(routes.TEAMS).press(f"team_{number}")
        visit.fill(**{f"team_name_{number}": "华西一组", f"team_parent_{number}": teams["west"], f"team_head_{number}": sales.id})
        visit.press("Save")
        moved = team("华西一组")
        assert (moved.id, moved.parent_id, moved.head_id) == (number, teams["west"], sales.id)
        assert "华西一组" in texts(visit)

    def test_a_team_is_moved_to_the_top_and_its_head_taken_away(self, administrator: Actor, teams: dict[str, int], sales: Actor) -> None:
        number = teams["below"]
        with db.transaction(administrator) as session:
            session.get_one(Team, number).head_id = sales.id
        visit = Visit(administrator).go(routes.TEAMS).press(f"team_{number}")
        assert visit.widget(f"team_parent_{number}").value == teams["east"]
        visit.fill(**{f"team_parent_{number}": None, f"team_head_{number}": None}).press("Save")
        with db.reading(SYSTEM) as session:
            moved = session.get_one(Team, number)
            assert (moved.parent_id, moved.head_id) == (None, None)

    def test_a_team_is_not_moved_below_itself(self, administrator: Actor, teams: dict[str, int]) -> None:
        number = teams["east"]
        visit = Visit(administrator).go(routes.TEAMS).press(f"team_{number}")
        visit.fill(**{f"team_parent_{number}": teams["below"]}).press("Save")
        assert zh("A team cannot belong to itself or to a team below it. Choose another place.") in visit.refusals[0]

    def test_only_an_empty_team_is_deleted(self, administrator: Actor, teams: dict[str, int]) -> None:
        visit = Visit(administrator).go(routes.TEAMS).press(f"team_{teams['east']}").press("Delete team")
        assert len(visit.refusals) == 1
        visit = Visit(administrator).go(routes.TEAMS).press(f"team_{teams['west']}").press("Delete team")
        assert "华西组" not in texts(visit)


def team(name: str) -> Team:
    with db.reading(SYSTEM) as session:
        return session.execute(select(Team).where(Team.name == name)).scalar_one()


def role(code: str) -> Role:
    with db.reading(SYSTEM) as session:
        return session.execute(select(Role).where(Role.code == code)).scalar_one()


class TestRoles:
    """The form of one role; the grid of all roles is painted, and tried in a browser."""

    def opened(self, administrator: Actor, code: str = "sales") -> Visit:
        visit = Visit(administrator).go(routes.ROLES).enter("roles_view", "one")
        return visit.enter("role_shown", role(code).id)

    def test_changes_are_told_before_they_are_saved_at_once(self, administrator: Actor) -> None:
        visit = self.opened(administrator).enter("Edit customers", False).enter("Whose customers", Scope.TEAM)
        visit.enter("role_shown", role("viewer").id).enter("Second factor required", True).enter("Phone", Access.HIDDEN)
        told = texts(visit)
        assert zh("may no longer: {permissions}").format(permissions=zh("Edit customers")) in told
        assert zh("Own team and below") in told
        assert Permission.CUSTOMER_EDIT in role("sales").permissions
        visit.press("Save changes")
        assert Permission.CUSTOMER_EDIT not in role("sales").permissions
        assert role("sales").scope == Scope.TEAM
        assert (role("viewer").needs_second_factor, role("viewer").access["phone"]) == (True, Access.HIDDEN)
        assert not visit.has("Save changes")

    def test_customer_types_are_limited_and_offered_so(self, administrator: Actor, sales: Actor) -> None:
        self.opened(administrator).enter("Customer types for entry", ["prospect"]).press("Save changes")
        assert role("sales").entry_stages == ["prospect"]
        visit = Visit(sales).go(routes.INTAKE)
        assert visit.widget("new_stage").options == [zh("Prospect")]

    def test_discarded_changes_leave_everything_as_it_was(self, administrator: Actor) -> None:
        visit = self.opened(administrator).enter("Edit customers", False).press("Discard changes")
        assert visit.enter("role_shown", role("sales").id).widget("Edit customers").value
        assert Permission.CUSTOMER_EDIT in role("sales").permissions

    def test_the_administrators_role_is_shown_but_fixed(self, administrator: Actor) -> None:
        visit = self.opened(administrator, "administrator")
        assert all(box.disabled and box.value for box in visit.elements("checkbox") if box.key and box.key.startswith("role_"))
        visit.enter("Second factor required", True).press("Save changes")
        assert role("administrator").needs_second_factor

    def test_a_built_in_role_has_no_button_to_delete_it(self, administrator: Actor) -> None:
        assert not self.opened(administrator).has("Delete")

    def test_a_role_above_the_own_one_is_shown_but_fixed_and_not_copied(self, administrator: Actor) -> None:
        with db.transaction(administrator) as session:
            made = roles.create_role(session, administrator, name="制度", copy_of=role("sales").id)
            terms = replace(roles.terms_of(made), permissions=frozenset({*made.permissions, Permission.ROLE_EDIT}))
            roles.update_role(session, administrator, made.id, terms, version=made.version)
        editor = factories.make_user(role=made.code)
        visit = self.opened(editor, "manager")
        fields = [
            node for node in visit.elements() if (node.key or "").startswith("role_") and node.key not in ("role_shown", "roles_view")
        ]
        assert fields
        assert all(node.disabled for node in fields)
        assert not visit.has("Copy")
        visit.press("Add role")
        assert zh("Manager") not in visit.widget("new_role_source").options
        assert not self.opened(editor).widget("Edit customers").disabled

    def test_what_somebody_else_saved_is_told_and_both_changes_stand(self, administrator: Actor) -> None:
        mine = self.opened(administrator).enter("Edit customers", False)
        self.opened(administrator).enter("Delete customers", True).press("Save changes")
        mine.press("Save changes")
        (warning,) = mine.tab.warning
        assert zh("Delete customers") in warning.value
        assert Permission.CUSTOMER_EDIT in role("sales").permissions
        mine.press("Save changes")
        assert Permission.CUSTOMER_EDIT not in role("sales").permissions
        assert Permission.CUSTOMER_DELETE in role("sales").permissions

    def test_a_role_is_copied_used_and_deleted_when_nobody_has_it(self, administrator: Actor) -> None:
        visit = self.opened(administrator).press("Copy").fill(new_role_name="售前").press("Create role")
        assert visit.widget("role_shown").value not in (1, role("sales").id)
        with db.reading(SYSTEM) as session:
            made = session.execute(select(Role).where(Role.name == "售前")).scalar_one()
        assert made.permissions == role("sales").permissions
        colleague = factories.make_user(role=made.code)
        visit.rerun().press("Delete").press("Delete")
        assert len(visit.refusals) == 1
        with db.transaction(SYSTEM) as session:
            session.get_one(User, colleague.id).role_id = role("viewer").id
        visit.rerun().press("Delete").press("Delete")
        with db.reading(SYSTEM) as session:
            assert session.get(Role, made.id) is None

    def test_a_role_without_a_name_is_refused(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.ROLES).press("Add role").press("Create role")
        assert zh("Enter a name.") in visit.refusals[0]


class TestLibrary:
    def test_a_choice_can_be_added_once(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.LIBRARY).press("Add entry").fill(new_entry="直播").press("Add")
        assert "直播" in texts(visit)
        visit.press("Add entry").fill(new_entry="直播").press("Add")
        (refusal,) = visit.refusals
        assert "直播" in refusal
        with db.reading(SYSTEM) as session:
            assert len(session.execute(select(Preset).where(Preset.name == "直播")).all()) == 1

    def test_a_choice_that_somebody_else_hid_meanwhile_stays_hidden(self, administrator: Actor) -> None:
        code = "source.exhibition"
        visit = Visit(administrator).go(routes.LIBRARY).press(f"entry_{code}").fill(**{f"name_{code}": "展会"})
        with db.transaction(SYSTEM) as session:
            library.update_preset(session, SYSTEM, code, name="展会推广", name_en="", position=1, is_active=False)
        assert len(visit.press("Save").refusals) == 1
        with db.reading(SYSTEM) as session:
            assert (session.get_one(Preset, code).name, session.get_one(Preset, code).is_active) == ("展会推广", False)

    def test_a_choice_can_be_renamed_and_hidden(self, administrator: Actor) -> None:
        code = "source.exhibition"
        visit = Visit(administrator).go(routes.LIBRARY).press(f"entry_{code}")
        visit.fill(**{f"name_{code}".replace(".", "__"): "展览", f"active_{code}".replace(".", "__"): False}).press("Save")
        with db.reading(SYSTEM) as session:
            row = session.get_one(Preset, code)
            assert (row.name, row.is_active) == ("展览", False)
        assert zh("hidden") in texts(visit)

    def test_an_entry_is_merged_into_another_one_after_its_uses_were_counted(self, administrator: Actor, sales: Actor) -> None:
        customer = factories.make_customer(sales, source="source.other")
        visit = Visit(administrator).go(routes.LIBRARY).press("entry_source.other").enter("merge_into_source.other", "source.exhibition")
        told = zh(
            "“{name}” stands in: {records}. They get the entry that stays, each with a line in the change log. This cannot be undone."
        )
        assert feedback.escape(told.format(records=zh("{count} customer").format(count=1), name="其他")) in texts(visit)
        visit.press("merge_source.other")
        with db.reading(SYSTEM) as session:
            assert session.get_one(Customer, customer.id).source == "source.exhibition"
            assert session.get_one(Preset, "source.other").merged_into == "source.exhibition"
        assert not visit.has("entry_source.other")

    @pytest.mark.parametrize("category", library.CATEGORIES)
    def test_every_list_is_shown_and_takes_a_new_entry_or_says_that_it_is_empty(self, administrator: Actor, category: str) -> None:
        visit = Visit(administrator).go(routes.LIBRARY).enter("category", category)
        visit.press("Add entry").fill(new_entry="新选项").press("Add")
        assert "新选项" in texts(visit)
        with db.reading(SYSTEM) as session:
            assert session.execute(select(Preset.category).where(Preset.name == "新选项")).scalar_one() == category


class TestSuggestedIndustries:
    @pytest.fixture
    def suggestion(self, sales: Actor) -> int:
        factories.make_customer(sales, industry="低空经济")
        with db.reading(SYSTEM) as session:
            found: int = session.execute(select(IndustrySuggestion.id)).scalar_one()
        return found

    def test_without_suggestions_the_page_says_so(self, administrator: Actor) -> None:
        assert zh("No suggestions are waiting") in texts(Visit(administrator).go(routes.INDUSTRIES))

    def test_a_suggestion_is_mapped_to_an_industry_of_the_library(self, administrator: Actor, suggestion: int) -> None:
        visit = Visit(administrator).go(routes.INDUSTRIES).press(f"suggestion_{suggestion}")
        visit.enter("industry_map", "C37").press("Save")
        with db.reading(SYSTEM) as session:
            assert session.execute(select(Customer.industry)).scalar_one() == "C37"
            assert session.get_one(IndustrySuggestion, suggestion).state == "mapped"
        assert "低空经济" not in texts(visit)

    def test_a_suggestion_is_taken_into_the_library(self, administrator: Actor, suggestion: int) -> None:
        visit = Visit(administrator).go(routes.INDUSTRIES).press(f"suggestion_{suggestion}").enter("decision", "accept")
        visit.fill(industry_accept="G", industry_en="Low-altitude economy").press("Save")
        with db.reading(SYSTEM) as session:
            accepted = session.execute(select(Customer.industry)).scalar_one()
            assert library.get_library(session).industries[accepted].name_en == "Low-altitude economy"

    def test_a_refusal_needs_a_reason(self, administrator: Actor, suggestion: int) -> None:
        visit = Visit(administrator).go(routes.INDUSTRIES).press(f"suggestion_{suggestion}").enter("decision", "refuse")
        visit.press("Save")
        assert zh("Say why, so that the author knows what to choose.") in visit.refusals[0]
        visit.enter("refusal", "请选所属行业").press("Save")
        with db.reading(SYSTEM) as session:
            assert session.get_one(IndustrySuggestion, suggestion).state == "refused"


class TestTalkingPoints:
    def test_a_question_is_added_changed_and_deleted(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.OUTLINES).press("Add question")
        visit.fill(question_new="贵司的交期要求？", question_field_new="purchase_time").press("Save")
        number = self.question("贵司的交期要求？")
        assert number
        visit.press(f"edit_question_{number}").fill(**{f"question_{number}": "交期最晚到何时？"}).press("Save")
        assert self.question("交期最晚到何时？") == number
        visit.press(f"edit_question_{number}").press("Delete")
        assert self.question("交期最晚到何时？") is None

    def test_an_empty_question_is_refused(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.OUTLINES).press("Add question").press("Save")
        assert visit.refusals == [zh("Enter the question.")]

    @staticmethod
    def question(text: str) -> int | None:
        with db.reading(SYSTEM) as session:
            return session.execute(select(OutlineQuestion.id).where(OutlineQuestion.question == text)).scalar_one_or_none()


@pytest.mark.parametrize(
    ("file", "opener"),
    [
        (routes.CUSTOMER, "Tags"),
        (routes.CUSTOMER, "Delete customer"),
        (routes.CUSTOMER, "Add contact"),
        (routes.USERS, "Add account"),
        (routes.TEAMS, "Add team"),
        (routes.USERS, "Edit"),
        (routes.LIBRARY, "Add entry"),
        (routes.LIBRARY, "Edit"),
        (routes.OUTLINES, "Add question"),
        (routes.OUTLINES, "Edit"),
        (routes.FIELDS, "Add field"),
        (routes.FIELDS, "Edit"),
    ],
)
def test_every_dialog_can_be_left_by_a_button_and_nothing_is_done(administrator: Actor, file: str, opener: str) -> None:
    query = {"code": factories.make_customer(administrator).code} if file == routes.CUSTOMER else {}
    visit = Visit(administrator).go(file, **query)
    before = logged()
    if opener == "Add contact":
        visit.open_tab("detail_tab", "Contacts")
    visit.press(opener)
    assert visit.has("leave_dialog")
    visit.press("leave_dialog")
    assert not visit.has("leave_dialog")
    assert (visit.page, visit.refusals, logged()) == (file, [], before)


def test_sessions_of_an_account_above_the_own_one_are_refused_in_words(administrator: Actor, manager: Actor) -> None:
    with db.transaction(SYSTEM) as session:
        role = session.execute(select(Role).where(Role.code == "manager")).scalar_one()
        role.permissions = sorted({*role.permissions, Permission.USER_EDIT})
    visit = Visit(manager).go(routes.USERS).press(f"sessions_{administrator.id}")
    assert zh("Administrator") in visit.refusals[0]
