"""What users type is shown as they typed it, on every page: nothing in it becomes bold, a link, a colour, a formula or HTML."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from crm_core import clock, db
from crm_core.clock import now, today
from crm_core.models import ChurnPlan, ChurnScore, Customer, OutboxMessage, Report, Step, TicketMove
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import (
    attachments,
    campaign_list,
    campaigns,
    check_in,
    contacts,
    customers,
    decision_chain,
    drafts,
    follow_ups,
    hand_tiers,
    library,
    notices,
    opportunity_stages,
    outbox,
    outlines,
    participations,
    payments,
    pool,
    review_list,
    review_rules,
    reviews,
    robots,
    roles,
    saved_views,
    stage_changes,
    tag_rules,
    tags,
    task_comments,
    task_work,
    tasks,
    teams,
    ticket_work,
    tickets,
    transfers,
    verification,
)
from crm_core.services.bulk_targets import Selection
from crm_core.services.file_store import store_file
from crm_core.services.follow_ups import Entry, Plan
from crm_core.services.insight.question import Period, Question
from crm_core.services.measures import Condition
from crm_core.services.reports import making, schedules
from crm_core.services.reports.order import Order
from crm_core.services.reports.schedules import Rhythm
from tests import factories
from tests.pages.texts import words_of
from tests.pages.visit import Visit, zh
from ui import cards, routes

ATTACK = "<b>粗</b> **星** [链](http://evil.example) :red[色] $x^2$ `码` ![图](http://evil.example/x.png) # ~~删~~ :smile: :material/home:"
NAME = ATTACK.replace("**星**", "__星__")  # names of customers have no stars
LIVE = {
    "bold": re.compile(r"(?<!\\)[*_](?<!\\)[*_]星"),
    "link": re.compile(r"(?<!\\)\[链(?<!\\)\]"),
    "image": re.compile(r"(?<!\\)\[图(?<!\\)\]"),
    "colour": re.compile(r"(?<!\\):red(?<!\\)\["),
    "formula": re.compile(r"(?<!\\)\$x"),
    "code": re.compile(r"(?<!\\)`码"),
    "html": re.compile(r"(?<!\\)<b>"),
    "emoji": re.compile(r"(?<!\\):smile(?<!\\):"),
    "icon": re.compile(r"(?<!\\):material/home(?<!\\):"),
}
ESCAPED = re.compile(r"\\[*_`\[\]()#:$~<>!]|\u2060")
"""What a text looks like that was made ready for Markdown."""
PLAIN = ("selectbox", "multiselect")
"""Widgets whose options the browser shows letter by letter."""
FOREIGN_TAG = re.compile(r"<(?!/?(style|dl|dt|dd|div|h3|a|time)\b)")
"""A tag that our own pieces of HTML do not have."""


def markdown_of(visit: Visit) -> Iterator[str]:
    """Everything that the browser reads as Markdown: text, headings, badges, toasts, alerts, labels, hints, options, metrics, tables."""
    for node in visit.elements():
        if node.type in ("html", "bidi_component"):
            continue
        proto = node.proto
        for name in ("body", "label", "help", "text"):
            value = getattr(proto, name, None)
            if isinstance(value, str):
                yield value
        if node.type in ("radio", "menu_button", "button_group"):
            yield from (str(option) for option in getattr(node, "options", ()))
        if node.type == "table":
            yield from (str(cell) for cell in [*node.value.index, *node.value.to_numpy().ravel()])
    yield from blocks_of(visit)


def blocks_of(visit: Visit) -> Iterator[str]:
    for message in visit.messages:
        if message.HasField("delta") and message.delta.WhichOneof("type") == "add_block":
            block = message.delta.add_block
            kind: Any = block.WhichOneof("type")
            if kind:
                yield from (str(value) for field, value in getattr(block, kind).ListFields() if field.name in ("label", "title"))


def html_of(visit: Visit) -> Iterator[str]:
    yield from (node.proto.body for node in visit.elements() if node.type == "html")


def live_markup(visit: Visit) -> list[str]:
    found = [f"{what}: {text}" for text in markdown_of(visit) for what, pattern in LIVE.items() if pattern.search(text)]
    found += [f"escaped: {option}" for option in plain_of(visit) if ESCAPED.search(option)]
    return found + [f"tag: {body}" for body in html_of(visit) if FOREIGN_TAG.search(body)]


def plain_of(visit: Visit) -> Iterator[str]:
    """What the browser shows letter by letter."""
    yield from (str(option) for node in visit.elements() if node.type in PLAIN for option in node.options)
    yield from drawn_by_components(visit)


def drawn_by_components(visit: Visit) -> Iterator[str]:
    """Our own components set every text as text (`make.js`), so it comes to them as it was typed."""
    for node in visit.elements("bidi_component"):
        yield from words_of(node.proto)


def appears(visit: Visit) -> bool:
    return any("粗" in text for text in (*markdown_of(visit), *html_of(visit), *drawn_by_components(visit)))


@pytest.fixture
def code(administrator: Actor) -> str:
    """A customer whose every text is an attack, and everything that hangs on it."""
    name = f"{NAME}有限公司"
    customer = factories.make_customer(
        administrator,
        stage="churned",
        name=name,
        source_detail=ATTACK,
        remark=ATTACK,
        address=ATTACK,
        industry=ATTACK[:20],
        churn_note=ATTACK,
        key_people=ATTACK,
        contacts=[factories.contact_values(position=ATTACK[:60], wechat=ATTACK[:60])],
    )
    with db.transaction(administrator) as session:
        tags.set_tags(session, administrator, customer.code, [ATTACK[:40]])
        contains = Condition("words", "contains", [ATTACK[:40]])
        tag_rules.save_rule(session, administrator, None, tag=ATTACK[:39], conditions=[contains])
        verification.verify_customer(session, administrator, customer.id, checked=["names"], wrong=["names"], note=ATTACK)
        hand_tiers.set_tier(session, administrator, customer.id, "A", reason=ATTACK, until=None)
        tasks.create_task(
            session,
            administrator,
            name=ATTACK,
            due_on=today(),
            assignee_id=administrator.id or 0,
            customer_id=customer.id,
            description=ATTACK,
        )
        attachments.add_attachment(
            session, administrator, file=store_file(factories.PDF), type="attachment_type.business_licence", customer_id=customer.id
        )
        teams.create_team(session, administrator, name=ATTACK[:60])
        library.add_preset(session, administrator, "source", name=ATTACK[:60], name_en=ATTACK[:60])
        outlines.save_question(
            session, administrator, None, industry="", stage="", position=0, question=ATTACK, question_en=ATTACK, field="core_need"
        )
    return customer.code


def make_colleague(administrator: Actor) -> Actor:
    with db.reading(SYSTEM) as session:
        team = next(iter(teams.list_teams(session)))
    return factories.make_user(name=ATTACK[:60], team_id=team)


def opened(*presses: str, file: str, query: str = "", tab: str = "") -> Any:
    def show(actor: Actor, code: str) -> Visit:
        visit = Visit(actor).go(file, **({query: code} if query else {}))
        if tab:
            visit.tab.session_state["detail_tab"] = zh(tab)
            visit.rerun()
        for press in presses:
            visit.press(press)
        return visit

    return show


def draft_listed(actor: Actor, code: str) -> Visit:
    with db.transaction(actor) as session:
        drafts.start_draft(session, actor, {"kind": "enterprise", "stage": "prospect", "name": ATTACK})
    return Visit(actor).go(routes.INTAKE)


def duplicate_found(actor: Actor, code: str) -> Visit:
    with db.transaction(actor) as session:
        values = {"kind": "enterprise", "stage": "qualified", "name": f"{NAME}有限公司"}
        draft = drafts.start_draft(session, actor, values)
    visit = Visit(actor).go(routes.INTAKE, draft=draft)
    assert visit.has("intake.duplicate_reason")
    return visit


def confirmed(actor: Actor, code: str) -> Visit:
    values = factories.customer_values(name=f"{NAME}工厂") | {"contacts": [factories.contact_values()], "duplicate_reason": "分厂"}
    with db.transaction(actor) as session:
        draft = drafts.start_draft(session, actor, values)
    visit = Visit(actor).go(routes.INTAKE, draft=draft).press("Submit")
    assert visit.has("intake_sure")
    return visit


def saved(actor: Actor, code: str) -> Visit:
    visit = confirmed(actor, code).enter("intake_sure", True).press("Save customer")
    assert visit.page == routes.CUSTOMER
    return visit


def deleted(actor: Actor, code: str) -> Visit:
    return opened("Delete customer", "Delete", file=routes.CUSTOMER, query="code")(actor, code)


def imported(actor: Actor, code: str) -> Visit:
    visit = Visit(actor).go(routes.IMPORT)
    heading = ATTACK.replace(",", "")
    visit.upload("x.csv", f"客户名称,{heading}\n王总,{heading}\n".encode())
    return visit.press("Check without saving")


def imported_deals(actor: Actor, code: str) -> Visit:
    visit = Visit(actor).go(routes.IMPORT).enter("import_kind", "opportunity")
    heading = ATTACK.replace(",", "")
    visit.upload("x.csv", f"客户,阶段,负责人,{heading}\n{heading},{heading},{heading},{heading}\n".encode())
    uploader = visit.tab.file_uploader[1]
    uploader.upload("plan.json", json.dumps({"mapping": {heading: ATTACK}}).encode())
    return visit.rerun().press("Check without saving")


def conflicted(actor: Actor, code: str) -> Visit:
    visit = Visit(actor).go(routes.EDIT, code=code).fill(edit__remark=ATTACK + "我", edit__key_people="我", edit_reason="更正")
    other = Visit(actor).go(routes.EDIT, code=code).fill(edit__remark=ATTACK + "他", edit__address=ATTACK + "他", edit_reason="更正")
    other.press("Save")
    visit.press("Save")
    assert visit.has("Save this choice")
    return visit


def moved(actor: Actor, code: str) -> Visit:
    """A customer that came back with a contract."""
    values = {"contract.product": ATTACK[:200], "contract.amount": "1", "contract.signed_on": "2024-05-06", "core_need": ATTACK}
    with db.transaction(actor) as session:
        found = customers.get_customer(session, actor, code)
        said = {"reason": ATTACK, "feedback": ATTACK}
        stage_changes.change_stage(session, actor, found.id, "customer", values, version=found.version, **said)
    return opened(file=routes.CUSTOMER, query="code")(actor, code)


def told(actor: Actor, code: str) -> Visit:
    with db.transaction(actor) as session:
        notices.notify(session, [actor.id or 0], "account_blocked", {"name": ATTACK, "username": "li"})
    return Visit(actor).go(routes.SETTINGS).open_bell()


def mail_waiting(actor: Actor, code: str) -> Visit:
    with db.transaction(actor) as session:
        outbox.enqueue_mail(session, recipient="li@example.com", subject=ATTACK, body="x")
        session.execute(update(OutboxMessage).values(last_error=ATTACK))
    return Visit(actor).go(routes.MAILS)


def robot_added(actor: Actor, code: str) -> Visit:
    address = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7xxx"
    with db.transaction(actor) as session:
        robot_id = robots.add_robot(session, actor, name=ATTACK[:60], address=address)
    visit = Visit(actor).go(routes.SETTINGS).open_tab("settings_tab", "Messages")
    return visit.press(f"robot_remove_{robot_id}")


def pooled(actor: Actor, code: str) -> Visit:
    with db.transaction(actor) as session:
        pool.release(session, actor, customers.get_customer(session, actor, code).id, reason=ATTACK)
    return Visit(actor).go(routes.POOL, card=code)


def handed_over(actor: Actor, code: str) -> Visit:
    to = factories.make_user(name=ATTACK[:60]).id or 0
    with db.transaction(actor) as session:
        customer = customers.get_customer(session, actor, code)
        batch = transfers.transfer(session, actor, [customer.id, 999], to=to, reason=ATTACK)
    return Visit(actor).go(routes.RECEIPT, id=str(batch.id)).press("Undo transfer")


def noted(actor: Actor, code: str) -> int:
    """A follow-up whose every text is an attack, and which was corrected."""
    colleague = factories.make_user(role="administrator", name=ATTACK[:60]).id or 0
    with db.transaction(actor) as session:
        customer = customers.get_customer(session, actor, code)
        plan = Plan(now() + timedelta(days=1), ATTACK, actor.id or 0)
        entry = Entry(now(), "phone", ATTACK[:100], ATTACK * 5, ATTACK, mentions=(colleague,))
        made = follow_ups.write_follow_up(session, actor, customer.id, entry, plan)
        number, version = made.id, made.version
    with db.transaction(actor) as session:
        entry = Entry(now(), "phone", ATTACK[1:101], ATTACK * 6, f"    {ATTACK}\n# {ATTACK}", mentions=(colleague,))
        follow_ups.correct_follow_up(session, actor, number, entry, version=version, reason=ATTACK)
    return number


def complained(actor: Actor, code: str) -> str:
    """A ticket with an answer, a note, a wait and a file; its code."""
    with db.transaction(actor) as session:
        customer = customers.get_customer(session, actor, code)
        values = factories.ticket_values(name=ATTACK[:120], description=ATTACK)
        made = tickets.create_ticket(session, actor, customer.id, values, handler_id=actor.id)
        session.flush()
        for write in (ticket_work.answer_ticket, ticket_work.note_ticket):
            write(session, actor, made.id, ATTACK, version=made.version)
            session.flush()
        ticket_work.move_ticket(session, actor, made.id, TicketMove.WAIT, content=ATTACK, version=made.version)
        return made.code


def promoted(actor: Actor, code: str) -> str:
    """A campaign with the customer in it, who gave feedback; its code."""
    with db.transaction(actor) as session:
        values = factories.campaign_values(name=ATTACK[:120], place=ATTACK[:200], plan=ATTACK)
        made = campaigns.create_campaign(session, actor, values, tags=[ATTACK[:40]])
        participations.add_selection(session, actor, made.id, Selection((code,)))
        for step in (Step.ATTENDED, Step.ANSWERED):
            participations.reach(session, actor, 1, step, feedback=ATTACK if step is Step.ANSWERED else "")
        return made.code


def entered(actor: Actor, campaign: str) -> Visit:
    """The check-in of a campaign."""
    with db.transaction(actor) as session:
        token = check_in.open_check_in(session, actor, campaign_list.get_campaign(session, actor, campaign).id)
    return Visit().go(routes.CHECK_IN, to=token)


def threatened(*presses: str, **query: str) -> Any:
    """The page of churn warnings with the customer on it, and a plan of it."""

    def show(actor: Actor, code: str) -> Visit:
        with db.transaction(actor) as session:
            customer = customers.get_customer(session, actor, code)
            session.execute(update(Customer).where(Customer.id == customer.id).values(stage="customer"))
            row = {"score": 77.0, "band": "high", "quiet_days": 9, "reasons": [["no_step", {}]]}
            session.add(ChurnScore(customer_id=customer.id, day=clock.today(), **row))
            if query:
                session.add(ChurnPlan(customer_id=customer.id, name=ATTACK[:60], remark=ATTACK[:300], started_by_id=actor.id))
        visit = Visit(actor).go(routes.CHURN, **query)
        for press in presses:
            visit.press(press)
        return visit

    return show


def follow_up_menu(entry: str) -> Any:
    """What an entry of a follow-up's menu opens."""

    def show(actor: Actor, code: str) -> Visit:
        number = noted(actor, code)
        return Visit(actor).go(routes.CUSTOMER, code=code, follow_up=str(number)).pick(f"follow_up_menu_{number}", entry)

    return show


