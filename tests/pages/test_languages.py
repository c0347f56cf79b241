"""Each page speaks one language: the one its user chose."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select, update

from crm_core import clock, config, db
from crm_core.i18n import _, in_language
from crm_core.models import KINDS, STAGES, Customer, OutboxMessage, OutlineQuestion, Role, User
from crm_core.permissions import SENSITIVE, SYSTEM, Access, Actor
from crm_core.services import (
    account_links,
    arrivals,
    attachments,
    customer_changes,
    customers,
    drafts,
    library,
    notices,
    outbox,
    saved_views,
    sign_in,
    tags,
    teams,
)
from crm_core.services.file_store import store_file
from tests import factories
from tests.conftest import forget_settings, use_database
from tests.pages.texts import texts_of
from tests.pages.visit import Visit
from ui import routes
from ui.routes import ROUTES

LATIN_ALLOWED = {
    *("Kemai", "English", "PDF", "JPG", "PNG", "CSV", "Excel", "vCard", "MB", "KB", "CUS", "Enter", "example", "com"),
    *("administrator", "manager", "sales", "YYYY", "MM", "DD"),
}
HAN_ALLOWED = ("客脉", "中文", "未提供", "待定", "20万-30万")
HAN = re.compile("[\u4e00-\u9fff]+")


def foreign_to_chinese(visit: Visit) -> list[str]:
    """Texts with an English word."""
    return [text for text in texts_of(visit) if {word for word in re.findall("[A-Za-z]{2,}", text) if word not in LATIN_ALLOWED}]


def foreign_to_english(visit: Visit) -> list[str]:
    """Texts with a Chinese word."""
    found = []
    for text in texts_of(visit):
        for allowed in HAN_ALLOWED:
            text = text.replace(allowed, "")
        if HAN.search(text):
            found.append(text)
    return found


def is_edited_in_both(text: str) -> bool:
    """Whether a text is one of those that an administrator enters in both languages, or both of them beside each other."""
    with db.reading(SYSTEM) as session:
        entries = [(entry.name, entry.name_en or "") for entry in library.get_library(session).presets.values()]
        questions = [(row.question, row.question_en or "") for row in session.execute(select(OutlineQuestion)).scalars()]
    pairs = entries + questions
    return any(text in (*pair, f"**{pair[0]}**　{pair[1]}") for pair in pairs)


FOREIGN: dict[str, Callable[[Visit], list[str]]] = {"zh_CN": foreign_to_chinese, "en": foreign_to_english}
WORDS = {
    "zh_CN": {"name": "杭州恒远精密机械有限公司", "person": "陈立群", "detail": "二〇二六年工业博览会", "tag": "重点"},
    "en": {"name": "Hengyuan Precision Ltd", "person": "Chen Liqun", "detail": "Industry fair 2026", "tag": "key"},
}


LICENCE = "attachment_type.business_licence"


@dataclass
class Desk:
    """An administrator with one record of everything, in words of their language only."""

    actor: Actor
    code: str
    drafts: list[str]

    def visit(self) -> Visit:
        return Visit(self.actor, language=self.actor.language)


@pytest.fixture(scope="session")
def furnished(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Desk]]:
    """For each language a data folder with one record of everything."""
    made = {}
    for language, words in WORDS.items():
        folder = tmp_path_factory.mktemp(language)
        shutil.copy(sqlite_template, folder / "crm.db")
        with pytest.MonkeyPatch.context() as patch, in_language(language):
            use_database(patch, folder, "")
            made[language] = folder, furnish(language, **words)
            forget_settings()
    return made


def furnish(language: str, *, name: str, person: str, detail: str, tag: str) -> Desk:
    actor = factories.make_user(role="administrator", username="administrator", name=person, language=language)
    customer = factories.make_customer(
        actor,
        stage="churned",
        name=name,
        source_detail=detail,
        churn_note=detail,
        province="330000",
        city="330100",
        tier="A",
        sales_stage="won",
        industry=detail,
        interests=["interest.training"],
        decision_roles=["buyer"],
        contacts=[factories.contact_values(name=person, position=detail, email="未提供")] * 2,
    )
    with db.transaction(actor, reason=detail) as session:
        tags.set_tags(session, actor, customer.code, [tag])
        begun = [drafts.start_draft(session, actor, {"kind": kind, "stage": stage}) for kind in KINDS for stage in STAGES]
        teams.create_team(session, actor, name=tag)
        attachments.add_attachment(session, actor, file=store_file(factories.PDF), type=LICENCE, customer_id=customer.id)
        attachments.add_attachment(session, actor, file=store_file(factories.PDF), type=LICENCE, draft_id=begun[0])
        customer_changes.update_customer(session, actor, customer.id, {"tier": "B"}, version=customer.version, reason=detail)
    locked = factories.make_user(username="sales", name=person, language=language)
    with db.transaction(SYSTEM) as session:
        row = session.get_one(User, locked.id)
        row.is_active, row.totp_confirmed_at, row.blocked_at = False, clock.now(), clock.now()
        for _turn in range(5):
            sign_in.claim_attempt(session, locked.username)
        values = {"time": clock.now().isoformat(), "place": "中国 上海 上海市", "device": "", "name": person, "username": "sales"}
        for kind in notices.KINDS:
            notices.notify(session, [actor.id or 0], kind, values, path="/users")
        for attempt_at in (None, clock.now()):
            outbox.enqueue_mail(session, recipient="a@example.com", subject=detail, body=detail, key=str(attempt_at))
        session.execute(update(OutboxMessage).where(OutboxMessage.key == "None").values(next_attempt_at=None))
    return Desk(actor, customer.code, begun)


@pytest.fixture(params=list(WORDS))
def desk(
    request: pytest.FixtureRequest, furnished: dict[str, tuple[Path, Desk]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    folder, found = furnished[request.param]
    shutil.copytree(folder, tmp_path / "var")
    use_database(monkeypatch, tmp_path / "var", "")
    with in_language(request.param):
        yield found
    forget_settings()


def opened(file: str, *presses: str, query: str = "") -> Callable[[Desk], Visit]:
    """A page as it is opened, after some buttons were pressed."""

    def show(desk: Desk) -> Visit:
        known = {"code": desk.code, "draft": desk.drafts[0]}
        visit = desk.visit().go(file, **({query: known[query]} if query else {}))
        for press in presses:
            visit.press(press)
        return visit

    return show


def checked(desk: Desk) -> Visit:
    visit = desk.visit().go(routes.INTAKE, draft=desk.drafts[4])
    return visit.press("Check form")


def complete(desk: Desk, name: str) -> Visit:
    """The intake form with everything that an enterprise needs."""
    words = WORDS[desk.actor.language]
    values = factories.customer_values(name=name, source_detail=words["detail"])
    contact = factories.contact_values(name=words["person"], position="", email="未提供")
    with db.transaction(desk.actor) as session:
        drafts.save_draft(session, desk.actor, desk.drafts[0], values | {"contacts": [contact]})
    return desk.visit().go(routes.INTAKE, draft=desk.drafts[0]).press("Submit")


def confirmed(desk: Desk) -> Visit:
    visit = complete(desk, {"zh_CN": "宁波海岳物流有限公司", "en": "Haiyue Logistics Ltd"}[desk.actor.language])
    assert visit.has("intake_sure")
    return visit


def duplicated(desk: Desk) -> Visit:
    visit = complete(desk, WORDS[desk.actor.language]["name"])
    assert visit.has("intake.duplicate_reason")
    return visit


def imported(desk: Desk) -> Visit:
    headings = {"zh_CN": "客户名称,手机", "en": "Company,Phone"}[desk.actor.language]
    visit = desk.visit().go(routes.IMPORT)
    return visit.upload("x.csv", f"{headings}\n{WORDS[desk.actor.language]['name']},123\n,\n".encode()).press("Check without saving")


def conflicted(desk: Desk) -> Visit:
    words = WORDS[desk.actor.language]
    visit = desk.visit().go(routes.EDIT, code=desk.code).enter("edit.remark", words["tag"])
    with db.transaction(desk.actor) as session:
        found = customers.get_customer(session, desk.actor, desk.code)
        changes = {"remark": words["detail"], "tier": "C"}
        customer_changes.update_customer(session, desk.actor, found.id, changes, version=found.version, reason="-")
    return visit.press("Save")


def tab_open(name: str) -> Callable[[Desk], Visit]:
    def show(desk: Desk) -> Visit:
        return desk.visit().go(routes.CUSTOMER, code=desk.code).open_tab("detail_tab", name)

    return show


def masked(desk: Desk) -> Desk:
    """The desk after the administrator's role may read no address any more but masked."""
    with db.transaction(SYSTEM) as session:
        session.execute(update(Customer).values(address={"zh_CN": "文三路八十八号三幢", "en": "Wensan Road"}[desk.actor.language]))
        role = session.execute(select(Role).where(Role.code == "administrator")).scalar_one()
        role.access = dict.fromkeys(SENSITIVE, int(Access.MASKED))
    return desk


