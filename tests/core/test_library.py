"""The preset library: choices, industries with suggestions, and the questions of the outline."""

from collections.abc import Callable
from typing import Any

import pytest

from crm_core.db import reading, transaction
from crm_core.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import in_language
from crm_core.models import Customer, IndustrySuggestion
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import industries, library, notices, outlines
from crm_core.services.library import get_library
from tests import factories


def add(actor: Actor, category: str = "source", name: str = "行业协会", name_en: str = "") -> str:
    with transaction(actor) as session:
        return library.add_preset(session, actor, category, name=name, name_en=name_en)


def update(actor: Actor, code: str, **over: Any) -> None:
    values = {"name": "行业协会", "name_en": "", "position": 9, "is_active": True} | over
    with transaction(actor) as session:
        library.update_preset(session, actor, code, **values)


def offered(category: str = "source") -> list[str]:
    with reading(SYSTEM) as session:
        return [entry.name for entry in get_library(session).active(category)]


def suggestion_for(text: str) -> IndustrySuggestion:
    with reading(SYSTEM) as session:
        return session.query(IndustrySuggestion).filter_by(text=text).one()


def stored(customer: Customer) -> Customer:
    with reading(SYSTEM) as session:
        return session.get(Customer, customer.id)


class TestPresets:
    def test_a_new_choice_is_offered_last_and_can_be_used(self, database: str, administrator: Actor) -> None:
        before = offered()
        code = add(administrator, name=" 行业协会 ", name_en="Association")
        assert offered() == [*before, "行业协会"]
        assert factories.make_customer(administrator, source=code).source == code
        (line,) = factories.log_of("preset", code, action="created")
        assert (line.subject, line.actor_id) == ("行业协会", administrator.id)
        with reading(SYSTEM) as session, in_language("en"):
            assert get_library(session).label(code) == "Association"

    def test_a_renamed_choice_is_renamed_for_the_records_that_use_it(self, database: str, administrator: Actor) -> None:
        customer = factories.make_customer(administrator, source="source.referral")
        update(administrator, "source.referral", name="老客户推荐", position=3)
        with reading(SYSTEM) as session:
            assert get_library(session).label(stored(customer).source) == "老客户推荐"
        (line,) = factories.log_of("preset", "source.referral", field="name")
        assert (line.old, line.new) == ("客户转介绍", "老客户推荐")

    def test_a_hidden_choice_is_no_longer_offered_but_keeps_its_name(self, database: str, administrator: Actor) -> None:
        customer = factories.make_customer(administrator, source="source.referral")
        update(administrator, "source.referral", name="客户转介绍", is_active=False)
        assert "客户转介绍" not in offered()
        with reading(SYSTEM) as session:
            assert get_library(session).label(stored(customer).source) == "客户转介绍"
        assert len(factories.log_of("preset", "source.referral", field="is_active")) == 1

    def test_choices_are_offered_in_their_order(self, database: str, administrator: Actor) -> None:
        update(administrator, "source.referral", name="客户转介绍", position=-1)
        assert offered()[0] == "客户转介绍"

    @pytest.mark.parametrize("name", ["", " \u200b ", "展会推广", "长" * 61])
    def test_an_empty_existing_or_overlong_name_is_refused(self, database: str, administrator: Actor, name: str) -> None:
        code = add(administrator)
        for act in (lambda: add(administrator, name=name), lambda: update(administrator, code, name=name)):
            with pytest.raises(ValidationFailed) as refusal:
                act()
            assert set(refusal.value.errors) == {"name"}

    def test_two_names_that_sound_alike_get_codes_of_their_own(self, database: str, administrator: Actor) -> None:
        codes = {add(administrator, name=name) for name in ("协会", "鞋会", "★")}
        assert codes == {"source.xiehui", "source.xiehui2", "source.entry"}

    def test_an_unknown_list_or_choice_is_not_found(self, database: str, administrator: Actor) -> None:
        with pytest.raises(NotFound):
            add(administrator, "no_such_list")
        with pytest.raises(NotFound):
            update(administrator, "source.no_such_choice")

    def test_a_choice_of_a_rolled_back_change_never_shows(self, database: str, administrator: Actor) -> None:
        with transaction(administrator) as session:
            library.add_preset(session, administrator, "source", name="未提交的来源")
            assert "未提交的来源" in [entry.name for entry in get_library(session).active("source")]
            session.rollback()
        add(administrator, name="已提交的来源")
        assert "已提交的来源" in offered()
        assert "未提交的来源" not in offered()