def watched(actor: Actor, code: str) -> Visit:
    with db.transaction(SYSTEM) as session:
        session.execute(update(Customer).values(first_follow_up_on=today() - timedelta(days=1)))
    return Visit(actor).go(routes.OVERSIGHT)


def role_changed(actor: Actor, code: str) -> Visit:
    with db.transaction(SYSTEM) as session:
        made = roles.create_role(session, SYSTEM, name=ATTACK[:60]).id
    visit = Visit(actor).go(routes.ROLES).enter("roles_view", "one").enter("role_shown", made)
    return visit.enter("Edit customers", True).press("Delete")


def reviewed(actor: Actor, code: str) -> Visit:
    with db.transaction(SYSTEM) as session:
        review_rules.save_rule(session, SYSTEM, None, review_rules.Rule(), version=0)
    entry = factories.make_customer(make_colleague(actor), name=f"{NAME}分厂", remark=ATTACK)
    with db.transaction(actor) as session:
        row = review_list.get_review(session, actor, entry.code).row
        reviews.return_entry(session, actor, row.id, reason=ATTACK, version=row.version)
    visit = Visit(actor).go(routes.REVIEWS).enter("reviews_view", "returned")
    assert appears(visit)
    assert live_markup(visit) == []
    return visit.press("Open")