def decided(answer: str) -> Callable[[Desk], Visit]:
    return lambda desk: opened(routes.INDUSTRIES, "Decide")(desk).enter("decision", answer)


def factor_tab(desk: Desk) -> Visit:
    return desk.visit().go(routes.SETTINGS).open_tab("settings_tab", "Two-step verification")


def enrolled(desk: Desk, *, is_noted: bool) -> Visit:
    """The second factor just confirmed: its recovery codes, or what comes after them."""
    visit = factor_tab(desk).press("Set up")
    with db.reading(SYSTEM) as session:
        app = pyotp.TOTP(session.get_one(User, desk.actor.id).totp_secret or "")
    visit.fill(second_factor_code=app.at(clock.now())).press("Confirm")
    return factor_tab(desk).press("New recovery codes") if is_noted else visit


def second_step(desk: Desk) -> Visit:
    enrolled(desk, is_noted=False)
    visit = Visit(language=desk.actor.language, browser="another").go(routes.HOME)
    visit.widget("Account").set_value(desk.actor.username)
    visit.widget("Password").set_value(factories.PASSWORD)
    return visit.press("Sign in").press("Sign in")


def must_enrol(desk: Desk) -> Visit:
    with db.transaction(SYSTEM) as session:
        session.execute(update(Role).values(needs_second_factor=True))
    return desk.visit().go(routes.HOME)