class TestSuggestedIndustries:
    @pytest.fixture
    def waiting(self, database: str, sales: Actor) -> Customer:
        """A customer whose industry is in the user's own words."""
        return factories.make_customer(sales, industry="低空经济")

    def test_open_suggestions_are_listed_with_the_customers_waiting(self, waiting: Customer, sales: Actor, administrator: Actor) -> None:
        factories.make_customer(sales, industry="低空经济")
        factories.make_customer(sales, industry="元宇宙")
        with reading(administrator) as session:
            found = industries.list_suggestions(session, administrator)
        assert [(suggestion.text, count) for suggestion, count in found] == [("低空经济", 2), ("元宇宙", 1)]

    def test_an_accepted_one_becomes_an_entry_of_its_customers(self, waiting: Customer, sales: Actor, administrator: Actor) -> None:
        with transaction(administrator) as session:
            number = suggestion_for("低空经济").id
            industries.accept_suggestion(session, administrator, number, section="G", name_en="Low-altitude economy")
        customer = stored(waiting)
        assert (customer.industry, customer.industry_text, customer.version) == ("G-1", None, waiting.version + 1)
        with reading(SYSTEM) as session:
            assert get_library(session).industry_label("G-1") == "交通运输、仓储和邮政业-低空经济"
        assert factories.make_customer(sales, industry="低空经济").industry == "G-1"
        assert suggestion_for("低空经济").state == "accepted"
        (line,) = factories.log_of("customer", waiting.id, field="industry")
        assert (line.old, line.new, line.actor_id) == ("低空经济", "G-1", administrator.id)
        assert len(factories.log_of("industry_suggestion", field="state")) == 1

    def test_a_mapped_one_gives_its_customers_an_existing_entry_and_later_ones_too(
        self, waiting: Customer, sales: Actor, administrator: Actor
    ) -> None:
        with transaction(administrator) as session:
            industries.map_suggestion(session, administrator, suggestion_for("低空经济").id, industry="G56")
        assert (stored(waiting).industry, stored(waiting).industry_text) == ("G56", None)
        (line,) = factories.log_of("customer", waiting.id, field="industry")
        assert (line.old, line.new) == ("低空经济", "G56")
        assert factories.make_customer(sales, industry="低空经济").industry == "G56"

    def test_a_refused_one_leaves_its_customers_incomplete(self, waiting: Customer, administrator: Actor) -> None:
        with transaction(administrator) as session:
            industries.refuse_suggestion(session, administrator, suggestion_for("低空经济").id, remark="请选择具体大类")
        customer = stored(waiting)
        assert (customer.industry, customer.industry_text, customer.is_incomplete) == (None, None, True)
        assert (suggestion_for("低空经济").state, suggestion_for("低空经济").remark) == ("refused", "请选择具体大类")
        (line,) = factories.log_of("customer", waiting.id, field="industry")
        assert (line.old, line.new) == ("低空经济", None)

    def test_a_refused_one_that_is_entered_again_is_put_before_the_administrator_again(
        self, waiting: Customer, sales: Actor, administrator: Actor
    ) -> None:
        with transaction(administrator) as session:
            industries.refuse_suggestion(session, administrator, suggestion_for("低空经济").id, remark="请选择具体大类")
        factories.make_customer(sales, industry="低空经济")
        with reading(administrator) as session:
            assert [(one.text, count) for one, count in industries.list_suggestions(session, administrator)] == [("低空经济", 1)]

    @pytest.mark.parametrize(
        ("verb", "choice", "title"),
        [
            (industries.accept_suggestion, {"section": "G"}, "Suggested industry accepted"),
            (industries.map_suggestion, {"industry": "G56"}, "Suggested industry mapped"),
            (industries.refuse_suggestion, {"remark": "请选择具体大类"}, "Suggested industry refused"),
        ],
    )
    def test_its_author_is_told_of_the_decision(
        self, waiting: Customer, sales: Actor, administrator: Actor, verb: Any, choice: dict[str, str], title: str
    ) -> None:
        with transaction(administrator) as session:
            verb(session, administrator, suggestion_for("低空经济").id, **choice)
        with reading(sales) as session, in_language("en"):
            (told,) = notices.list_latest(session, sales)
        assert told.title == title
        assert "低空经济" in told.sentence
        assert choice.get("remark", "") in told.sentence

    def test_each_is_dealt_with_once(self, waiting: Customer, administrator: Actor) -> None:
        number = suggestion_for("低空经济").id
        with transaction(administrator) as session:
            industries.map_suggestion(session, administrator, number, industry="G56")
        for verb, choice in (
            (industries.accept_suggestion, {"section": "G"}),
            (industries.map_suggestion, {"industry": "G54"}),
            (industries.refuse_suggestion, {"remark": "x"}),
        ):
            with pytest.raises(NotFound), transaction(administrator) as session:
                verb(session, administrator, number, **choice)
        assert stored(waiting).industry == "G56"

    @pytest.mark.parametrize(
        ("verb", "choice"),
        [
            (industries.accept_suggestion, {"section": "G56"}),
            (industries.accept_suggestion, {"section": "?"}),
            (industries.map_suggestion, {"industry": "Z99"}),
            (industries.refuse_suggestion, {"remark": " "}),
        ],
    )
    def test_a_decision_without_its_choice_is_refused(
        self, waiting: Customer, administrator: Actor, verb: Any, choice: dict[str, str]
    ) -> None:
        number = suggestion_for("低空经济").id
        with pytest.raises(ValidationFailed), transaction(administrator) as session:
            verb(session, administrator, number, **choice)
        assert stored(waiting).industry_text == "低空经济"
        assert suggestion_for("低空经济").state == "pending"


