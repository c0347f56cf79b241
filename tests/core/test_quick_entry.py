"""One line becomes a follow-up and its next plan; whatever is typed, nothing breaks."""

from datetime import date, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_core.models import METHODS
from crm_core.services.quick_entry import METHOD_WORDS, Guess, guess

TODAY = date(2026, 5, 14)
"""A Thursday."""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("电话沟通报价，下周三回访", ("phone", None, "沟通报价", date(2026, 5, 20), None, "回访")),
        (
            "昨天上门拜访王经理，客户要看案例；明天下午3点半发案例",
            ("visit", date(2026, 5, 13), None, date(2026, 5, 15), time(15, 30), "发案例"),
        ),
        ("微信确认合同条款，5月30日前签约", ("wechat", None, "确认合同条款", date(2026, 5, 30), None, "前签约")),
        ("邮件发送方案，三天后跟进", ("email", None, "发送方案", date(2026, 5, 17), None, "跟进")),
        ("会议讨论交付，两周后复盘", ("meeting", None, "讨论交付", date(2026, 5, 28), None, "复盘")),
        ("致电催款，月底前到账", ("phone", None, "催款", date(2026, 5, 31), None, "前到账")),
        ("面谈，2026-06-01 送样品", ("visit", None, "面谈", date(2026, 6, 1), None, "送样品")),
        ("电话回访，周五再联系", ("phone", None, "回访", date(2026, 5, 15), None, "联系")),
        ("电话回访，下下周一再联系", ("phone", None, "回访", date(2026, 5, 25), None, "联系")),
        ("电话沟通，1月5日签约", ("phone", None, "沟通", None, None, "")),
        ("called about the quotation, visit next tuesday", ("phone", None, None, date(2026, 5, 19), None, "visit")),
        ("Emailed the offer, call in 3 days", ("email", None, None, date(2026, 5, 17), None, "call")),
        (
            "meeting about delivery, tomorrow at 10:30 send minutes",
            ("meeting", None, None, date(2026, 5, 15), time(10, 30), "send minutes"),
        ),
        ("visited yesterday, sign on June 3", ("visit", date(2026, 5, 13), None, date(2026, 6, 3), None, "sign")),
        ("客户暂无需求", ("", None, "客户暂无需求", None, None, "")),
        ("2月30日见面", ("", None, "2月30日见面", None, None, "")),
        ("", ("", None, "", None, None, "")),
    ],
)
def test_a_line_is_read_as_people_write_it(line: str, expected: tuple[object, ...]) -> None:
    found = guess(line, TODAY)
    method, happened_on, subject, next_on, next_time, goal = expected
    assert (found.method, found.happened_on, found.next_on, found.next_time, found.goal) == (method, happened_on, next_on, next_time, goal)
    assert subject is None or found.subject == subject
    assert found.content == line


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.text(max_size=200),
        st.lists(
            st.sampled_from(
                [
                    "下周",
                    "三",
                    "99月99日",
                    "2026-13-40",
                    "9999-12-31",
                    "十十",
                    "下下下",
                    "电话",
                    "点半",
                    "，",
                    "in 999 days",
                    "next friday",
                    " 31",
                ]
            ),
            max_size=12,
        ).map("".join),
    ),
    st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 1, 1)),
)
def test_no_line_breaks_it(line: str, today: date) -> None:
    found = guess(line, today)
    assert isinstance(found, Guess)
    assert found.method in ("", *METHODS)
    assert found.next_on is None or found.next_on >= today
    assert found.happened_on is None or found.happened_on < today


def test_every_method_has_words_but_the_last() -> None:
    assert set(METHOD_WORDS) == set(METHODS) - {"other"}