def task_opened(actor: Actor, code: str) -> Visit:
    with db.transaction(actor) as session:
        (task, *_others) = factories.own_tasks(session, actor)
        task_work.add_step(session, actor, task.id, ATTACK, version=task.version)
        task_comments.add_comment(session, actor, task.id, ATTACK)
    return Visit(actor).go(routes.TASKS, task=str(task.id))


def sold(actor: Actor, code: str) -> str:
    """The number of an opportunity in which everything that users type is an attack."""
    with db.transaction(actor) as session:
        customer = session.execute(select(Customer).where(Customer.code == code)).scalar_one()
    product = factories.make_product(actor, name=ATTACK[:120], category=ATTACK[:60], description=ATTACK)
    made = factories.make_opportunity(actor, customer, products=[product], name=ATTACK[:120], competitors=ATTACK, remark=ATTACK)
    with db.transaction(actor) as session:
        contact_id = contacts.list_contacts(session, actor, customer.id)[0].id
        decision_chain.put_decider(session, actor, made.id, contact_id, role="buyer", remark=ATTACK)
        (first, *_others) = opportunity_stages.list_stages(session)
        opportunity_stages.save_stage(session, actor, first.id, name=ATTACK[:40], name_en=ATTACK[:40], version=first.version)
    return str(made.id)