class TestOutline:
    def test_questions_fit_the_industry_and_the_type(self, database: str) -> None:
        with reading(SYSTEM) as session:
            general = outlines.list_questions(session, industry=None, stage=None)
            fitting = outlines.list_questions(session, industry="C34", stage="prospect")
        assert 0 < len(general) < len(fitting)
        assert {question.industry or "" for question in fitting} <= {"C", ""}
        assert {question.stage or "" for question in fitting} <= {"prospect", ""}
        assert [question.industry or "" for question in fitting] == sorted((question.industry or "" for question in fitting), reverse=True)

    def test_an_administrator_adds_changes_and_removes_a_question(self, database: str, administrator: Actor) -> None:
        values = {"industry": "C", "stage": "", "position": 1, "question": "产线几条？", "question_en": "", "field": "core_need"}
        with transaction(administrator) as session:
            outlines.save_question(session, administrator, None, **values)
        (row,) = self.found("产线几条？")
        with transaction(administrator) as session:
            outlines.save_question(session, administrator, row.id, **(values | {"question": "有几条产线？"}))
        assert (len(self.found("产线几条？")), len(self.found("有几条产线？"))) == (0, 1)
        assert [line.new for line in factories.log_of("outline_question", row.id, field="question")] == ["有几条产线？"]
        with transaction(administrator) as session:
            outlines.delete_question(session, administrator, row.id)
        assert self.found("有几条产线？") == []
        assert len(factories.log_of("outline_question", row.id, action="deleted")) == 1
        with pytest.raises(NotFound), transaction(administrator) as session:
            outlines.delete_question(session, administrator, row.id)

    def test_a_question_that_somebody_else_changed_meanwhile_is_not_overwritten(self, database: str, administrator: Actor) -> None:
        values = {"industry": "C", "stage": "", "position": 1, "question": "产线几条？", "question_en": "", "field": "core_need"}
        with transaction(administrator) as session:
            outlines.save_question(session, administrator, None, **values)
        (row,) = self.found("产线几条？")
        with transaction(administrator) as session:
            outlines.save_question(session, administrator, row.id, **(values | {"question": "有几条产线？"}))
        with pytest.raises(Conflict), transaction(administrator) as session:
            outlines.save_question(session, administrator, row.id, **(values | {"field": "remark"}), seen={"question": row.question})
        assert [line.field for line in self.found("有几条产线？")] == ["core_need"]

    def test_an_empty_question_is_refused(self, database: str, administrator: Actor) -> None:
        with pytest.raises(ValidationFailed), transaction(administrator) as session:
            outlines.save_question(session, administrator, None, industry="", stage="", position=1, question=" ", question_en="", field="x")

    @staticmethod
    def found(question: str) -> list[Any]:
        with reading(SYSTEM) as session:
            return [row for row in outlines.list_questions(session, industry="C34", stage="prospect") if row.question == question]


VERBS: dict[Callable[..., Any], tuple[Any, ...]] = {
    library.add_preset: ("source", {"name": "x"}),
    library.update_preset: ("source.other", {"name": "x", "name_en": "", "position": 1, "is_active": True}),
    industries.list_suggestions: (),
    industries.accept_suggestion: (1, {"section": "G"}),
    industries.map_suggestion: (1, {"industry": "G56"}),
    industries.refuse_suggestion: (1, {"remark": "x"}),
    outlines.list_all_questions: (),
    outlines.save_question: (None, {"industry": "", "stage": "", "position": 1, "question": "x", "question_en": "", "field": "x"}),
    outlines.delete_question: (1,),
}


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
@pytest.mark.parametrize("role", ["sales", "manager"])
def test_only_an_administrator_changes_the_library(
    sqlite_database: str, sales: Actor, manager: Actor, verb: Callable[..., Any], role: str
) -> None:
    actor = {"sales": sales, "manager": manager}[role]
    arguments = list(VERBS[verb])
    named = arguments.pop() if arguments and isinstance(arguments[-1], dict) else {}
    with pytest.raises(NotAllowed), transaction(actor) as session:
        verb(session, actor, *arguments, **named)
