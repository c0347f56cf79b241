"""Each page speaks one language: the one its user chose."""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import select, update

from crm_core import clock, config, db
from crm_core.i18n import _, in_language
from crm_core.models import (
    KINDS,
    STAGES,
    Campaign,
    CampaignMove,
    ChurnPlan,
    ChurnScore,
    Contact,
    Customer,
    Job,
    OutboxMessage,
    OutlineQuestion,
    Participation,
    Report,
    Role,
    Step,
    Team,
    Ticket,
    TicketMove,
    User,
)
from crm_core.permissions import SENSITIVE, SYSTEM, Access, Actor
from crm_core.services import (
    account_links,
    archive,
    arrivals,
    attachments,
    campaigns,
    check_in,
    contacts,
    contracts,
    customer_changes,
    customers,
    decision_chain,
    drafts,
    duplicate_pairs,
    duplicate_scan,
    follow_up_drafts,
    follow_ups,
    hand_tiers,
    holds,
    jobs,
    library,
    merges,
    notice_kinds,
    notices,
    opportunity_moves,
    outbox,
    participations,
    payments,
    pool,
    products,
    review_list,
    review_rules,
    reviews,
    robots,
    roles,
    saved_views,
    sign_in,
    stage_changes,
    tag_rules,
    tags,
    targets,
    task_comments,
    tasks,
    teams,
    ticket_work,
    tickets,
    transfers,
    verification,
)
from crm_core.services import opportunity_stages as stages
from crm_core.services.bulk_targets import Selection
from crm_core.services.file_store import store_file
from crm_core.services.follow_ups import Entry, Plan
from crm_core.services.insight.question import Period, Question
from crm_core.services.measures import MEASURES, OPERATORS, Condition, Kind, choices
from crm_core.services.recurrence import Every, Recurrence, make_rule
from crm_core.services.reports import making, schedules
from crm_core.services.reports.order import Order
from crm_core.services.reports.schedules import Rhythm
from tests import factories
from tests.conftest import forget_settings, use_database
from tests.core.test_import_kinds import bring_in
from tests.core.test_imports import complete_line, import_lines
from tests.pages.texts import texts_of
from tests.pages.visit import Visit
from tests.warm import know_library
from ui import routes
from ui.routes import ROUTES

