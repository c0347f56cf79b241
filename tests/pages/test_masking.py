"""What pages show of sensitive values to a role that may not read them, and how a whole value is revealed."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from crm_core import db
from crm_core.models import Contact, Customer, Role
from crm_core.permissions import SENSITIVE, SYSTEM, Access, Actor, Permission
from crm_core.services import attachments, drafts
from crm_core.services.file_store import store_file
from tests import factories
from tests.core.test_visibility import ADDRESSES, EMAILS, PHONES, WECHATS
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import routes

TABS = ("Follow-ups", "Contacts", "Timeline", "Attachments", "Change log")


def allow(role: str, access: dict[str, Access], *permissions: Permission) -> None:
    """Give a role another access, and further permissions."""
    with db.transaction(SYSTEM) as session:
        row = session.execute(select(Role).where(Role.code == role)).scalar_one()
        row.access = {**row.access, **{kind: int(level) for kind, level in access.items()}}
        row.permissions = sorted({*row.permissions, *permissions})


def all_at(access: Access) -> dict[str, Access]:
    return dict.fromkeys(SENSITIVE, access)


def person(**over: str) -> tuple[dict[str, Any], dict[str, str]]:
    """A person's contact and own values of every kind."""
    secrets = {
        "phone": "13912345678",
        "wechat": "wx_hengyuan66",
        "email": "chenliqun@hengyuan.example.com",
        "address": "文三路八十八号三幢五单元",
        "identity_number": factories.random_identity_number(),
    } | over
    contact = factories.contact_values(**{name: secrets[name] for name in ("phone", "wechat", "email")})
    return contact, secrets


def enter(actor: Actor, **over: str) -> tuple[Customer, dict[str, str]]:
    contact, secrets = person(**over)
    own = {name: secrets[name] for name in ("address", "identity_number")}
    return factories.make_customer(actor, kind="individual", contacts=[contact], **own), secrets


def everything(visit: Visit) -> str:
    """All that the browser receives, without the marks that keep addresses from becoming links."""
    return "\n".join(texts_of(visit)).replace("\u2060", "") + str(visit.messages)