def product_shown(actor: Actor, code: str) -> Visit:
    sold(actor, code)
    return Visit(actor).go(routes.PRODUCTS).open_row(1)


def contract_opened(actor: Actor, code: str) -> Visit:
    moved(actor, code)
    with db.transaction(actor) as session:
        payments.record_payment(session, actor, 1, {"received_on": today(), "amount": "0.5", "note": ATTACK[:300]})
    return Visit(actor).go(routes.CONTRACTS, contract="1")


def reported(actor: Actor, tab: str) -> Visit:
    """A report and a schedule with such a name, for such a reason, to such a person; a failed one told in such words."""
    receiver = factories.make_user(role="administrator", name=ATTACK[:60])
    asked = Order(Question(Period(today(), today())), ("overview",))
    with db.transaction(actor) as session:
        told = {"name": ATTACK[:60], "reason": ATTACK}
        making.request_report(session, actor, asked, **told)
        session.execute(update(Report).values(state="failed", error=ATTACK))
        schedules.add_schedule(session, actor, asked, rhythm=Rhythm("weekly"), receivers=[receiver.id or 0], **told)
    return Visit(actor).go(routes.REPORTS).open_tab("reports_tab", tab)


def pivoted(actor: Actor, _code: str) -> Visit:
    """A pivot of such a name, with such an owner."""
    factories.make_customer(make_colleague(actor))
    with db.transaction(actor) as session:
        number = saved_views.save_view(session, actor, ATTACK[:60], query={"row": ["owner"]}, page=saved_views.PIVOT)
    return Visit(actor).go(routes.PIVOT, view=str(number))


