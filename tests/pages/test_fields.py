"""The page of field settings, and custom fields where users meet them: intake, edit, detail, list, filters, address."""

import pytest
from sqlalchemy import select

from crm_core import db
from crm_core.fields import fields_of
from crm_core.models import Customer, CustomField
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import field_changes
from crm_core.services.field_changes import CustomValues
from crm_core.services.field_settings import FieldSetting
from crm_core.services.library import Library, get_library
from tests import factories
from tests.core.test_custom_fields import SAMPLES, entered, make_field, one_of_each
from tests.pages.test_customers import errors_by_field, texts
from tests.pages.test_intake import begun, complete
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import customer_filters, feedback, routes


def present() -> Library:
    with db.reading() as session:
        return get_library(session)


def the_customer() -> Customer:
    with db.reading(SYSTEM) as session:
        return session.execute(select(Customer)).scalar_one()


def markdown(visit: Visit) -> str:
    """What stands on the page as it was sent, escapes included."""
    return "\n".join(node.value for node in visit.tab.markdown)


def plain(text: str) -> str:
    """Without what keeps it from being read as Markdown."""
    return text.replace("\\", "")


class TestPage:
    def test_a_field_is_added_changed_removed_and_restored(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.FIELDS).press("Add field").enter("own_type", "choice")
        visit.fill(own_name_new="服务等级", own_choices_new="金牌 | Gold\n银牌", own_listed_new=True).press("Add")
        assert "**服务等级**" in texts(visit)
        assert present().fields["x_fuwudengji"].labels() == {"gold": "金牌", "yinpai": "银牌"}
        visit.press("edit_x_fuwudengji").fill(own_name_x_fuwudengji="客户级别", own_choice_on_x_fuwudengji_gold=False).press("Save")
        assert "**客户级别**" in texts(visit)
        assert present().fields["x_fuwudengji"].retired == {"gold"}
        visit.press("edit_x_fuwudengji").press("remove_field")
        assert "**客户级别**" not in texts(visit)
        visit.enter("fields_view", "removed").press("Restore")
        assert "x_fuwudengji" in present().fields
        assert zh("No field was removed") in texts(visit)

    def test_what_is_wrong_with_a_new_field_is_told(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.FIELDS).press("Add field").fill(own_name_new="备注").press("Add")
        (refusal,) = visit.refusals
        assert "备注" in refusal
        with db.reading(SYSTEM) as session:
            assert session.execute(select(CustomField)).first() is None

    def test_a_declared_field_is_hidden_and_required(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.FIELDS).press("edit_segment").enter("shown_segment", False).press("Save")
        assert "segment" not in present().fields
        visit.press("edit_source_detail").enter("required_source_detail", "no").press("Save")
        assert not present().fields["source_detail"].is_required({"kind": "enterprise", "stage": "prospect"})

    def test_a_needed_field_says_why_it_stays(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.FIELDS).press("edit_name")
        assert visit.widget("shown_name").disabled
        assert zh("Lists, searches and the search for duplicates need the name.") in texts(visit)

    def test_a_field_moves_up(self, administrator: Actor) -> None:
        Visit(administrator).go(routes.FIELDS).press("up_segment")
        names = list(present().fields)
        assert names.index("segment") == names.index("name") - 1

    def test_two_administrators_set_different_fields_at_once(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.FIELDS).press("edit_segment")
        with db.transaction(SYSTEM) as session:
            field_changes.save_setting(session, SYSTEM, "tier", FieldSetting(is_shown=False), version=0)
        visit.enter("shown_segment", False).press("Save")
        assert not {"segment", "tier"} & set(present().fields)

    def test_a_second_administrator_sees_what_the_first_set_and_decides(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.FIELDS).press("edit_segment")
        with db.transaction(SYSTEM) as session:
            field_changes.save_setting(session, SYSTEM, "segment", FieldSetting(kinds=("individual",)), version=0)
        visit.enter("required_segment", "yes").press("Save")
        assert present().settings.of("segment").kinds == ("individual",)
        assert f"{zh('As built in')} → {zh('Only for these natures')} ({zh('Individual')})" in plain(visit.tab.warning[0].value)
        visit.press("Save")
        assert (present().settings.of("segment").required, present().settings.of("segment").kinds) == ("yes", ())

    def test_a_second_administrator_sees_what_the_first_made_of_a_custom_field(self, administrator: Actor) -> None:
        key = make_field(name="服务等级")
        visit = Visit(administrator).go(routes.FIELDS).press(f"edit_{key}")
        with db.transaction(SYSTEM) as session:
            field_changes.update_custom_field(session, SYSTEM, key, CustomValues(name="服务级别", is_listed=True), version=1)
        visit.fill(**{f"own_name_{key}": "等级"}).press("Save")
        assert present().fields[key].title == "服务级别"
        told = plain(visit.tab.warning[0].value)
        assert f"{zh('Name')}：服务等级 → 服务级别" in told
        assert f"{zh('Shown in the customer list')}：{zh('no')} → {zh('yes')}" in told
        visit.press("Save")
        assert present().fields[key].title == "等级"

    def test_the_preview_shows_the_form_of_a_nature_and_type(self, administrator: Actor) -> None:
        key = make_field(kinds=("individual",))
        visit = Visit(administrator).go(routes.FIELDS).enter("fields_view", "preview")
        assert not visit.has(f"preview.{key}")
        assert visit.enter("preview_kind", "individual").has(f"preview.{key}")

    def test_names_with_markup_are_plain_text(self, administrator: Actor, sales: Actor) -> None:
        make_field(name="**粗** :red[x]", help="[link](http://x)")
        assert f"**{feedback.escape('**粗** :red[x]')}**" in markdown(Visit(administrator).go(routes.FIELDS))
        visit = Visit(sales).go(routes.INTAKE, draft=begun(sales))
        assert "\\*\\*粗" in visit.widget("intake.x_servicelevel").label


