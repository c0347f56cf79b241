"""Entering a customer: nature and type first, drafts kept on every change, each error at its field, the second look, saved once."""

import pytest
from sqlalchemy import func, select

from crm_core import db
from crm_core.fields import fields_of
from crm_core.models import Attachment, Customer, Draft, LifecycleStage
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import drafts, outlines
from tests import factories
from tests.pages.test_customers import errors_by_field, texts
from tests.pages.visit import Visit, zh
from ui import intake_form, routes

ENTERED = {name: field for name, field in fields_of(Customer).items() if not field.fixed}


def begun(actor: Actor, *, kind: str = "enterprise", stage: str = "prospect", **values: object) -> str:
    with db.transaction(actor) as session:
        return drafts.start_draft(session, actor, {"kind": kind, "stage": stage, **values})


def complete(actor: Actor, **over: object) -> str:
    """A draft with everything filled in."""
    return begun(actor, **(factories.customer_values(**over) | {"contacts": [factories.contact_values()]}))


def kept(draft_id: str) -> dict[str, object]:
    with db.reading(SYSTEM) as session:
        return session.get_one(Draft, draft_id).values


def count(model: type) -> int:
    with db.reading(SYSTEM) as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


class TestBeginning:
    def test_nature_and_type_come_first_and_begin_a_draft(self, sales: Actor) -> None:
        visit = Visit(sales).go(routes.INTAKE)
        assert visit.widget("Begin entry", "button").disabled
        visit.enter("new_kind", "individual").enter("new_stage", "qualified").press("Begin entry")
        with db.reading(SYSTEM) as session:
            (draft,) = session.execute(select(Draft)).scalars()
        assert (draft.values["kind"], draft.values["stage"]) == ("individual", "qualified")
        assert visit.query == {"draft": draft.id}
        assert visit.has("intake.core_need")

    def test_unfinished_entries_are_continued_or_discarded(self, sales: Actor, colleague: Actor) -> None:
        mine, theirs = begun(sales, name="我的草稿"), begun(colleague, name="别人的草稿")
        visit = Visit(sales).go(routes.INTAKE)
        assert "别人的草稿" not in texts(visit)
        assert visit.press(f"continue_{mine}").query == {"draft": mine}
        visit.go(routes.INTAKE).press(f"discard_{mine}")
        assert count(Draft) == 1
        assert theirs

    @pytest.mark.parametrize("draft", ["nothing", "../etc", ""])
    def test_a_draft_that_is_not_there_leads_to_a_new_entry(self, sales: Actor, draft: str) -> None:
        visit = Visit(sales).go(routes.INTAKE, draft=draft)
        if draft:
            assert visit.refusals == [zh("This draft was submitted or discarded. Begin a new entry.")]
            visit.press("Begin a new entry")
        assert visit.has("new_stage")

    def test_somebody_elses_draft_is_not_opened(self, sales: Actor, colleague: Actor) -> None:
        theirs = begun(colleague, name="别人的草稿")
        visit = Visit(sales).go(routes.INTAKE, draft=theirs)
        assert len(visit.refusals) == 1
        assert "别人的草稿" not in str(visit.messages)