SCENES = {
    "workbench": opened(file=routes.HOME),
    "reports": lambda actor, _code: reported(actor, "My reports"),
    "reports, scheduled": lambda actor, _code: reported(actor, "Scheduled"),
    "pivot": pivoted,
    "pivot, deleted": lambda actor, code: pivoted(actor, code).press("Delete this pivot…"),
    "contracts": contract_opened,
    "contract, corrected": lambda actor, code: contract_opened(actor, code).press("Edit"),
    "opportunity": lambda actor, code: Visit(actor).go(routes.OPPORTUNITIES, opportunity=sold(actor, code)),
    "opportunity, edited": lambda actor, code: (
        Visit(actor).go(routes.OPPORTUNITIES, opportunity=sold(actor, code)).pick("opportunity_menu", "edit")
    ),
    "opportunity, timeline": lambda actor, code: (
        sold(actor, code),
        Visit(actor).go(routes.CUSTOMER, code=code).open_tab("detail_tab", "Timeline"),
    )[1],
    "product": product_shown,
    "stages": lambda actor, code: (sold(actor, code), Visit(actor).go(routes.STAGES))[1],
    "stages, removed": lambda actor, code: (sold(actor, code), Visit(actor).go(routes.STAGES).press("stage_remove_1"))[1],
    "review": reviewed,
    "notices": told,
    "mails": mail_waiting,
    "robot": robot_added,
    "detail": opened(file=routes.CUSTOMER, query="code"),
    "detail, files": opened(file=routes.CUSTOMER, query="code", tab="Attachments"),
    **{f"follow-up, {entry}": follow_up_menu(entry) for entry in ("read", "plan", "cancel", "correct", "trace", "delete")},
    "follow-ups": lambda actor, code: (noted(actor, code), Visit(actor).go(routes.FOLLOW_UPS))[1],
    "timeline": lambda actor, code: (noted(actor, code), opened(file=routes.CUSTOMER, query="code", tab="Timeline")(actor, code))[1],
    "oversight": watched,
    "oversight, task": lambda actor, code: watched(actor, code).press("Assign task"),
    "oversight, follow-up": lambda actor, code: watched(actor, code).press("Write a follow-up"),
    "detail, contacts": opened(file=routes.CUSTOMER, query="code", tab="Contacts"),
    "detail, delete": opened("Delete customer", file=routes.CUSTOMER, query="code"),
    "detail, contracts": lambda actor, code: moved(actor, code).open_tab("detail_tab", "Contracts"),
    "detail, types": lambda actor, code: moved(actor, code).open_tab("detail_tab", "Change log"),
    "detail, release": opened("Release into the pool", file=routes.CUSTOMER, query="code"),
    "detail, transfer": opened("Transfer", file=routes.CUSTOMER, query="code"),
    "pool, card": pooled,
    "receipt": handed_over,
    "transfer": lambda actor, code: handed_over(actor, code).go(routes.TRANSFER),
    "detail, tags": opened("Tags", file=routes.CUSTOMER, query="code"),
    "detail, tasks": opened(file=routes.CUSTOMER, query="code", tab="Tasks"),
    "detail, tier": opened("Set tier", file=routes.CUSTOMER, query="code"),
    "tasks": opened(file=routes.TASKS),
    "tickets": lambda actor, code: (complained(actor, code), Visit(actor).go(routes.TICKETS))[1],
    "ticket": lambda actor, code: Visit(actor).go(routes.TICKET, ticket=complained(actor, code)),
    "churn": threatened(),
    "churn, begun": threatened("Win back"),
    "churn, plans": threatened(view="plans"),
    "churn, ended": threatened("End plan", view="plans"),
    "ticket, edited": lambda actor, code: Visit(actor).go(routes.TICKET, ticket=complained(actor, code)).press("Edit"),
    "ticket, assigned": lambda actor, code: Visit(actor).go(routes.TICKET, ticket=complained(actor, code)).press("Assign"),
    "campaigns": lambda actor, code: (promoted(actor, code), Visit(actor).go(routes.CAMPAIGNS))[1],
    "campaign": lambda actor, code: Visit(actor).go(routes.CAMPAIGN, campaign=promoted(actor, code)),
    "campaign, edited": lambda actor, code: Visit(actor).go(routes.CAMPAIGN, campaign=promoted(actor, code)).press("Edit"),
    "campaign, list": lambda actor, code: (
        Visit(actor)
        .go(routes.CAMPAIGN, campaign=promoted(actor, code))
        .press("Add participants")
        .enter("adding_way", "list")
        .fill(adding_list=ATTACK)
        .press("Add")
    ),
    "check-in": lambda actor, code: entered(actor, promoted(actor, code)),
    "detail, campaigns": lambda actor, code: (
        promoted(actor, code),
        opened(file=routes.CUSTOMER, query="code", tab="Campaigns")(actor, code),
    )[1],
    "detail, tickets": lambda actor, code: (
        complained(actor, code),
        opened(file=routes.CUSTOMER, query="code", tab="Tickets")(actor, code),
    )[1],
    "tasks, done": opened("task_done_1", file=routes.TASKS),
    "tasks, passed on": opened("Pass on", file=routes.TASKS),
    "tasks, edited": opened("Edit", file=routes.TASKS),
    "tasks, opened": task_opened,
    "tasks, board": lambda actor, code: Visit(actor).go(routes.TASKS, tasks_shape="board"),
    "tag rules": opened(file=routes.TAG_RULES),
    "tag rules, delete": opened("Delete", file=routes.TAG_RULES),
    "edit": opened(file=routes.EDIT, query="code"),
    "edit, conflict": conflicted,
    "list after a deletion": deleted,
    "intake, drafts": draft_listed,
    "intake, duplicate and questions": duplicate_found,
    "intake, confirmation": confirmed,
    "intake, saved": saved,
    "import": imported,
    "import of opportunities": imported_deals,
    "users": opened(file=routes.USERS),
    "users, edit": opened("Edit", file=routes.USERS),
    "teams": opened(file=routes.TEAMS),
    "teams, edit": opened("Edit", file=routes.TEAMS),
    "roles, one": role_changed,
    "library": opened(file=routes.LIBRARY),
    "industries": opened(file=routes.INDUSTRIES),
    "industries, decide": opened("Decide", file=routes.INDUSTRIES),
    "outlines": opened(file=routes.OUTLINES),
}