class TestUse:
    def test_every_filterable_field_has_a_filter(self) -> None:
        assert {name for name, field in fields_of(Customer).items() if field.filterable} == {"stage", *customer_filters.CHOSEN}

    def test_a_hidden_field_has_no_column_and_no_filter(self, sales: Actor) -> None:
        factories.make_customer(sales, tier="A")
        assert zh("Tier") in Visit(sales).go(routes.CUSTOMERS).headings
        with db.transaction(SYSTEM) as session:
            field_changes.save_setting(session, SYSTEM, "tier", FieldSetting(is_shown=False), version=0)
        visit = Visit(sales).go(routes.CUSTOMERS, tier="B")
        assert visit.rows
        assert zh("Tier") not in visit.headings

    def test_the_form_has_every_type_and_saves_what_is_entered(self, sales: Actor) -> None:
        keys = one_of_each()
        visit = Visit(sales).go(routes.INTAKE, draft=complete(sales))
        for type, key in keys.items():
            value = present().fields[key]
            visit.widget(f"intake.{key}").set_value(SAMPLES[type].clean if value.widget == "date" else SAMPLES[type].entered)
        visit.rerun().press("Submit").enter("intake_sure", True).press("Save customer")
        library, customer = present(), the_customer()
        assert {type: bool(customer.extra.get(key)) for type, key in keys.items()} == dict.fromkeys(keys, True)
        visit = Visit(sales).go(routes.CUSTOMER, code=customer.code)
        shown = list(texts_of(visit))
        for type, key in keys.items():
            assert library.fields[key].title in shown, type
        assert any('href="https://www.hengyuan.example.com/a?b=1"' in node.proto.body for node in visit.tab.get("html"))

    def test_a_draft_brings_every_type_back(self, sales: Actor) -> None:
        keys = one_of_each()
        visit = Visit(sales).go(routes.INTAKE, draft=begun(sales, **entered(keys)))
        for type, key in keys.items():
            value = visit.widget(f"intake.{key}").value
            assert value == (SAMPLES[type].clean if type == "date" else SAMPLES[type].entered), type

    def test_errors_stand_at_their_fields_all_at_once(self, sales: Actor) -> None:
        number, link = make_field("number", name="面积"), make_field("link", name="网站")
        visit = Visit(sales).go(routes.INTAKE, draft=complete(sales, **{number: "很大", link: "javascript:alert(1)"})).press("Check form")
        assert set(errors_by_field(visit)) == {f"intake-{number}", f"intake-{link}"}

    def test_a_value_is_corrected_on_the_edit_page(self, sales: Actor) -> None:
        key = make_field("choice")
        customer = factories.make_customer(sales, **{key: "jin"})
        visit = Visit(sales).go(routes.EDIT, code=customer.code).enter(f"edit.{key}", "yin").enter("edit_reason", "升级").press("Save")
        assert visit.page == routes.CUSTOMER
        assert the_customer().extra == {key: "yin"}

    def test_two_who_edit_at_once_see_both_values(self, sales: Actor) -> None:
        key = make_field("choices")
        customer = factories.make_customer(sales)
        visit = Visit(sales).go(routes.EDIT, code=customer.code).enter(f"edit.{key}", ["jin"])
        second = Visit(sales).go(routes.EDIT, code=customer.code).enter(f"edit.{key}", ["yin"])
        second.press("Save")
        visit.press("Save")
        options = visit.widget(f"conflict_{key}").options
        assert any("金牌" in option for option in options)
        assert any("银牌" in option for option in options)

    def test_a_hidden_field_is_gone_from_form_sheet_and_filters(self, sales: Actor) -> None:
        customer = factories.make_customer(sales, segment="segment.new", key_people="王志强")
        with db.transaction(SYSTEM) as session:
            field_changes.save_setting(session, SYSTEM, "segment", FieldSetting(is_shown=False), version=0)
            field_changes.save_setting(session, SYSTEM, "key_people", FieldSetting(is_shown=False), version=1)
        assert "王志强" not in texts(Visit(sales).go(routes.CUSTOMER, code=customer.code))
        visit = Visit(sales).go(routes.EDIT, code=customer.code)
        assert not visit.has("edit.segment")
        visit.enter("edit.remark", "老客户").press("Save")
        assert (the_customer().segment, the_customer().key_people) == ("segment.new", "王志强")

    @pytest.mark.parametrize(
        ("type", "query"),
        [("choices", {"": "jin"}), ("number", {".from": "1000", ".to": "1250.5"}), ("date", {".from": "2031-01-01"})],
    )
    def test_a_filter_stands_in_the_address(self, sales: Actor, type: str, query: dict[str, str]) -> None:
        key = make_field(type, is_listed=True)
        factories.make_customer(sales, name="杭州恒远精密机械有限公司", **{key: SAMPLES[type].entered})
        factories.make_customer(sales, name="苏州远山包装有限公司")
        address = {key + end: value for end, value in query.items()}
        visit = Visit(sales).go(routes.CUSTOMERS, **address)
        assert [row[zh("Customer name")] for row in visit.rows] == ["杭州恒远精密机械有限公司"]
        assert "服务等级" in visit.headings
        assert {name: value if isinstance(value, str) else value[0] for name, value in visit.query.items()} == address