def forgotten(*presses: str, **query: str) -> Callable[[Desk], Visit]:
    """The sign-in page where mails can be sent."""

    def show(desk: Desk) -> Visit:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CRM_SMTP_HOST", "mail.example.com")
            patch.setenv("CRM_BASE_URL", "https://crm.example.com")
            config.settings.cache_clear()
            visit = Visit(language=desk.actor.language).go(routes.HOME, **query)
            for press in presses:
                visit.press(press)
        config.settings.cache_clear()
        return visit

    return show


def warned(desk: Desk) -> Visit:
    with db.transaction(SYSTEM) as session:
        token = account_links.make_link(session, desk.actor.id or 0, purpose=arrivals.NOT_ME, life=arrivals.LINK_LIFE)
    return Visit(language=desk.actor.language).go(routes.NOT_ME, token=token)


def role_changed(desk: Desk) -> Visit:
    visit = desk.visit().go(routes.ROLES).enter("roles_view", "one").enter("role_shown", 3)
    visit.enter("Edit customers", False).enter("Delete customers", True).enter("Customer types for entry", ["prospect"])
    return visit.enter("Whose customers", "all").enter("Phone", 0).enter("Second factor required", True)


def signed_out(desk: Desk) -> Visit:
    return Visit(language=desk.actor.language).go(routes.HOME).press("Sign in")


def empty_handed(file: str) -> Callable[[Desk], Visit]:
    """A page as somebody without a permission or a record sees it."""

    def show(desk: Desk) -> Visit:
        nobody = factories.make_user(name=desk.actor.name, language=desk.actor.language)
        return Visit(nobody, language=desk.actor.language).go(file)

    return show


def bulk_changed(desk: Desk) -> Visit:
    visit = opened(routes.CUSTOMERS, "select_mode", "bulk_all")(desk).pick("bulk_menu", "tags_remove")
    visit.enter("bulk_tags", [WORDS[desk.actor.language]["tag"]]).enter("bulk_reason", WORDS[desk.actor.language]["detail"])
    return visit.press(_("Change {count} customers").format(count=1))


def viewed(code: str) -> Callable[[Desk], Visit]:
    """A shared view that is open and changed, after an entry of its menu."""

    def show(desk: Desk) -> Visit:
        with db.transaction(desk.actor) as session:
            name = WORDS[desk.actor.language]["tag"]
            saved = saved_views.save_view(session, desk.actor, name, query={"stage": ["churned"]}, columns=[])
            saved_views.share_view(session, desk.actor, saved, is_shared=True)
        return desk.visit().go(routes.CUSTOMERS, view=str(saved)).enter("sort", "name").pick("view_menu", code)

    return show


