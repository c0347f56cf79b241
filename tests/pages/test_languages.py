"""Each page speaks one language: the one its user chose."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from crm_core import clock, db
from crm_core.i18n import in_language
from crm_core.models import KINDS, STAGES, OutlineQuestion, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import attachments, customer_changes, customers, drafts, library, tags, users
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
        users.create_team(session, actor, name=tag)
        attachments.add_attachment(session, actor, file=store_file(factories.PDF), type=LICENCE, customer_id=customer.id)
        attachments.add_attachment(session, actor, file=store_file(factories.PDF), type=LICENCE, draft_id=begun[0])
        customer_changes.update_customer(session, actor, customer.id, {"tier": "B"}, version=customer.version, reason=detail)
    locked = factories.make_user(username="sales", name=person, language=language)
    with db.transaction(SYSTEM) as session:
        row = session.get_one(User, locked.id)
        row.is_active, row.locked_until = False, clock.now() + timedelta(days=1)
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


def decided(answer: str) -> Callable[[Desk], Visit]:
    return lambda desk: opened(routes.INDUSTRIES, "Decide")(desk).enter("decision", answer)


def signed_out(desk: Desk) -> Visit:
    return Visit(language=desk.actor.language).go(routes.HOME).press("Sign in")


def empty_handed(file: str) -> Callable[[Desk], Visit]:
    """A page as somebody without a permission or a record sees it."""

    def show(desk: Desk) -> Visit:
        nobody = factories.make_user(name=desk.actor.name, language=desk.actor.language)
        return Visit(nobody, language=desk.actor.language).go(file)

    return show


SCENES: dict[str, Callable[[Desk], Visit]] = {
    **{route.url: opened(route.file) for route in ROUTES},
    "customer found": opened(routes.CUSTOMER, query="code"),
    **{f"customer {name}": opened(routes.CUSTOMER, name, query="code") for name in ("Tags", "Delete", "Add contact")},
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
    "users team": opened(routes.USERS, "Add team"),
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
