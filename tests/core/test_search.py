"""Search: any part of a name, code or phone, pinyin and initials, the same on both databases."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crm_core import search
from crm_core.db import reading, transaction
from crm_core.models import Customer
from crm_core.permissions import Actor
from crm_core.services.customer_changes import update_customer
from crm_core.services.customer_list import CustomerQuery, list_customers
from crm_core.services.customers import restore_customer
from tests import factories


@pytest.fixture
def customers(database: str, administrator: Actor) -> dict[str, Customer]:
    """Four customers by a short word."""
    return {
        "恒远": factories.make_customer(
            administrator,
            name="杭州恒远机械有限公司",
            credit_code="91310116MA1JBQQJ85",
            contacts=[
                factories.contact_values(name="陈伟", phone="13800001234", wechat="hy_chenwei"),
                factories.contact_values(name="李娜", phone="0571-87654321-802"),
            ],
        ),
        "远机": factories.make_customer(
            administrator, name="宁波远 机贸易有限公司", contacts=[factories.contact_values(name="孙超", phone="15922222222")]
        ),
        "王伟": factories.make_customer(
            administrator, kind="individual", name="欧阳娜", contacts=[factories.contact_values(name="欧阳娜", phone="15922222229")]
        ),
        "abc": factories.make_customer(
            administrator, name="ABC-Tech 2000 Co. Ltd", contacts=[factories.contact_values(name="Müller", phone="15922222299")]
        ),
    }


def find(actor: Actor, phrase: str) -> list[str]:
    """The names of what is found, the oldest first."""
    with reading(actor) as session:
        page = list_customers(session, actor, CustomerQuery(phrase=phrase, sort="oldest"))
        assert page.total == len(page.rows)
        return [row.name for row in page.rows]


HENGYUAN, NINGBO, OUYANG, ABC = "杭州恒远机械有限公司", "宁波远 机贸易有限公司", "欧阳娜", "ABC-Tech 2000 Co. Ltd"


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("恒远", [HENGYUAN]),
        ("恒远机械", [HENGYUAN]),
        ("杭州恒远机械有限公司", [HENGYUAN]),
        ("有限公司", [HENGYUAN, NINGBO]),
        ("恒", [HENGYUAN]),
        ("司", [HENGYUAN, NINGBO]),
        ("远机", [HENGYUAN]),
        ("远", [HENGYUAN, NINGBO]),
        ("恒机", []),
        ("远恒", []),
        ("hengyuan", [HENGYUAN]),
        ("hengyuanjixie", [HENGYUAN]),
        ("HengYuan", [HENGYUAN]),
        ("engyua", [HENGYUAN]),
        ("hzhyjx", [HENGYUAN]),
        ("hyjx", [HENGYUAN]),
        ("chenwei", [HENGYUAN]),
        ("陈伟", [HENGYUAN]),
        ("李娜", [HENGYUAN]),
        ("13800001234", [HENGYUAN]),
        ("00001234", [HENGYUAN]),
        ("3800", [HENGYUAN]),
        ("0571-87654321", [HENGYUAN]),
        ("057187654321", [HENGYUAN]),
        ("87654321", [HENGYUAN]),
        ("6543", [HENGYUAN]),
        ("91310116MA1JBQQJ85", [HENGYUAN]),
        ("ma1jbqqj", [HENGYUAN]),
        ("恒远 机械", [HENGYUAN]),
        ("机械 恒远 陈伟", [HENGYUAN]),
        ("恒远　1234", [HENGYUAN]),
        ("恒远 贸易", []),
        ("恒远,机械", [HENGYUAN]),
        ("（恒远）", [HENGYUAN]),
        ("ＡＢＣ", [ABC]),
        ("tech", [ABC]),
        ("abc tech 2000", [ABC]),
        ("müll", [ABC]),
        ("ouyang", [OUYANG]),
        ("oyn", [OUYANG]),
        ("没有这样的", []),
        ("...", []),
        ("。，！", []),
        ("%", []),
        ("_", []),
        ('"', []),
        ("'", []),
        ("* OR *", []),
        ("恒远*", [HENGYUAN]),
        ("NEAR(恒 远)", []),
        ("恒远' | '", [HENGYUAN]),
        ("\x00恒远\ud800", [HENGYUAN]),
        ("tokens:恒远", []),
        ("恒远" * 100, []),
    ],
)
def test_a_phrase_finds(customers: dict[str, Customer], administrator: Actor, phrase: str, expected: list[str]) -> None:
    assert find(administrator, phrase) == expected


def test_a_code_is_found_by_any_part_of_it(customers: dict[str, Customer], administrator: Actor) -> None:
    code = customers["恒远"].code
    assert find(administrator, code) == find(administrator, code[5:].lower()) == [HENGYUAN]
    assert len(find(administrator, "CUS")) == 4


def test_an_empty_phrase_finds_everything(customers: dict[str, Customer], administrator: Actor) -> None:
    assert len(find(administrator, "")) == 4


def test_after_a_change_only_the_new_name_is_found(customers: dict[str, Customer], administrator: Actor) -> None:
    with transaction(administrator) as session:
        update_customer(session, administrator, customers["恒远"].id, {"name": "绍兴鼎盛纺织有限公司"}, version=1, reason="更名")
    assert find(administrator, "恒远") == find(administrator, "hengyuan") == []
    assert find(administrator, "鼎盛") == find(administrator, "dingsheng") == ["绍兴鼎盛纺织有限公司"]
    assert find(administrator, "陈伟") == ["绍兴鼎盛纺织有限公司"]


def test_a_deleted_customer_is_not_found_and_a_restored_one_is(customers: dict[str, Customer], administrator: Actor) -> None:
    from crm_core.services.customers import delete_customer

    with transaction(administrator) as session:
        delete_customer(session, administrator, customers["恒远"].id)
    assert find(administrator, "恒远") == []
    with transaction(administrator) as session:
        restore_customer(session, administrator, customers["恒远"].id)
    assert find(administrator, "恒远") == [HENGYUAN]


def test_a_common_word_is_counted_up_to_the_limit(sqlite_database: str, administrator: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    from crm_core.services import customer_list

    monkeypatch.setattr(customer_list, "COUNT_LIMIT", 3)
    for _number in range(5):
        factories.make_customer(administrator)
    with reading(administrator) as session:
        page = list_customers(session, administrator, CustomerQuery(phrase="科技"))
    assert (page.total, page.is_capped) == (3, True)


LETTERS = "恒远机械有限公司𬱖㐀龥가éÉßøЖя３3zZ９0 -.·（）&'\"*:|!\\_€½ﬁ한"
NAMES = st.text(alphabet=LETTERS, min_size=1, max_size=24) | st.text(
    alphabet=st.characters(categories=["Lu", "Ll", "Lo", "Nd", "Po", "Zs"]), min_size=1, max_size=16
)
KEEP_DATABASE = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@KEEP_DATABASE
@given(name=NAMES, data=st.data())
@example(name="𬱖伟𪚥", data=None)
def test_every_part_of_a_name_is_found(database: str, administrator: Actor, name: str, data: st.DataObject | None) -> None:
    if data is None:
        parts = [name[start:end] for start in range(len(name)) for end in range(start + 1, len(name) + 1)]
    else:
        start = data.draw(st.integers(0, len(name) - 1))
        parts = [name[start : data.draw(st.integers(start + 1, len(name)))]]
    number = indexed(administrator, name)
    for part in parts:
        words = search.words_of(part)
        with reading(administrator) as session:
            found = list_customers(session, administrator, CustomerQuery(phrase=part, sort="newest"))
            assert (number in [row.id for row in found.rows]) is bool(words), (name, part)


def indexed(actor: Actor, name: str) -> int:
    """A customer of any name whatever, as an import or an older rule may have left it."""
    with transaction(actor) as session:
        customer = Customer(
            name=name, kind="enterprise", stage="prospect", code=f"X{factories.unique_number()}", owner_id=actor.id, is_incomplete=True
        )
        session.add(customer)
        session.flush()
        search.reindex(session, customer.id)
        from crm_core.numbering import bump

        bump(session, "customers")
        return customer.id


@pytest.mark.parametrize(
    ("part", "tokens"),
    [
        ("恒远机械", ["恒远", "远机", "机械", "械"]),
        ("hyjx", ["hyj", "yjx", "jx", "x"]),
        ("恒ab远", ["恒a", "ab", "b远", "远"]),
        ("a", ["a"]),
        ("A-b", ["a", "b"]),
        ("", []),
        ("。", []),
        (None, []),
    ],
)
def test_a_text_becomes_overlapping_tokens(part: str | None, tokens: list[str]) -> None:
    assert search.tokens_of([part]) == tokens