LATIN_ALLOWED = {
    *(
        "Kemai",
        "English",
        "PDF",
        "JPG",
        "PNG",
        "CSV",
        "Excel",
        "vCard",
        "MB",
        "KB",
        "CUS",
        "HT",
        "TKT",
        "CAM",
        "OPP",
        "PRD",
        "Enter",
        "example",
        "com",
    ),
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
        named = [(stage.name, stage.name_en or "") for stage in stages.list_stages(session)]
    pairs = entries + questions + named
    return any(text in (*pair, f"**{pair[0]}**　{pair[1]}") for pair in pairs)


FOREIGN: dict[str, Callable[[Visit], list[str]]] = {"zh_CN": foreign_to_chinese, "en": foreign_to_english}
WORDS = {
    "zh_CN": {"name": "杭州恒远精密机械有限公司", "person": "陈立群", "detail": "二〇二六年工业博览会", "tag": "重点"},
    "en": {"name": "Hengyuan Precision Ltd", "person": "Chen Liqun", "detail": "Industry fair 2026", "tag": "key"},
}


ROBOT = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7xxx"
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
    rule(actor, customer.code, tag, detail)
    locked = factories.make_user(username="sales", name=person, language=language)
    with db.transaction(SYSTEM) as session:
        row = session.get_one(User, locked.id)
        row.is_active, row.totp_confirmed_at, row.blocked_at = False, clock.now(), clock.now()
        for _turn in range(5):
            sign_in.claim_attempt(session, locked.username)
        values = {"time": clock.now().isoformat(), "place": "中国 上海 上海市", "device": "", "name": person, "username": "sales"}
        values |= {"customer": name, "reason": detail, "count": 3, "days": 3, "day": "2026-05-06"}
        values |= {"task": ["task", detail], "code": "TKT202603001", "actor": person}
        values |= {"person": person, "kept": name, "reason": detail, "text": detail, "remark": detail}
        for kind in notice_kinds.KINDS:
            notices.notify(session, [actor.id or 0], kind, values, path="/users")
        for attempt_at in (None, clock.now()):
            outbox.enqueue_mail(session, recipient="a@example.com", subject=detail, body=detail, key=str(attempt_at))
        session.execute(update(OutboxMessage).where(OutboxMessage.key == "None").values(next_attempt_at=None))
    sell(actor, customer, detail)
    leave(actor, detail, name)
    return Desk(actor, customer.code, begun)


def rule(actor: Actor, code: str, tag: str, detail: str) -> None:
    """One rule of every measure, and a task of each kind."""
    with db.transaction(actor) as session:
        for name, measure in MEASURES.items():
            operator = next(iter(OPERATORS[measure.kind]))
            words = [detail] if measure.kind is Kind.WORDS else list(choices(measure, library.get_library(session)))[:1]
            value = words if measure.kind in (Kind.CHOICE, Kind.WORDS) else None if measure.kind is Kind.YES else 1
            tag_rules.save_rule(session, actor, None, tag=tag, conditions=[Condition(name, operator, value, 30)])
        customer = session.execute(select(Customer).where(Customer.code == code)).scalar_one()
        verification.verify_customer(session, actor, customer.id, checked=list(verification.CHECKS), wrong=["names"], note=detail)
        hand_tiers.set_tier(session, actor, customer.id, "A", reason=detail, until=clock.today())
        customer.verify_on = clock.today()
        tasks.create_task(session, actor, name=detail, due_on=clock.today(), assignee_id=actor.id or 0, description=detail, priority="high")


def sell(actor: Actor, customer: Customer, detail: str) -> None:
    """A product with two prices, an open opportunity of everything, and one that was lost."""
    product = factories.make_product(actor, name=detail, category=detail, unit=detail[:10], description=detail)
    what = {"products": [product], "name": detail, "competitors": detail, "remark": detail}
    late = clock.today() - timedelta(days=1)
    open_one, lost = (factories.make_opportunity(actor, customer, **what, expected_on=late) for _turn in range(2))
    with db.transaction(actor) as session:
        products.set_price(session, actor, product.id, price="12", valid_from=clock.today() + timedelta(days=1))
        contact_id = contacts.list_contacts(session, actor, customer.id)[0].id
        decision_chain.put_decider(session, actor, open_one.id, contact_id, role="buyer", attitude="opposed", remark=detail)
        opportunity_moves.lose_opportunity(session, actor, lost.id, seen=lost.stage_id, reason="loss_reason.price", note=detail)
        stages.add_stage(session, actor, name=detail, name_en=detail, rotting_days=3)


def leave(actor: Actor, detail: str, name: str) -> None:
    """A customer in the bin, two in the archive and on hold, two pairs of suspected duplicates, one of them told apart, and a merge."""
    pattern, letters = {"zh_CN": (f"{name[:-4]}{{}}有限公司", "甲乙丙丁戊己"), "en": (f"{name[:-4]} {{}} Ltd", "123456")}[actor.language]
    people = [factories.contact_values(name=actor.name, position="", phone="13800001111", email="未提供")]
    made = [
        factories.make_customer(actor, name=pattern.format(letter), source_detail=f"{detail} {letter}", contacts=people)
        for letter in letters
    ]
    with db.transaction(actor) as session:
        customers.delete_customer(session, actor, made[0].id, reason=detail)
        archive.archive_customer(session, actor, made[1].id, reason=detail)
        holds.set_hold(session, actor, made[0].id, is_on_hold=True, reason=detail)
        holds.set_hold(session, actor, made[4].id, is_on_hold=True, reason=detail)
        versions = (session.get_one(Customer, made[2].id).version, session.get_one(Customer, made[3].id).version)
        merges.merge_customers(session, actor, made[2].id, made[3].id, {}, versions=versions, reason=detail)
        duplicate_scan.keep_pairs(session, duplicate_scan.find_pairs(session))
        duplicate_pairs.tell_apart(session, actor, duplicate_pairs.list_pairs(session, actor).rows[-1].id)


def code_of(*places: str) -> list[str]:
    """The codes of customers that lie there."""
    with db.reading(SYSTEM) as session:
        return list(session.execute(select(Customer.code).where(Customer.place.in_(places)).order_by(Customer.id)).scalars())


def suspected(desk: Desk) -> Visit:
    return desk.visit().go(routes.DUPLICATES)


def compared(desk: Desk) -> Visit:
    return suspected(desk).press("Compare and merge")


@pytest.fixture(params=list(WORDS))
def desk(
    request: pytest.FixtureRequest, furnished: dict[str, tuple[Path, Desk]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    folder, found = furnished[request.param]
    shutil.copytree(folder, tmp_path / "var")
    use_database(monkeypatch, tmp_path / "var", "")
    know_library(monkeypatch)
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


def undone(desk: Desk) -> Visit:
    """The undo of an import of which one customer was touched since."""
    word = WORDS[desk.actor.language]["name"]
    import_lines(*(complete_line(f"{word}{place}", f"1390000{place:04d}") for place in range(2)), actor=desk.actor)
    with db.reading(desk.actor) as session:
        newest = session.execute(select(Customer).order_by(Customer.id.desc())).scalars().first()
    assert newest
    factories.make_opportunity(desk.actor, newest, name=word)
    return opened(routes.IMPORT, "Undo the import")(desk)


def undone_accounts(desk: Desk) -> Visit:
    """The undo of an import of accounts and teams, of which one stays."""
    word = WORDS[desk.actor.language]["name"]
    rows = [f"{word}{place},x{place}.{desk.actor.language[:2]},sales,{word}{place}" for place in range(2)]
    assert bring_in("user", desk.actor, "姓名,账号,角色,部门", *rows).created == 2
    with db.transaction(SYSTEM) as session:
        newest = session.execute(select(User).order_by(User.id.desc())).scalars().first()
        assert newest
        newest.last_sign_in_at = clock.now()
    return opened(routes.IMPORT, "Undo the import")(desk)


def imported_deals(desk: Desk) -> Visit:
    headings = {"zh_CN": "客户,商机阶段,归属人,预计金额", "en": "Customer,Stage,Owner,Expected amount"}[desk.actor.language]
    word = WORDS[desk.actor.language]["name"]
    visit = desk.visit().go(routes.IMPORT).enter("import_kind", "opportunity")
    return visit.upload("x.csv", f"{headings}\n{word},{word},{word},-1\n".encode()).press("Check without saving")


def conflicted(desk: Desk) -> Visit:
    words = WORDS[desk.actor.language]
    visit = desk.visit().go(routes.EDIT, code=desk.code).enter("edit.remark", words["tag"])
    with db.transaction(desk.actor) as session:
        found = customers.get_customer(session, desk.actor, desk.code)
        changes = {"remark": words["detail"], "tier": "C"}
        customer_changes.update_customer(session, desk.actor, found.id, changes, version=found.version, reason="-")
    return visit.press("Save")


def moving(desk: Desk, to: str) -> Visit:
    """The dialog that changes the type, with a type chosen."""
    return opened(routes.CUSTOMER, "Change type", query="code")(desk).enter("move.to", to)


def moved(desk: Desk) -> Visit:
    """A customer that came back with a contract, signed by themselves."""
    words = WORDS[desk.actor.language]
    values = {"contract.product": words["tag"], "contract.amount": "1000", "contract.signed_on": "2024-05-06", "core_need": words["tag"]}
    with db.transaction(desk.actor) as session:
        found = customers.get_customer(session, desk.actor, desk.code)
        said = {"reason": words["detail"], "feedback": words["tag"]}
        stage_changes.change_stage(session, desk.actor, found.id, "customer", values, version=found.version, **said)
    return opened(routes.CUSTOMER, query="code")(desk)


def contract_asked(*presses: str, voided: bool = False, page: str = routes.CONTRACTS) -> Callable[[Desk], Visit]:
    """The sheet of a contract with a plan that is overdue, a payment and a void sister, and what is asked for then."""

    def draw(desk: Desk) -> Visit:
        moved(desk)
        today, words = clock.today(), WORDS[desk.actor.language]
        with db.transaction(desk.actor) as session:
            plan = [{"due_on": today - timedelta(days=days), "amount": 300} for days in (9, 8, -7)]
            payments.set_plan(session, desk.actor, 1, plan, version=1)
            payments.record_payment(session, desk.actor, 1, {"received_on": today, "amount": 400, "note": words["tag"]})
            values = {"product": words["tag"], "amount": "5", "signed_on": today, "ends_on": today}
            gone = contracts.add_contract(session, desk.actor, 1, values)
            contracts.void_contract(session, desk.actor, gone.id, version=gone.version, reason=words["detail"])
            targets.save_targets(session, desk.actor, today.year, "received", {("user", desk.actor.id or 0): {today.month: 9}}, seen={})
        if page != routes.CONTRACTS:
            return desk.visit().go(page, measure="received", code=desk.code)
        visit = desk.visit().go(page, contract="2" if voided else "1")
        for press in presses:
            visit.press(press)
        return visit

    return draw


def field_of_moved(desk: Desk) -> Visit:
    visit = moved(desk).open_tab("detail_tab", "Change log")
    return visit.enter("history_field_1", ("customer", "stage"))


def tab_open(name: str) -> Callable[[Desk], Visit]:
    def show(desk: Desk) -> Visit:
        return desk.visit().go(routes.CUSTOMER, code=desk.code).open_tab("detail_tab", name)

    return show


def followed(desk: Desk, *, is_corrected: bool = False) -> int:
    """A follow-up with everything: entered late, with a plan, a mention and a file; its number."""
    words = WORDS[desk.actor.language]
    colleague = factories.make_user(role="administrator", name=words["person"], language=desk.actor.language)
    long_ago = clock.now() - timedelta(days=3)
    entry = Entry(long_ago, "visit", words["tag"], words["detail"] * 80, words["detail"], mentions=(colleague.id or 0,))
    with db.transaction(desk.actor) as session:
        customer = customers.get_customer(session, desk.actor, desk.code)
        plan = Plan(clock.now() + timedelta(days=1), words["detail"], desk.actor.id or 0)
        made = follow_ups.write_follow_up(session, desk.actor, customer.id, entry, plan)
        of_both = {"customer_id": customer.id, "follow_up_id": made.id}
        attachments.add_attachment(session, desk.actor, file=store_file(factories.PDF), type="attachment_type.other", **of_both)
        number, version = made.id, made.version
    if is_corrected:
        with db.transaction(desk.actor) as session:
            corrected = Entry(long_ago, "phone", words["detail"], words["tag"])
            follow_ups.correct_follow_up(session, desk.actor, number, corrected, version=version, reason=words["detail"])
    return number


def follow_up_menu(code: str, *, is_corrected: bool = False) -> Callable[[Desk], Visit]:
    """What an entry of a follow-up's menu opens."""

    def show(desk: Desk) -> Visit:
        number = followed(desk, is_corrected=is_corrected)
        return desk.visit().go(routes.CUSTOMER, code=desk.code, follow_up=str(number)).pick(f"follow_up_menu_{number}", code)

    return show


def follow_up_conflict(desk: Desk) -> Visit:
    visit = follow_up_menu("correct")(desk)
    visit.fill(follow_up_correction_reason=WORDS[desk.actor.language]["detail"])
    with db.transaction(desk.actor) as session:
        entry = Entry(clock.now(), "email", WORDS[desk.actor.language]["person"], WORDS[desk.actor.language]["detail"])
        follow_ups.correct_follow_up(session, desk.actor, 1, entry, version=1, reason=WORDS[desk.actor.language]["detail"])
    return visit.press("Save")


LINK_ENDS = ("Renew the link", "End the link")


def calendar_link(desk: Desk) -> Visit:
    """The link for calendar programs, after it was shown once."""
    return desk.visit().go(routes.SETTINGS).open_tab("settings_tab", "Calendar link").press("Make the link").rerun()


def half_written(desk: Desk) -> Visit:
    """The follow-ups while one of the viewer's is half written."""
    with db.transaction(desk.actor) as session:
        customer = customers.get_customer(session, desk.actor, desk.code)
        follow_up_drafts.keep_draft(session, desk.actor, customer.id, {"fields": {}, "files": []})
    return desk.visit().go(routes.FOLLOW_UPS)


def watched(desk: Desk) -> Visit:
    """The lists of heads with somebody whose first follow-up is overdue."""
    with db.transaction(SYSTEM) as session:
        session.execute(update(Customer).values(first_follow_up_on=clock.today() - timedelta(days=1)))
    return desk.visit().go(routes.OVERSIGHT)


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


def pool_filled(desk: Desk) -> Visit:
    """The only customer, released by its owner."""
    with db.transaction(desk.actor) as session:
        customer = customers.get_customer(session, desk.actor, desk.code)
        pool.release(session, desk.actor, customer.id, reason=desk.actor.name)
    return desk.visit().go(routes.POOL)


def receipt_undone(desk: Desk) -> Visit:
    """A receipt with a customer that stayed, taken back, with what is told of it in the notices."""
    other = factories.make_user(name=desk.actor.name)
    with db.transaction(desk.actor) as session:
        customer = customers.get_customer(session, desk.actor, desk.code)
        batch = transfers.transfer(session, desk.actor, [customer.id, 999], to=other.id or 0, reason=desk.actor.name)
    visit = desk.visit().go(routes.RECEIPT, id=str(batch.id)).press("Undo transfer").press("Undo")
    return visit.press("Download to print").press("receipt_check")


def handed_in(desk: Desk) -> tuple[Actor, str]:
    """Somebody whose entry was returned and corrected, with its code."""
    words = WORDS[desk.actor.language]
    author = factories.make_user(username="manager", name=words["person"], language=desk.actor.language)
    with db.transaction(SYSTEM) as session:
        review_rules.save_rule(session, SYSTEM, None, review_rules.Rule(roles=("sales",), stages=("prospect",), tiers=("A",)), version=0)
        rule = review_rules.Rule(by="people", people=(desk.actor.id or 0,))
        review_rules.save_rule(session, SYSTEM, None, rule, version=1)
    contact = factories.contact_values(name=words["person"], position="", email="未提供")
    name = {"zh_CN": "宁波海岳物流有限公司", "en": "Haiyue Logistics Ltd"}[desk.actor.language]
    entry = factories.make_customer(author, name=name, source_detail=words["detail"], contacts=[contact])
    give_back(desk, entry.code)
    with db.transaction(author) as session:
        number = review_list.get_review(session, author, entry.code).row.id
        draft_id = reviews.begin_correction(session, author, number)
        values = drafts.get_draft(session, author, draft_id).values | {"remark": words["detail"]}
        reviews.submit(session, author, draft_id, values, values["contacts"])
    return author, entry.code


def give_back(desk: Desk, code: str) -> None:
    with db.transaction(desk.actor) as session:
        row = review_list.get_review(session, desk.actor, code).row
        reviews.return_entry(session, desk.actor, row.id, reason=WORDS[desk.actor.language]["detail"], version=row.version)


def review_listed(desk: Desk) -> Visit:
    handed_in(desk)
    return desk.visit().go(routes.REVIEWS)


def review_opened(*presses: str) -> Callable[[Desk], Visit]:
    def show(desk: Desk) -> Visit:
        _author, code = handed_in(desk)
        visit = desk.visit().go(routes.REVIEW, code=code)
        for press in presses:
            visit.press(press)
        return visit

    return show


def review_approved(desk: Desk) -> Visit:
    _author, code = handed_in(desk)
    desk.visit().go(routes.REVIEW, code=code).press("Approve")
    return desk.visit().go(routes.CUSTOMER, code=code).open_tab("detail_tab", "Change log")


def review_corrected(desk: Desk) -> Visit:
    author, code = handed_in(desk)
    give_back(desk, code)
    return Visit(author, language=author.language).go(routes.REVIEW, code=code).press("Correct")


def review_rules_set(*presses: str) -> Callable[[Desk], Visit]:
    def show(desk: Desk) -> Visit:
        handed_in(desk)
        with db.transaction(SYSTEM) as session:
            session.execute(update(User).where(User.id != desk.actor.id).values(is_active=False))
        visit = desk.visit().go(routes.REVIEW_RULES)
        for press in presses:
            visit.press(press)
        return visit

    return show


def role_deleted(*presses: str) -> Callable[[Desk], Visit]:
    """A role of one's own, which somebody has, about to be deleted."""

    def show(desk: Desk) -> Visit:
        with db.transaction(SYSTEM) as session:
            made = roles.create_role(session, SYSTEM, name=desk.actor.name)
        factories.make_user(role=made.code)
        visit = desk.visit().go(routes.ROLES).enter("roles_view", "one").enter("role_shown", made.id)
        for press in presses:
            visit.press(press)
        return visit

    return show


def signed_out(desk: Desk) -> Visit:
    return Visit(language=desk.actor.language).go(routes.HOME).press("Sign in")


def empty_handed(file: str) -> Callable[[Desk], Visit]:
    """A page as somebody without a permission or a record sees it."""

    def show(desk: Desk) -> Visit:
        nobody = factories.make_user(name=desk.actor.name, language=desk.actor.language)
        return Visit(nobody, language=desk.actor.language).go(file)

    return show


def board(key: str) -> Callable[[Desk], Visit]:
    """A board of this year, compared."""

    def show(desk: Desk) -> Visit:
        return desk.visit().go(routes.OVERVIEW, board=key, compared="before")

    return show


def narrowed_by_a_board(desk: Desk) -> Visit:
    query = {"of": "entered:customer:2026-01-01:2026-12-31", "stage": "customer"}
    return desk.visit().go(routes.CUSTOMERS, **query)


def task_opened(desk: Desk) -> Visit:
    """A task of a customer that recurs, with steps, a comment and somebody else who gave it."""
    detail, today, giver = WORDS[desk.actor.language]["detail"], clock.today(), factories.make_user(name=desk.actor.name)
    with db.transaction(desk.actor) as session:
        customer = customers.get_customer(session, desk.actor, desk.code)
        rule = Recurrence(make_rule(Every.QUARTER, today), today)
        values = {"name": detail, "due_on": today, "assignee_id": desk.actor.id, "customer_id": customer.id}
        task = tasks.create_task(session, desk.actor, **values, recurrence=rule, steps=[detail], priority="low")
        task.created_by_id = giver.id
        task_comments.add_comment(session, desk.actor, task.id, detail)
    return desk.visit().go(routes.TASKS, task=str(task.id))


def ticket_entered(desk: Desk, *moves: TicketMove, score: int | None = None, **over: str) -> str:
    """A ticket of the customer that went through these moves; its code."""
    words = WORDS[desk.actor.language]
    with db.transaction(desk.actor) as session:
        customer = customers.get_customer(session, desk.actor, desk.code)
        values = factories.ticket_values(name=words["tag"], description=words["detail"], **over)
        made = tickets.create_ticket(session, desk.actor, customer.id, values, handler_id=desk.actor.id)
        session.flush()
        for write in (ticket_work.answer_ticket, ticket_work.note_ticket):
            write(session, desk.actor, made.id, words["detail"], version=made.version)
            session.flush()
        for move in moves:
            ticket_work.move_ticket(session, desk.actor, made.id, move, content=words["detail"], version=made.version)
            session.flush()
        if score:
            ticket_work.rate_ticket(session, desk.actor, made.id, score, remark=words["detail"], version=made.version)
        of_both = {"customer_id": customer.id, "ticket_id": made.id}
        attachments.add_attachment(session, desk.actor, file=store_file(factories.PDF), type=LICENCE, **of_both)
        return made.code


def ticket_opened(*moves: TicketMove, press: str = "", score: int | None = None, **over: str) -> Callable[[Desk], Visit]:
    """The page of a ticket after these moves, and after a button of it."""

    def show(desk: Desk) -> Visit:
        visit = desk.visit().go(routes.TICKET, ticket=ticket_entered(desk, *moves, score=score, **over))
        return visit.press(press) if press else visit

    return show


def tickets_listed(desk: Desk, **query: str) -> Visit:
    for move in (TicketMove.WAIT, TicketMove.RESOLVE):
        ticket_entered(desk, move, type="request", priority="urgent")
    return desk.visit().go(routes.TICKETS, **query)


def ticket_late(desk: Desk) -> Visit:
    """Somebody else resolved it while its page was open."""
    visit = ticket_opened()(desk)
    with db.transaction(desk.actor) as session:
        version = session.execute(select(Ticket.version)).scalar_one()
        ticket_work.move_ticket(session, desk.actor, 1, TicketMove.RESOLVE, content=WORDS[desk.actor.language]["detail"], version=version)
    return visit.press("Send")


def campaign_run(desk: Desk, *steps: Step, is_open: bool = False, move: CampaignMove | None = None) -> str:
    """A campaign in which the customer came so far; its code."""
    words = WORDS[desk.actor.language]
    with db.transaction(desk.actor) as session:
        customer = customers.get_customer(session, desk.actor, desk.code)
        values = factories.campaign_values(name=words["detail"], place=words["name"], plan=words["detail"], interests=["interest.training"])
        made = campaigns.create_campaign(session, desk.actor, values, tags=[words["tag"]])
        participations.add_selection(session, desk.actor, made.id, Selection((customer.code,)))
        row = session.execute(select(Participation)).scalar_one()
        for step in steps:
            answer = {"score": 2, "feedback": words["detail"]} if step is Step.ANSWERED else {}
            participations.reach(session, desk.actor, row.id, step, **answer)
        if is_open:
            check_in.open_check_in(session, desk.actor, made.id)
        if move:
            campaigns.move_campaign(session, desk.actor, made.id, move, version=made.version)
        return made.code


def campaign_opened(*steps: Step, press: Sequence[str] = (), **how: Any) -> Callable[[Desk], Visit]:
    """The page of a campaign, and what its buttons open."""

    def show(desk: Desk) -> Visit:
        visit = desk.visit().go(routes.CAMPAIGN, campaign=campaign_run(desk, *steps, **how))
        for button in press:
            visit.press(button)
        return visit

    return show


def people_listed(desk: Desk) -> Visit:
    """A list of people of whom none is found."""
    visit = campaign_opened(press=("Add participants",))(desk).enter("adding_way", "list")
    return visit.fill(adding_list="-\n-\n13").press("Add")


def entrance(*answers: tuple[str, str]) -> Callable[[Desk], Visit]:
    """What a visitor sees at the entrance after these attempts."""

    def show(desk: Desk) -> Visit:
        campaign_run(desk, is_open=True)
        with db.reading(SYSTEM) as session:
            token = session.execute(select(Campaign.link)).scalar_one()
            person, phone = session.execute(select(Contact.name, Contact.phone).where(Contact.is_primary)).first() or ("", "")
        visit = Visit(language=desk.actor.language).go(routes.CHECK_IN, to=token or "")
        for name, digits in answers:
            visit.fill(check_in_name=name or person, check_in_digits=digits or (phone or "")[-4:]).press("Check in")
        return visit

    return show


REASONS = [
    ["contracts", {"days": 90, "usual": 30}],
    ["contacts", {"days": 90, "usual": 30}],
    ["amounts", {"percent": 50}],
    ["complaints", {"count": 2}],
    ["satisfaction", {"score": 2.5}],
    ["ending", {"day": "2026-05-06", "left": -3}],
    ["ending", {"day": "2026-05-06", "left": 3}],
    ["no_step", {}],
]
"""Every reason of a score in words."""


def threatened(*presses: str, has_plan: bool = False, **query: str) -> Callable[[Desk], Visit]:
    """The page of churn warnings with a customer at risk for every reason, past days enough for a proof, and plans."""

    def show(desk: Desk) -> Visit:
        words, today = WORDS[desk.actor.language], clock.today()
        name = {"zh_CN": "宁波海岳物流有限公司", "en": "Haiyue Logistics Ltd"}[desk.actor.language]
        contact = factories.contact_values(name=words["person"], position="", email="未提供")
        what = {"name": name, "source_detail": words["detail"], "core_need": words["detail"], "tier": "A", "contacts": [contact]}
        customer = factories.make_customer(desk.actor, stage="customer", **what)
        past = [(today - timedelta(days=300 + days), days % 2 == 0) for days in range(10)]
        with db.transaction(desk.actor) as session:
            row = {"customer_id": customer.id, "score": 77.0, "band": "high", "quiet_days": 9}
            for day, reasons in ((today - timedelta(days=8), []), (today, REASONS)):
                session.add(ChurnScore(day=day, reasons=reasons, **{**row, "score": 60.0 + len(reasons)}))
            session.add_all(ChurnScore(day=day, reasons=[], was_lost=was_lost, **row) for day, was_lost in past)
            ended = {"outcome": "kept", "ended_at": clock.now(), "remark": words["detail"]}
            for values in (ended, *([{}] if has_plan else [])):
                session.add(ChurnPlan(customer_id=customer.id, name=words["tag"], score=77.0, started_by_id=desk.actor.id, **values))
        visit = desk.visit().go(routes.CUSTOMER, code=customer.code) if query.get("on") else desk.visit().go(routes.CHURN, **query)
        for press in presses:
            visit.press(press)
        return visit

    return show


CUSTOMER_DIALOGS = ("Tags", "Delete customer", "Archive customer", "Set legal hold", "Merge with…")


def bulk_changed(desk: Desk) -> Visit:
    visit = opened(routes.CUSTOMERS, "select_mode", "bulk_all")(desk).pick("bulk_menu", "tags_remove")
    visit.enter("bulk_tags", [WORDS[desk.actor.language]["tag"]]).enter("bulk_reason", WORDS[desk.actor.language]["detail"])
    return visit.press(_("Change {count} customers").format(count=4))  # a rule gave the tag to three others


def viewed(code: str) -> Callable[[Desk], Visit]:
    """A shared view that is open and changed, after an entry of its menu."""

    def show(desk: Desk) -> Visit:
        with db.transaction(desk.actor) as session:
            name = WORDS[desk.actor.language]["tag"]
            saved = saved_views.save_view(session, desk.actor, name, query={"stage": ["churned"]}, columns=[])
            saved_views.share_view(session, desk.actor, saved, is_shared=True)
        return desk.visit().go(routes.CUSTOMERS, view=str(saved)).enter("sort", "name").pick("view_menu", code)

    return show


def told_by_robot(*presses: str) -> Callable[[Desk], Visit]:
    """The messages of the personal settings of a head with a robot."""

    def show(desk: Desk) -> Visit:
        with db.transaction(desk.actor) as session:
            session.execute(update(Team).values(head_id=desk.actor.id))
            robots.add_robot(session, desk.actor, name=WORDS[desk.actor.language]["tag"], address=ROBOT)
        visit = desk.visit().go(routes.SETTINGS).open_tab("settings_tab", "Messages")
        for press in presses:
            visit.press(press)
        return visit

    return show


def jobs_ran(desk: Desk) -> Visit:
    jobs.run_due()
    assert jobs.claim("cleanup") is False
    with db.transaction(SYSTEM) as session:
        session.execute(update(Job).where(Job.name == "pool").values(error=WORDS[desk.actor.language]["detail"], failures=2))
        session.execute(update(Job).where(Job.name == "purge").values(claimed_until=clock.now() + jobs.CLAIM))
    return desk.visit().go(routes.JOBS)


def selling(view: str = "board", number: str = "", step: str = "") -> Callable[[Desk], Visit]:
    """The opportunities in a view, or one of them with what its dialog asks for."""

    def show(desk: Desk) -> Visit:
        visit = desk.visit().go(routes.OPPORTUNITIES, opp_view=view, opp_state="all", **({"opportunity": number} if number else {}))
        if step in ("win", "lose"):
            return visit.press(f"opportunity_{step}").press({"win": "Win", "lose": "Mark as lost"}[step])
        return visit.pick("opportunity_menu", step) if step else visit

    return show


def product_opened(*presses: str) -> Callable[[Desk], Visit]:
    """The dialog of a product, after some buttons were pressed."""

    def show(desk: Desk) -> Visit:
        visit = desk.visit().go(routes.PRODUCTS)
        visit.open_row(1)
        for press in presses:
            visit.press(press)
        return visit

    return show


def reported(*, tab: str = "") -> Callable[[Desk], Visit]:
    """A report that waits, one that is ready and one that failed; a schedule that runs and one that rests."""

    def draw(desk: Desk) -> Visit:
        detail, asked = WORDS[desk.actor.language]["detail"], Order(Question(Period(clock.today(), clock.today())), ("overview",))
        with db.transaction(desk.actor) as session:
            numbers = [making.request_report(session, desk.actor, asked, name=detail, reason=detail) for _turn in range(3)]
            told = {"name": detail, "reason": detail, "receivers": [desk.actor.id or 0]}
            made = [schedules.add_schedule(session, desk.actor, asked, rhythm=Rhythm(rhythm), **told) for rhythm in ("weekly", "monthly")]
            schedules.pause_schedule(session, desk.actor, made[0], is_active=False)
            for number, state in zip(numbers, ("building", "done", "failed"), strict=True):
                ended = {"state": state, "size": 3_000_000, "error": detail if state == "failed" else None}
                session.execute(update(Report).where(Report.id == number).values(ended))
        visit = desk.visit().go(routes.REPORTS)
        return visit.open_tab("reports_tab", tab) if tab else visit

    return draw


def pivoted(*presses: str, **chosen: str) -> Callable[[Desk], Visit]:
    """A saved pivot, and what was pressed there."""

    def draw(desk: Desk) -> Visit:
        with db.transaction(desk.actor) as session:
            name, query = WORDS[desk.actor.language]["tag"], {"row": ["tier"], "column": ["created_quarter"]}
            number = saved_views.save_view(session, desk.actor, name, query=query, page=saved_views.PIVOT)
        visit = desk.visit().go(routes.PIVOT, **(chosen or {"view": str(number)}))
        for press in presses:
            visit.press(press)
        return visit

    return draw


SCENES: dict[str, Callable[[Desk], Visit]] = {
    "reports made": reported(),
    "reports scheduled": reported(tab="Scheduled"),
    "report asked for": opened(routes.REPORTS, "report_new", "Build report"),
    "report of own days": lambda desk: opened(routes.REPORTS, "report_new")(desk).enter("report_days", "own"),
    "report scheduled": lambda desk: reported(tab="Scheduled")(desk).press("schedule_new").press("Save schedule"),
    "report deleted": lambda desk: reported()(desk).press("report_delete_1"),
    "schedule deleted": lambda desk: reported(tab="Scheduled")(desk).press("schedule_delete_1"),
    "pivot saved": pivoted(),
    **{f"pivot, {entry}": pivoted(f"{entry} this pivot…") for entry in ("Rename", "Delete")},
    "pivot saved anew": pivoted("Save as a new pivot…"),
    "pivot exported": pivoted("pivot_export", "Make the workbook"),
    "pivot of nothing": pivoted(subject="contracts", since="1999-01-01", until="1999-01-02"),
    **{f"pivot of {subject}": pivoted(subject=subject) for subject in ("follow_ups", "opportunities", "tickets")},
    "opportunities list": selling("list"),
    "opportunities forecast": selling("forecast"),
    "opportunity added": opened(routes.OPPORTUNITIES, "opportunity_add", "opportunity_product_add"),
    "opportunity opened": selling(number="1"),
    "opportunity lost": selling(number="2"),
    **{f"opportunity {step}": selling(number="1", step=step) for step in ("win", "lose", "move", "edit", "decider", "delete")},
    "opportunity reopened": selling(number="2", step="reopen"),
    "opportunities of a customer": tab_open("Opportunities"),
    "product added": opened(routes.PRODUCTS, "Add product", "Add product"),
    "product opened": product_opened(),
    **{f"product {step}": product_opened(f"product_{step}") for step in ("edit", "price", "delete")},
    "product not deleted": product_opened("product_delete", "Delete product"),
    "stage added": opened(routes.STAGES, "Add stage", "Add"),
    "stage edited": opened(routes.STAGES, "stage_edit_1"),
    "stage not removed": opened(routes.STAGES, "stage_remove_1", "Remove stage"),
    **{route.url: opened(route.file) for route in ROUTES},
    "customer found": opened(routes.CUSTOMER, query="code"),
    **{
        f"customer {name}": opened(routes.CUSTOMER, name, query="code")
        for name in ("Tags", "Change type", "Delete customer", "Alias for outside use")
    },
    **{f"customer to {to}": lambda desk, to=to: moving(desk, to) for to in ("qualified", "customer")},
    "customer to customer refused": lambda desk: moving(desk, "customer").press("Change type"),
    "customer moved": lambda desk: moved(desk).open_tab("detail_tab", "Change log"),
    "customer moved, field": field_of_moved,
    "contract": contract_asked(),
    "contract void": contract_asked(voided=True),
    "contracts overdue": lambda desk: contract_asked()(desk).go(routes.CONTRACTS, overdue="1", state="running"),
    "contract plan refused": lambda desk: contract_asked("Plan payments")(desk).enter("payment_planned_0", "9999").press("Save"),
    "contract payment refused": lambda desk: contract_asked("contract_pay")(desk).enter("payment_amount", "9999").press("Record payment"),
    "contract payment corrected": contract_asked("payment_correct_1", "Save"),
    "contract payment removed": contract_asked("payment_remove_1", "Remove"),
    "contract corrected": lambda desk: contract_asked("Edit")(desk).fill(contract__amount="1").press("Save"),
    "contract voided": contract_asked("Make void", "Make void"),
    "contract file": contract_asked("Add a file"),
    "contract refused": lambda desk: moved(desk).open_tab("detail_tab", "Contracts").press("contract_new").press("Sign contract"),
    "workbench with contracts": contract_asked(page=routes.HOME),
    "targets reached": contract_asked(page=routes.TARGETS),
    "timeline of contracts": lambda desk: contract_asked(page=routes.CUSTOMER)(desk).open_tab("detail_tab", "Timeline"),
    "log of contracts": lambda desk: contract_asked(page=routes.CUSTOMER)(desk).open_tab("detail_tab", "Change log"),
    "customer contracts": lambda desk: moved(desk).open_tab("detail_tab", "Contracts"),
    **{f"customer {name}": opened(routes.CUSTOMER, name, query="code") for name in CUSTOMER_DIALOGS},
    "customer archived": lambda desk: desk.visit().go(routes.CUSTOMER, code=code_of("archive")[0]),
    "customer merged": lambda desk: desk.visit().go(routes.CUSTOMER, code=code_of("merged")[0]),
    "customer unmerge": lambda desk: desk.visit().go(routes.CUSTOMER, code=code_of("merged")[0]).press("Undo merge"),
    "customer merged history": lambda desk: (
        desk.visit().go(routes.CUSTOMER, code=code_of("merged")[0]).open_tab("detail_tab", "Change log")
    ),
    "bin nothing": lambda desk: desk.visit().go(routes.BIN, q="-"),
    "bin hold ended": opened(routes.BIN, "End legal hold"),
    "pairs told apart": lambda desk: suspected(desk).enter("pairs_view", "apart"),
    "pairs scanned": opened(routes.DUPLICATES, "Scan now"),
    "merge compared": compared,
    "customer sheet": opened(routes.CUSTOMER, "Sheet for outside use", query="code"),
    "customer sheet refused": opened(routes.CUSTOMER, "Sheet for outside use", "Make the sheet", query="code"),
    "customers selected": opened(routes.CUSTOMERS, "select_mode", "bulk_all"),
    "customers changed": bulk_changed,
    "customers changed earlier": lambda desk: bulk_changed(desk).press("select_mode").press("bulk_history"),
    **{f"customers view {code}": viewed(code) for code in ("columns", "save", "rename", "share", "delete")},
    "customer reveal": lambda desk: opened(routes.CUSTOMER, "reveal_customer_1_address", query="code")(masked(desk)),
    "customer reveal refused": lambda desk: opened(routes.CUSTOMER, "reveal_customer_1_address", "Show", query="code")(masked(desk)),
    "edit locked": lambda desk: opened(routes.EDIT, query="code")(masked(desk)),
    "customer contacts": tab_open("Contacts"),
    "customer contact added": lambda desk: tab_open("Contacts")(desk).press("Add contact"),
    "customer contact refused": lambda desk: tab_open("Contacts")(desk).press("Add contact").press("Save"),
    "customer tier": opened(routes.CUSTOMER, "Set tier", query="code"),
    "customer tier refused": opened(routes.CUSTOMER, "Set tier", "Save", query="code"),
    "customer verification": opened(routes.CUSTOMER, "Verify", query="code"),
    "customer tasks": tab_open("Tasks"),
    "customer task added": lambda desk: tab_open("Tasks")(desk).press("Add task"),
    "task done": opened(routes.TASKS, "task_done_1"),
    "task passed on": opened(routes.TASKS, "Pass on"),
    "task edited": opened(routes.TASKS, "Edit"),
    "task recurring": lambda desk: opened(routes.TASKS, "Add task")(desk).enter("task_every", "quarter"),
    "task cancelled": opened(routes.TASKS, "Cancel task"),
    "task put off": opened(routes.TASKS, "Put off to a day…"),
    "task opened": task_opened,
    "tasks ticked": opened(routes.TASKS, "tasks_tick"),
    "tasks put off": lambda desk: opened(routes.TASKS, "tasks_tick")(desk).enter("task_tick_1", True).press("tasks_later"),
    "tasks of days": lambda desk: opened(routes.TASKS)(desk).enter("tasks_period", "days"),
    **{f"tasks {shape}": lambda desk, shape=shape: desk.visit().go(routes.TASKS, tasks_shape=shape) for shape in ("board", "team")},
    **{f"calendar {view}": lambda desk, view=view: desk.visit().go(routes.CALENDAR, calendar_view=view) for view in ("week", "day")},
    "calendar of holidays": lambda desk: desk.visit().go(routes.CALENDAR, calendar_day="2026-10-05"),
    "calendar unknown holidays": lambda desk: desk.visit().go(routes.CALENDAR, calendar_day="2031-10-05"),
    "settings calendar link": calendar_link,
    **{f"settings calendar link, {button}": lambda desk, button=button: calendar_link(desk).press(button) for button in LINK_ENDS},
    "task refused": opened(routes.TASKS, "task_done_1", "Done"),
    "rules add": opened(routes.TAG_RULES, "Add rule"),
    "rules edit": opened(routes.TAG_RULES, "Edit"),
    "rules delete": opened(routes.TAG_RULES, "Delete"),
    "standing moved": lambda desk: desk.visit().go(routes.STANDING).enter("tier_a", "1"),
    "customer files": tab_open("Attachments"),
    "customer history": tab_open("Change log"),
    "customer timeline": lambda desk: (followed(desk), tab_open("Timeline")(desk))[1],
    "customer timeline, nothing": lambda desk: tab_open("Timeline")(desk).enter("timeline_phrase_1", "-"),
    "customer follow-ups": lambda desk: (followed(desk), tab_open("Follow-ups")(desk))[1],
    "follow-up begun": opened(routes.CUSTOMER, "Write in full", query="code"),
    "follow-up refused": opened(routes.CUSTOMER, "Write in full", "Save follow-up", query="code"),
    "follow-up written": opened(routes.FOLLOW_UPS, "Write a follow-up"),
    "follow-up corrected": follow_up_menu("trace", is_corrected=True),
    "follow-up conflict": follow_up_conflict,
    **{f"follow-up {code}": follow_up_menu(code) for code in ("read", "plan", "cancel", "correct", "file", "delete")},
    "follow-up deletion refused": lambda desk: follow_up_menu("delete")(desk).press("Delete"),
    "follow-up correction refused": lambda desk: follow_up_menu("correct")(desk).press("Save"),
    "follow-up gone": lambda desk: desk.visit().go(routes.CUSTOMER, code=desk.code, follow_up="999"),
    "follow-ups found": lambda desk: (followed(desk), opened(routes.FOLLOW_UPS)(desk))[1],
    "follow-ups, none": lambda desk: desk.visit().go(routes.FOLLOW_UPS, q="-"),
    "follow-ups, half written": half_written,
    "oversight, first": watched,
    **{f"oversight, {view}": lambda desk, view=view: watched(desk).enter("oversight_view", view) for view in ("quiet", "by_person")},
    "oversight, task": lambda desk: watched(desk).press("Assign task"),
    "oversight, next step": lambda desk: watched(desk).enter("oversight_view", "no_next_step").press("Write a follow-up"),
    "tickets listed": lambda desk: tickets_listed(desk, tickets_state="all"),
    "tickets, none": lambda desk: desk.visit().go(routes.TICKETS, tickets_q="-"),
    "ticket added": opened(routes.TICKETS, "Add ticket"),
    "ticket of customer added": lambda desk: tab_open("Tickets")(desk).press("Add ticket"),
    "ticket refused": lambda desk: tab_open("Tickets")(desk).press("Add ticket").press("Add ticket"),
    "customer tickets": lambda desk: (ticket_entered(desk, TicketMove.RESOLVE, score=2), tab_open("Tickets")(desk))[1],
    "customer tickets, timeline": lambda desk: (ticket_entered(desk, TicketMove.RESOLVE, score=2), tab_open("Timeline")(desk))[1],
    "ticket opened": ticket_opened(priority="low"),
    "ticket edited": ticket_opened(press="Edit"),
    "ticket waiting": ticket_opened(TicketMove.WAIT),
    "ticket waits": ticket_opened(press="Wait for the customer"),
    "ticket resolved": lambda desk: ticket_opened(press="Resolve")(desk).press("Resolve"),
    "ticket reopens": ticket_opened(TicketMove.RESOLVE, press="Reopen"),
    "ticket reopened": ticket_opened(TicketMove.RESOLVE, TicketMove.REOPEN),
    "ticket rated": ticket_opened(TicketMove.RESOLVE, score=4),
    "ticket rates": lambda desk: ticket_opened(TicketMove.RESOLVE, press="Record satisfaction")(desk).press("Save"),
    "ticket assigns": ticket_opened(press="Assign"),
    "ticket late": ticket_late,
    "campaigns listed": lambda desk: (campaign_run(desk, move=CampaignMove.CANCEL), desk.visit().go(routes.CAMPAIGNS))[1],
    "campaigns, none": lambda desk: desk.visit().go(routes.CAMPAIGNS, campaigns_q="-"),
    "campaign planned": opened(routes.CAMPAIGNS, "New campaign"),
    "campaign refused": opened(routes.CAMPAIGNS, "New campaign", "Plan campaign"),
    "campaign opened": campaign_opened(*(step for step in Step if step is not Step.INVITED), is_open=True),
    "campaign edited": campaign_opened(press=("Edit",)),
    "campaign closes": campaign_opened(press=("Cancel campaign",)),
    "campaign closed": campaign_opened(Step.CLICKED, move=CampaignMove.CANCEL),
    "campaign gone": lambda desk: desk.visit().go(routes.CAMPAIGN, campaign="CAM1"),
    "people added": people_listed,
    "people by tag": lambda desk: campaign_opened(press=("Add participants",))(desk).enter("adding_way", "tag"),
    "people by file": lambda desk: campaign_opened(press=("Add participants",))(desk).enter("adding_way", "file"),
    "people recorded": campaign_opened(press=("Record by list",)),
    "people answer": campaign_opened(Step.ATTENDED, press=("Gave feedback", "Save")),
    "people removed": campaign_opened(press=("Remove participant",)),
    "customer campaigns": lambda desk: (campaign_run(desk, Step.ATTENDED, Step.ANSWERED), tab_open("Campaigns")(desk))[1],
    "customer campaigns, timeline": lambda desk: (campaign_run(desk, Step.ATTENDED), tab_open("Timeline")(desk))[1],
    "customer joins": lambda desk: tab_open("Campaigns")(desk).press("Add to a campaign"),
    "check-in": entrance(),
    "check-in, unknown": entrance(("-", "0000")),
    "check-in, welcome": entrance(("", "")),
    "check-in, closed": lambda desk: Visit(language=desk.actor.language).go(routes.CHECK_IN),
    "ticket gone": lambda desk: desk.visit().go(routes.TICKET, ticket="TKT1"),
    "churn, listed": threatened(),
    "churn, begun": threatened("Win back"),
    "churn, refused": lambda desk: threatened("Win back")(desk).enter("plan_step_0_0", "").press("Begin plan"),
    "churn, filtered": threatened(tier="C"),
    "churn, plans": threatened(view="plans", has_plan=True),
    "churn, ended": threatened("End plan", view="plans", has_plan=True),
    "churn, proof": threatened(view="proof"),
    "churn, no proof": lambda desk: desk.visit().go(routes.CHURN, view="proof"),
    "churn, no plans": lambda desk: desk.visit().go(routes.CHURN, view="plans"),
    "churn, customer": threatened(on="customer"),
    "churn, workbench": lambda desk: threatened()(desk).go(routes.HOME),
    "churn rules refused": lambda desk: opened(routes.CHURN_RULES)(desk).fill(churn_rules__steps__2="9").press("Save"),
    "service rules refused": lambda desk: opened(routes.SERVICE_RULES)(desk).fill(service_rules__from_hour=20).press("Save"),
    "edit found": opened(routes.EDIT, query="code"),
    "customer transfer": opened(routes.CUSTOMER, "Transfer", query="code"),
    "customer release": opened(routes.CUSTOMER, "Release into the pool", query="code"),
    "customer release refused": opened(routes.CUSTOMER, "Release into the pool", "Release", query="code"),
    "pool filled": pool_filled,
    "pool card": lambda desk: pool_filled(desk).go(routes.POOL, card=desk.code),
    "transfer chosen": lambda desk: opened(routes.TRANSFER)(desk).enter("transfer_from", desk.actor.id),
    "receipt undone": receipt_undone,
    "pool rules refused": lambda desk: opened(routes.POOL_RULES)(desk).enter("pool.cooling_days", None).press("Save"),
    "edit refused": lambda desk: opened(routes.EDIT, query="code")(desk).enter("edit.source_detail", "").press("Save"),
    "edit conflict": conflicted,
    "edit cut short": lambda desk: [opened(routes.EDIT, query="code")(desk).enter("edit.remark", words) for words in ("a", "b")][1],
    **{
        f"intake {kind} {stage}": (lambda desk, place=place: desk.visit().go(routes.INTAKE, draft=desk.drafts[place]))
        for place, (kind, stage) in enumerate((kind, stage) for kind in KINDS for stage in STAGES)
    },
    "intake refused": checked,
    "intake confirmation": confirmed,
    "intake duplicate": duplicated,
    "import checked": imported,
    "import of opportunities checked": imported_deals,
    "import undo": undone,
    "import undo of accounts": undone_accounts,
    "list export": opened(routes.PRODUCTS, "export_products"),
    "list export refused": opened(routes.PRODUCTS, "export_products", "list_export_check"),
    "fields add": opened(routes.FIELDS, "Add field"),
    "fields add refused": opened(routes.FIELDS, "Add field", "Add"),
    "fields add choices": lambda desk: opened(routes.FIELDS, "Add field")(desk).enter("own_type", "choice"),
    "fields edit": opened(routes.FIELDS, "edit_source"),
    "fields needed": opened(routes.FIELDS, "edit_name"),
    "fields preview": lambda desk: opened(routes.FIELDS)(desk).enter("fields_view", "preview"),
    "fields removed": lambda desk: opened(routes.FIELDS)(desk).enter("fields_view", "removed"),
    "users add": opened(routes.USERS, "Add account"),
    "users add refused": opened(routes.USERS, "Add account", "Create account"),
    "users edit": opened(routes.USERS, "Edit"),
    "users password": opened(routes.USERS, "Edit", "New one-time password"),
    "teams add": opened(routes.TEAMS, "Add team"),
    "teams edit": opened(routes.TEAMS, "Edit"),
    "teams delete": opened(routes.TEAMS, "Edit", "Delete team"),
    "roles add": opened(routes.ROLES, "Add role"),
    "roles delete": role_deleted("Delete"),
    "roles delete refused": role_deleted("Delete", "Delete"),
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
    "settings messages": told_by_robot(),
    "settings messages refused": lambda desk: told_by_robot()(desk).fill(messages_quiet_from=time(22)).press("Save"),
    "settings robot added": told_by_robot("Add robot"),
    "settings robot refused": told_by_robot("Add robot", "Add"),
    "settings robot removed": told_by_robot("Switch robot off", "Remove"),
    "jobs ran": jobs_ran,
    "settings devices": lambda desk: desk.visit().go(routes.SETTINGS).open_tab("settings_tab", "Devices"),
    "users sessions": opened(routes.USERS, "Sessions"),
    "notices": lambda desk: desk.visit().go(routes.SETTINGS).open_bell(),
    "not me": warned,
    "settings mailbox refused": lambda desk: opened(routes.SETTINGS)(desk).fill(profile__email="-", profile__phone="1").press("Save"),
    "reviews waiting": review_listed,
    "review changed": review_opened(),
    "review return refused": review_opened("Return", "Return to the author"),
    "review correction": review_corrected,
    "review history": review_approved,
    "review rules set": review_rules_set(),
    "review rules edit": review_rules_set("rule_edit_1"),
    "signed out": signed_out,
    "empty list": empty_handed(routes.CUSTOMERS),
    "empty overview": empty_handed(routes.OVERVIEW),
    **{f"board {key}": board(key) for key in ("overview", "structure", "conversion", "activity", "sales", "service", "quality")},
    "board narrowed": narrowed_by_a_board,
    "no permission": empty_handed(routes.USERS),
}


BILINGUAL = {"library", "library add", "library edit", "outlines edit"}
BILINGUAL |= {"opportunity-stages", "stage added", "stage edited", "stage not removed"}
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