SCENES: dict[str, Callable[[Desk], Visit]] = {
    **{route.url: opened(route.file) for route in ROUTES},
    "customer found": opened(routes.CUSTOMER, query="code"),
    **{
        f"customer {name}": opened(routes.CUSTOMER, name, query="code")
        for name in ("Tags", "Delete customer", "Add contact", "Alias for outside use")
    },
    "customer sheet": opened(routes.CUSTOMER, "Sheet for outside use", query="code"),
    "customer sheet refused": opened(routes.CUSTOMER, "Sheet for outside use", "Make the sheet", query="code"),
    "customers selected": opened(routes.CUSTOMERS, "select_mode", "bulk_all"),
    "customers changed": bulk_changed,
    "customers changed earlier": lambda desk: bulk_changed(desk).press("select_mode").press("bulk_history"),
    **{f"customers view {code}": viewed(code) for code in ("columns", "save", "rename", "share", "delete")},
    "customer reveal": lambda desk: opened(routes.CUSTOMER, "reveal_customer_1_address", query="code")(masked(desk)),
    "customer reveal refused": lambda desk: opened(routes.CUSTOMER, "reveal_customer_1_address", "Show", query="code")(masked(desk)),
    "edit locked": lambda desk: opened(routes.EDIT, query="code")(masked(desk)),
    "customer contact refused": opened(routes.CUSTOMER, "Add contact", "Save", query="code"),
    "customer files": tab_open("Attachments"),
    "customer history": tab_open("Change log"),
    "edit found": opened(routes.EDIT, query="code"),
    "edit refused": lambda desk: opened(routes.EDIT, query="code")(desk).enter("edit.source_detail", "").press("Save"),
    "edit conflict": conflicted,
    **{
        f"intake {kind} {stage}": (lambda desk, place=place: desk.visit().go(routes.INTAKE, draft=desk.drafts[place]))
        for place, (kind, stage) in enumerate((kind, stage) for kind in KINDS for stage in STAGES)
    },
    "intake refused": checked,
    "intake confirmation": confirmed,
    "intake duplicate": duplicated,
    "import checked": imported,
    "users add": opened(routes.USERS, "Add account"),
    "users add refused": opened(routes.USERS, "Add account", "Create account"),
    "users edit": opened(routes.USERS, "Edit"),
    "users password": opened(routes.USERS, "Edit", "New one-time password"),
    "teams add": opened(routes.TEAMS, "Add team"),
    "teams edit": opened(routes.TEAMS, "Edit"),
    "teams delete": opened(routes.TEAMS, "Edit", "Delete team"),
    "roles add": opened(routes.ROLES, "Add role"),
    "roles delete": opened(routes.ROLES, "Delete"),
    "roles delete refused": opened(routes.ROLES, "Delete", "Delete"),
    "roles, one": lambda desk: desk.visit().go(routes.ROLES).enter("roles_view", "one"),
    "roles changed": role_changed,
    "library add": opened(routes.LIBRARY, "Add entry"),
    "library edit": opened(routes.LIBRARY, "Edit"),
    **{f"industries {answer}": decided(answer) for answer in ("map", "accept", "refuse")},
    "audit filtered": lambda desk: opened(routes.AUDIT)(desk).enter("person", desk.actor.id).enter("action", "changed"),
    "audit nothing": lambda desk: opened(routes.AUDIT)(desk).enter("customer", "-"),
    "audit export": opened(routes.AUDIT, "Export", "export_check"),
    "audit file": lambda desk: opened(routes.AUDIT, "Export")(desk).fill(export_reason=desk.actor.name).press("export_check"),
    "outlines add": opened(routes.OUTLINES, "Add question"),
    "outlines edit": opened(routes.OUTLINES, "Edit"),
    "settings refused": lambda desk: desk.visit().go(routes.SETTINGS).open_tab("settings_tab", "Password").press("Change password"),
    "settings factor": factor_tab,
    "settings factor refused": lambda desk: factor_tab(desk).press("Set up").press("Confirm"),
    "settings factor codes": lambda desk: enrolled(desk, is_noted=False),
    "settings factor on": lambda desk: enrolled(desk, is_noted=True),
    "settings must enrol": must_enrol,
    "second step": second_step,
    "forgotten password": forgotten("Forgot password", "Send link"),
    "dead link": forgotten(new_password="x"),
    "settings devices": lambda desk: desk.visit().go(routes.SETTINGS).open_tab("settings_tab", "Devices"),
    "users sessions": opened(routes.USERS, "Sessions"),
    "notices": lambda desk: desk.visit().go(routes.SETTINGS).open_bell(),
    "not me": warned,
    "settings mailbox refused": lambda desk: opened(routes.SETTINGS)(desk).fill(profile__email="-", profile__phone="1").press("Save"),
    "signed out": signed_out,
    "empty list": empty_handed(routes.CUSTOMERS),
    "empty overview": empty_handed(routes.OVERVIEW),
    "no permission": empty_handed(routes.USERS),
}


BILINGUAL = {"library", "library add", "library edit", "outlines edit"}
"""Pages on which an administrator edits both languages."""


@pytest.mark.parametrize("name", SCENES)
def test_a_page_has_no_word_of_another_language(desk: Desk, name: str) -> None:
    visit = SCENES[name](desk)
    assert len(list(texts_of(visit))) > 5
    assert [text for text in FOREIGN[desk.actor.language](visit) if not (name in BILINGUAL and is_edited_in_both(text))] == []


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_the_first_page_has_no_word_of_another_language(any_database: str, language: str) -> None:
    visit = Visit(language=language).go(routes.HOME).press("Create administrator")
    assert visit.refusals
    assert FOREIGN[language](visit) == []
