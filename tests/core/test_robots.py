"""Robots of group chats: whose addresses are taken, how they are spoken to, and that what they refuse is not lost."""

import base64
import hashlib
import hmac
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from crm_core import config
from crm_core.db import reading, transaction
from crm_core.errors import NotFound, ValidationFailed
from crm_core.models import OutboxMessage, Robot
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import outbox, robot_lines, robots
from tests import factories
from tests.core.test_outbox import messages, send_all
from tests.group_chat import GroupChat, group_chat

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
SECRET = "SEC000000000000000000000"
ADDRESSES = {
    "wecom": f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}",
    "dingtalk": f"https://oapi.dingtalk.com/robot/send?access_token={KEY}",
    "feishu": f"https://open.feishu.cn/open-apis/bot/v2/hook/{KEY}",
}
SetClock = Callable[[datetime], None]


@pytest.fixture
def chat(any_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[GroupChat]:
    with group_chat() as found:
        monkeypatch.setenv("CRM_ROBOTS_URL", found.url)
        config.settings.cache_clear()
        yield found


def add(actor: Actor, kind: str = "wecom", *, name: str = "华东销售群", secret: str = "") -> int:
    with transaction(actor) as session:
        return robots.add_robot(session, actor, name=name, address=ADDRESSES[kind], secret=secret)


def say(actor: Actor, robot_id: int, body: str = "客脉\n你好", **given: Any) -> None:
    with transaction(actor) as session:
        outbox.enqueue_robot(session, robot_id, subject="x", body=body, user_id=actor.id, **given)


def errors_of(actor: Actor, **given: str) -> dict[str, list[str]]:
    with pytest.raises(ValidationFailed) as refusal, transaction(actor) as session:
        robots.add_robot(session, actor, **({"name": "x", "address": ADDRESSES["wecom"]} | given))
    return refusal.value.errors


class TestAdding:
    @pytest.mark.parametrize("kind", ADDRESSES)
    def test_the_address_says_which_program_it_is_and_its_key_is_kept_encrypted(self, database: str, sales: Actor, kind: str) -> None:
        robot_id = add(sales, kind)
        with reading(sales) as session:
            (row,) = robots.list_robots(session, sales)
            robot = session.get_one(Robot, robot_id)
            stored = session.execute(text("SELECT address FROM robot")).scalar_one()
        assert (robot.kind, robot.address, row.name, row.is_active) == (kind, KEY, "华东销售群", True)
        assert KEY not in stored
        assert KEY not in str(row)
        assert all(KEY not in str(vars(line)) for line in factories.log_of("robot", robot_id))

    @pytest.mark.parametrize(
        "address",
        [
            "",
            "群机器人",
            "http://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + KEY,
            "https://qyapi.weixin.qq.com.evil.example/cgi-bin/webhook/send?key=" + KEY,
            "https://127.0.0.1/cgi-bin/webhook/send?key=" + KEY,
            "https://qyapi.weixin.qq.com@127.0.0.1/cgi-bin/webhook/send?key=" + KEY,
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=",
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=a/../../b-and-more",
            "https://open.feishu.cn/open-apis/bot/v2/hook/../../etc/passwd",
            "https://open.feishu.cn/open-apis/bot/v2/hook/" + "a" * 300,
        ],
    )
    def test_an_address_of_anything_else_is_refused(self, sqlite_database: str, sales: Actor, address: str) -> None:
        assert set(errors_of(sales, address=address)) == {"address"}

    def test_everything_wrong_is_said_at_once(self, sqlite_database: str, sales: Actor) -> None:
        assert set(errors_of(sales, name=" ", address="x", secret="no secret!")) == {"name", "address", "secret"}
        assert set(errors_of(sales, secret=SECRET)) == {"secret"}  # WeCom signs nothing

    def test_five_are_enough(self, sqlite_database: str, sales: Actor) -> None:
        for _number in range(robots.MOST):
            add(sales)
        assert set(errors_of(sales)) == {"name"}

    def test_nobody_touches_somebody_elses(self, database: str, sales: Actor, colleague: Actor) -> None:
        robot_id = add(sales)
        for act in (robots.send_test, robots.remove_robot, lambda *given: robots.switch_robot(*given, is_active=False)):
            with pytest.raises(NotFound), transaction(colleague) as session:
                act(session, colleague, robot_id)
        with reading(colleague) as session:
            assert robots.list_robots(session, colleague) == []


class TestSpeaking:
    @pytest.mark.parametrize("kind", ADDRESSES)
    def test_a_test_message_arrives_as_the_program_wants_it(
        self, database: str, chat: GroupChat, sales: Actor, caplog: pytest.LogCaptureFixture, kind: str
    ) -> None:
        caplog.set_level(logging.INFO)
        robot_id = add(sales, kind)
        with transaction(sales) as session:
            robots.send_test(session, sales, robot_id)
        send_all()
        send_all()
        (said,), (row,) = chat.said, messages()
        assert "客脉" in said.text
        assert sales.name in said.text
        assert row.sent_at
        path = ADDRESSES[kind].partition("?")[0].removeprefix("https://").partition("/")[2]
        assert said.path == f"/{path}"
        assert said.query == ({} if kind == "feishu" else {"wecom": {"key": KEY}, "dingtalk": {"access_token": KEY}}[kind])
        assert KEY not in caplog.text
        assert (said.body.get("msgtype") or said.body.get("msg_type")) == "text"

    def test_dingtalk_and_feishu_get_their_signatures(
        self, sqlite_database: str, chat: GroupChat, sales: Actor, set_clock: SetClock
    ) -> None:
        set_clock(START)
        for kind in ("dingtalk", "feishu"):
            say(sales, add(sales, kind, secret=SECRET))
        send_all()
        ding, feishu = chat.said
        stamp = str(round(START.timestamp() * 1000))
        signed = hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256).digest()
        assert (ding.query["timestamp"], base64.b64decode(ding.query["sign"])) == (stamp, signed)
        stamp = str(round(START.timestamp()))
        signed = hmac.new(f"{stamp}\n{SECRET}".encode(), b"", hashlib.sha256).digest()
        assert (feishu.body["timestamp"], base64.b64decode(feishu.body["sign"])) == (stamp, signed)

    def test_a_text_too_long_for_the_program_is_cut_between_characters(self, sqlite_database: str, chat: GroupChat, sales: Actor) -> None:
        say(sales, add(sales), body="客" * 3000)
        send_all()
        assert len(chat.texts[0].encode()) <= 2048
        assert set(chat.texts[0]) == {"客", "…"}

    @pytest.mark.parametrize(
        ("status", "answer", "reason"),
        [
            (200, {"errcode": 93000, "errmsg": "invalid webhook url"}, "93000: invalid webhook url"),
            (200, {"errcode": 45009, "errmsg": "api freq out of limit"}, "45009"),
            (200, {}, "200"),
            (200, [], "200"),
            (200, b"<html>sign in to this network</html>", "200"),
            (302, {"errcode": 0}, "302"),
            (500, {"errcode": 0}, "500"),
            (404, b"", "404"),
        ],
    )
    def test_what_is_refused_is_tried_again_though_the_answer_says_200(
        self, database: str, chat: GroupChat, sales: Actor, set_clock: SetClock, status: int, answer: Any, reason: str
    ) -> None:
        set_clock(START)
        say(sales, add(sales))
        good, chat.status, chat.answer = chat.answer, status, answer
        send_all()
        (row,) = messages()
        assert (row.sent_at, row.attempts, row.next_attempt_at) == (None, 1, START + timedelta(minutes=1))
        assert reason in (row.last_error or "")
        assert KEY not in (row.last_error or "")
        chat.status, chat.answer = 200, good
        set_clock(START + timedelta(minutes=1))
        send_all()
        assert (len(chat.said), bool(messages()[0].sent_at)) == (1, True)

    def test_one_that_hangs_costs_its_time_and_holds_up_no_other(
        self, database: str, chat: GroupChat, sales: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(robot_lines, "PATIENCE", 0.3)
        robot_id = add(sales)
        say(sales, robot_id, "first")
        chat.waits = 1
        assert outbox.send_next()
        chat.waits = 0
        say(sales, robot_id, "second")
        send_all()
        assert chat.texts[-1] == "second"
        first, second = messages()
        assert (first.sent_at, bool(second.sent_at)) == (None, True)
        assert first.next_attempt_at

    def test_nobody_there_is_noted_and_tried_again(self, sqlite_database: str, sales: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CRM_ROBOTS_URL", "http://127.0.0.1:1")
        config.settings.cache_clear()
        say(sales, add(sales))
        send_all()
        (row,) = messages()
        assert row.last_error
        assert row.next_attempt_at

    def test_without_a_mail_server_robots_speak_all_the_same(self, database: str, chat: GroupChat, sales: Actor) -> None:
        with transaction() as session:
            outbox.enqueue_mail(session, recipient="li@example.com", subject="x", body="x")
        say(sales, add(sales))
        send_all()
        mail, robot = messages()
        assert (mail.attempts, mail.sent_at, bool(robot.sent_at)) == (0, None, True)

    def test_switched_off_it_says_nothing_and_removed_its_messages_are_gone(self, database: str, chat: GroupChat, sales: Actor) -> None:
        robot_id = add(sales)
        say(sales, robot_id)
        with transaction(sales) as session:
            robots.switch_robot(session, sales, robot_id, is_active=False)
        send_all()
        assert chat.said == []
        assert messages()[0].next_attempt_at
        with transaction(sales) as session:
            robots.remove_robot(session, sales, robot_id)
        with reading(SYSTEM) as session:
            assert session.execute(select(OutboxMessage.id)).all() == []
        assert {line.action for line in factories.log_of("robot", robot_id)} == {"created", "changed", "deleted"}

    def test_an_administrator_sees_whose_robot_it_is(self, database: str, sales: Actor, administrator: Actor) -> None:
        say(sales, add(sales))
        with reading(administrator) as session:
            (waiting,) = outbox.get_queue(session, administrator).waiting
        assert "华东销售群" in waiting.recipient
        assert sales.name in waiting.recipient