class TestFilling:
    def test_every_change_is_kept_in_the_draft_and_found_again(self, sales: Actor) -> None:
        draft = begun(sales)
        visit = Visit(sales).go(routes.INTAKE, draft=draft).enter("intake.name", "杭州恒远精密机械有限公司")
        assert kept(draft)["name"] == "杭州恒远精密机械有限公司"
        visit.enter("intake.province", "330000").enter("intake.city", "330100").enter("intake.contact0.phone", "13800001234")
        visit.press("Add contact").enter("intake.contact1.name", "陈立群")
        assert kept(draft)["contacts"] == [{"phone": "13800001234"}, {"name": "陈立群"}]
        again = Visit(sales).go(routes.INTAKE, draft=draft)
        assert again.widget("intake.name").value == "杭州恒远精密机械有限公司"
        assert again.widget("intake.city").value == "330100"
        assert again.widget("intake.contact1.name").value == "陈立群"

    def test_another_province_takes_the_city_away(self, sales: Actor) -> None:
        draft = begun(sales, province="330000", city="330100", district="330106")
        visit = Visit(sales).go(routes.INTAKE, draft=draft)
        visit.tab.session_state["intake.province"] = "320000"
        visit.rerun()
        assert (visit.widget("intake.city").value, visit.widget("intake.district").value) == (None, None)

    @pytest.mark.parametrize("kind", ["enterprise", "individual"])
    @pytest.mark.parametrize("stage", list(LifecycleStage))
    def test_the_form_has_the_fields_of_its_nature_and_type(self, sales: Actor, kind: str, stage: str) -> None:
        visit = Visit(sales).go(routes.INTAKE, draft=begun(sales, kind=kind, stage=stage))
        values = {"kind": kind, "stage": stage}
        expected = {f"intake.{name}" for name, field in ENTERED.items() if field.shown(values)}
        found = {node.key for node in visit.elements() if (getattr(node, "key", None) or "").startswith("intake.")}
        assert {key for key in found if ".contact" not in key} == expected
        starred = {node.key for node in visit.elements() if getattr(node, "label", "").endswith(" *") and node.key in expected}
        assert starred == {f"intake.{name}" for name, field in ENTERED.items() if field.is_required(values)}

    def test_an_answer_to_a_talking_point_goes_into_its_field(self, sales: Actor) -> None:
        draft = begun(sales, stage="qualified")
        with db.transaction(SYSTEM) as session:
            questions = outlines.list_questions(session, industry=None, stage="qualified")
        question = next(one for one in questions if one.field == "core_need")
        visit = Visit(sales).go(routes.INTAKE, draft=draft).enter(f"answer_{question.id}", "要替换排产系统")
        assert visit.widget("intake.core_need").value == "要替换排产系统"
        assert kept(draft)["core_need"] == "要替换排产系统"

    def test_a_file_of_the_draft_goes_to_the_customer(self, sales: Actor) -> None:
        draft = complete(sales, name="杭州恒远精密机械有限公司")
        visit = Visit(sales).go(routes.INTAKE, draft=draft).enter("file_type", "attachment_type.business_licence")
        visit.upload("scan.pdf", factories.PDF)
        assert count(Attachment) == 1
        visit.press("Submit").enter("intake_sure", True).press("Save customer")
        with db.reading(SYSTEM) as session:
            file = session.execute(select(Attachment)).scalar_one()
        assert (file.draft_id, file.customer_id is not None) == (None, True)
        assert file.filename.startswith("杭州恒远精密机械有限公司-营业执照-")

    def test_a_copy_of_an_identity_card_needs_consent(self, sales: Actor) -> None:
        visit = Visit(sales).go(routes.INTAKE, draft=begun(sales)).enter("file_type", "attachment_type.identity_card")
        visit.upload("card.png", factories.PNG)
        assert count(Attachment) == 0
        assert len(visit.refusals) == 1
        visit.enter("The customer agreed that a copy is kept", True)
        assert count(Attachment) == 1