@settings(max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(phone=PHONES, wechat=WECHATS, email=EMAILS, address=ADDRESSES, access=st.sampled_from([Access.HIDDEN, Access.MASKED]))
def test_no_page_sends_a_masked_or_hidden_value_to_a_role(
    administrator: Actor, phone: str, wechat: str, email: str, address: str, access: Access
) -> None:
    customer, secrets = enter(administrator, phone=phone, wechat=wechat, email=email, address=address)
    with db.transaction(administrator) as session:
        card = {"type": attachments.IDENTITY_CARD, "has_consent": True}
        attachments.add_attachment(session, administrator, file=store_file(factories.PNG), customer_id=customer.id, **card)
    allow("marketing", all_at(access), Permission.CUSTOMER_CREATE, Permission.CUSTOMER_EDIT)
    viewer = factories.make_user(role="marketing")
    with db.transaction(viewer) as session:
        values = factories.customer_values(kind="individual", name=customer.name) | {"contacts": [factories.contact_values()]}
        draft = drafts.start_draft(session, viewer, values)
    visit = Visit(viewer)
    seen = [everything(visit.go(routes.CUSTOMERS)), everything(visit.go(routes.CUSTOMERS, q=customer.name))]
    seen += [everything(visit.go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", tab)) for tab in TABS]
    seen += [everything(visit.go(routes.EDIT, code=customer.code)), everything(visit.go(routes.OVERVIEW))]
    seen += [everything(visit.go(routes.INTAKE, draft=draft))]
    assert [(place, name) for place, text in enumerate(seen) for name, secret in secrets.items() if secret in text] == []


@pytest.mark.parametrize(
    ("access", "expected"), [(Access.MASKED, ["139****5678"]), (Access.EDITABLE, ["139****5678"]), (Access.HIDDEN, None)]
)
def test_the_list_has_masked_phones_or_no_column_for_them(administrator: Actor, access: Access, expected: list[str] | None) -> None:
    enter(administrator)
    allow("marketing", {"phone": access})
    visit = Visit(factories.make_user(role="marketing")).go(routes.CUSTOMERS)
    assert ([row[zh("Phone")] for row in visit.rows] if zh("Phone") in visit.headings else None) == expected


@pytest.mark.parametrize("access", Access, ids=lambda access: access.name)
def test_a_field_that_may_not_be_edited_is_locked_and_a_hidden_one_left_out(administrator: Actor, access: Access) -> None:
    customer, secrets = enter(administrator)
    allow("administrator", all_at(access))
    visit = Visit(administrator).go(routes.EDIT, code=customer.code)
    assert visit.has("edit.address") is (access is not Access.HIDDEN)
    if access is not Access.HIDDEN:
        field = visit.widget("edit.address")
        assert field.disabled is (access is not Access.EDITABLE)
        assert (field.value == secrets["address"]) is (access >= Access.READABLE)
    visit.enter("edit.remark", "补充").press("Save")
    with db.reading(SYSTEM) as session:
        after = session.get_one(Customer, customer.id)
    assert (after.remark, after.address, after.identity_number) == ("补充", secrets["address"], secrets["identity_number"])


@pytest.mark.parametrize("access", Access, ids=lambda access: access.name)
def test_a_contact_is_changed_by_who_sees_it_masked_and_keeps_what_they_do_not_see(administrator: Actor, access: Access) -> None:
    customer, secrets = enter(administrator)
    allow("administrator", all_at(access))
    with db.reading(SYSTEM) as session:
        contact = session.execute(select(Contact)).scalar_one()
    visit = (
        Visit(administrator)
        .go(routes.CUSTOMER, code=customer.code)
        .open_tab("detail_tab", "Contacts")
        .pick(f"contact_menu_{contact.id}", "edit")
    )
    assert visit.has("contact_form.phone") is (access is not Access.HIDDEN)
    visit.enter("contact_form.position", "厂长").press("Save")
    with db.reading(SYSTEM) as session:
        after = session.get_one(Contact, contact.id)
    assert (after.position, after.phone, after.email, after.wechat) == ("厂长", *(secrets[name] for name in ("phone", "email", "wechat")))


def test_only_a_mailbox_that_may_be_read_is_a_link(administrator: Actor) -> None:
    customer, _secrets = enter(administrator)
    assert "mailto:" in everything(Visit(administrator).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Contacts"))
    allow("administrator", {"email": Access.MASKED})
    assert "mailto:" not in everything(Visit(administrator).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Contacts"))


def test_a_manager_reveals_a_number_for_a_reason_and_the_log_tells_it(manager: Actor, sales: Actor) -> None:
    customer, secrets = enter(sales)
    button = f"reveal_customer_{customer.id}_identity_number"
    assert not Visit(sales).go(routes.CUSTOMER, code=customer.code).has(button)
    visit = Visit(manager).go(routes.CUSTOMER, code=customer.code).press(button).press("Show")
    assert visit.refusals
    assert secrets["identity_number"] not in str(visit.messages)
    visit.press("reveal_reason_1")
    assert visit.tab.code[0].value == secrets["identity_number"]
    visit.enter("reveal_reason", "办理开户").press("Show")
    assert visit.tab.code[0].value == secrets["identity_number"]
    lines = [(line.field, line.reason) for line in factories.log_of("customer", customer.id, action="viewed")]
    assert lines == [("identity_number", zh("To prepare a contract or invoice")), ("identity_number", "办理开户")]
    page = "\n".join(texts_of(Visit(manager).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Change log")))
    assert " · ".join((zh("Customer"), zh("viewed"), zh("Identity number"))) in page


@pytest.mark.parametrize("field", ["phone", "email", "wechat"])
def test_a_masked_value_of_a_contact_is_revealed(manager: Actor, sales: Actor, field: str) -> None:
    customer, secrets = enter(sales)
    allow("manager", all_at(Access.MASKED))
    with db.reading(SYSTEM) as session:
        contact = session.execute(select(Contact)).scalar_one()
    visit = (
        Visit(manager)
        .go(routes.CUSTOMER, code=customer.code)
        .open_tab("detail_tab", "Contacts")
        .press(f"reveal_contact_{contact.id}_{field}")
        .press("reveal_reason_0")
    )
    assert visit.tab.code[0].value == secrets[field]
    assert [line.field for line in factories.log_of("contact", contact.id, action="viewed")] == [field]


def test_an_identity_card_is_a_link_for_those_who_may_open_it(manager: Actor, sales: Actor) -> None:
    customer, _secrets = enter(sales)
    with db.transaction(manager) as session:
        card = {"type": attachments.IDENTITY_CARD, "has_consent": True}
        attachments.add_attachment(session, manager, file=store_file(factories.PNG), customer_id=customer.id, **card)
    links = [
        "(/files/" in str([node.value for node in visit.tab.markdown])
        for visit in (Visit(who).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Attachments") for who in (manager, sales))
    ]
    assert links == [True, False]