@pytest.mark.parametrize("name", SCENES)
def test_markup_in_what_users_typed_stays_text(administrator: Actor, code: str, name: str) -> None:
    make_colleague(administrator)
    visit = SCENES[name](administrator, code)
    assert appears(visit)
    assert live_markup(visit) == []


def test_the_name_of_a_user_stays_text_in_their_own_header(any_database: str, administrator: Actor, code: str) -> None:
    visit = Visit(make_colleague(administrator)).go(routes.SETTINGS)
    assert appears(visit)
    assert live_markup(visit) == []


def test_the_table_of_customers_draws_names_as_they_are(administrator: Actor, code: str) -> None:
    visit = Visit(administrator).go(routes.CUSTOMERS)
    (row,) = visit.rows  # cells are set as text, not read as Markdown
    assert row[zh("Customer name")] == f"{NAME}有限公司"


def test_the_owner_of_a_customer_is_shown_as_text(administrator: Actor, code: str) -> None:
    customer = factories.make_customer(make_colleague(administrator))
    visit = Visit(administrator).go(routes.CUSTOMER, code=customer.code)
    assert appears(visit)
    assert live_markup(visit) == []


def test_days_on_a_card_are_marked_as_such_and_nothing_else_becomes_markup() -> None:
    html = cards.Card("卡片", {"Until": "<b>x</b> 2026-11-22", "Number": "12026-11-223"}).html
    assert "<dd>&lt;b&gt;x&lt;/b&gt; <time>2026-11-22</time></dd>" in html
    assert "<dd>12026-11-223</dd>" in html