class TestChecking:
    def test_an_empty_form_has_an_error_at_every_required_field(self, sales: Actor) -> None:
        visit = Visit(sales).go(routes.INTAKE, draft=begun(sales)).press("Check form")
        required = {name for name, field in ENTERED.items() if field.is_required({"kind": "enterprise", "stage": "prospect"})}
        contact = {f"contact0-{name}" for name, field in intake_form.CONTACTS.items() if field.required({})}
        assert set(errors_by_field(visit)) == {f"intake-{name}" for name in required | contact}

    @pytest.mark.parametrize(("field", "value"), [("name", "王总"), ("credit_code", "91330106MA2H1234XX"), ("contact0.phone", "87654321")])
    def test_a_value_that_breaks_its_rule_has_its_error_at_its_field_alone(self, sales: Actor, field: str, value: str) -> None:
        visit = Visit(sales).go(routes.INTAKE, draft=complete(sales)).enter(f"intake.{field}", value).press("Submit")
        (place,) = errors_by_field(visit)
        assert place == f"intake-{field}".replace(".", "-")
        assert not visit.has("intake_sure")
        assert count(Customer) == 0

    def test_errors_of_the_second_contact_stand_at_the_second_contact(self, sales: Actor) -> None:
        draft = complete(sales)
        visit = Visit(sales).go(routes.INTAKE, draft=draft).press("Add contact").enter("intake.contact1.name", "陈立群").press("Check form")
        assert set(errors_by_field(visit)) == {"intake-contact1-phone", "intake-contact1-email"}

    def test_a_right_form_is_told_so(self, sales: Actor) -> None:
        visit = Visit(sales).go(routes.INTAKE, draft=complete(sales)).press("Check form")
        assert errors_by_field(visit) == {}
        assert [toast.replace("\\", "") for toast in visit.toasts] == [zh("Everything is filled in correctly.")]
        assert count(Customer) == 0


class TestSubmitting:
    def test_name_and_phone_are_confirmed_before_it_is_saved(self, sales: Actor) -> None:
        draft = complete(sales, name="杭州恒远精密机械有限公司")
        visit = Visit(sales).go(routes.INTAKE, draft=draft).press("Submit")
        assert visit.widget("Save customer", "button").disabled
        visit.enter("intake_sure", True).press("Save customer")
        with db.reading(SYSTEM) as session:
            customer = session.execute(select(Customer)).scalar_one()
        assert (customer.name, customer.owner_id, customer.stage) == ("杭州恒远精密机械有限公司", sales.id, "prospect")
        assert (visit.page, visit.query) == (routes.CUSTOMER, {"code": customer.code})
        assert count(Draft) == 0
        assert factories.log_of("customer", customer.id, action="created")

    def test_going_back_to_the_form_saves_nothing(self, sales: Actor) -> None:
        visit = Visit(sales).go(routes.INTAKE, draft=complete(sales)).press("Submit").press("Back to the form")
        assert not visit.has("intake_sure")
        assert count(Customer) == 0

    def test_the_same_entry_in_two_tabs_makes_one_customer(self, sales: Actor) -> None:
        draft = complete(sales)
        first, second = (Visit(sales).go(routes.INTAKE, draft=draft).press("Submit").enter("intake_sure", True) for _tab in range(2))
        first.press("Save customer")
        second.press("Save customer")
        assert count(Customer) == 1
        assert second.query == first.query

    def test_an_exact_duplicate_is_shown_and_needs_a_reason(self, sales: Actor) -> None:
        known = factories.make_customer(sales)
        visit = Visit(sales).go(routes.INTAKE, draft=complete(sales, name=known.name))
        assert known.code in texts(visit)
        visit.press("Submit")
        assert set(errors_by_field(visit)) == {"intake-duplicate_reason"}
        visit.enter("intake.duplicate_reason", "分公司").press("Submit").enter("intake_sure", True).press("Save customer")
        with db.reading(SYSTEM) as session:
            assert session.execute(select(Customer.duplicate_reason).where(Customer.id != known.id)).scalar_one() == "分公司"

    def test_a_duplicate_outside_the_scope_is_hinted_at_without_its_code(self, sales: Actor, stranger: Actor) -> None:
        known = factories.make_customer(stranger)
        visit = Visit(sales).go(routes.INTAKE, draft=begun(sales, name=known.name))
        assert zh("Possible duplicates") in texts(visit)
        assert known.code not in str(visit.messages)


def test_an_industry_in_own_words_may_be_a_whole_phrase(sales: Actor) -> None:
    words = "低空经济与无人机物流配送服务以及相关基础设施建设运营"
    visit = Visit(sales).go(routes.INTAKE, draft=complete(sales, industry=words)).press("Submit")
    assert errors_by_field(visit) == {}
    visit.enter("intake_sure", True).press("Save customer")
    with db.reading(SYSTEM) as session:
        assert session.execute(select(Customer.industry_text)).scalar_one() == words
