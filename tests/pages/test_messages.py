"""Being told: ways, quiet hours, digests and robots in the personal settings; jobs and outgoing messages of the administrator."""

from datetime import time, timedelta

import pytest
from sqlalchemy import select, update

from crm_core import clock, config, db
from crm_core.models import Job, OutboxMessage, ReminderSetting, Robot, Team, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import jobs, leases, outbox, robots
from tests import factories
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import routes

KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
ADDRESS = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"


def texts(visit: Visit) -> str:
    return "\n".join(texts_of(visit))


def opened(actor: Actor) -> Visit:
    return Visit(actor).go(routes.SETTINGS).open_tab("settings_tab", "Messages")


def robot_of(actor: Actor, name: str = "华东销售群") -> int:
    with db.transaction(actor) as session:
        return robots.add_robot(session, actor, name=name, address=ADDRESS)


class TestSettings:
    def test_ways_quiet_hours_and_digest_are_kept(self, sales: Actor) -> None:
        visit = opened(sales)
        visit.fill(messages_ways_due=["robot"], messages_ways_overdue=[], messages_ways_mentions=["mail", "robot"])
        visit.fill(messages_quiet_from=time(22), messages_quiet_until=time(7, 30), messages_digest_at=time(8, 15)).press("Save")
        assert visit.toasts == [zh("Your settings are saved.")]
        with db.reading(SYSTEM) as session:
            chosen = session.get_one(User, sales.id).channels
            kept = session.get_one(ReminderSetting, sales.id)
        assert (chosen["due"], chosen["overdue"], chosen["mentions"], chosen["sign_in"]) == (["robot"], [], ["mail", "robot"], ["mail"])
        assert (kept.quiet_from, kept.quiet_until, kept.digest_at) == ("22:00", "07:30", "08:15")
        assert opened(sales).widget("messages_quiet_from").value == time(22)

    def test_quiet_hours_without_an_end_are_explained_at_their_field(self, sales: Actor) -> None:
        visit = opened(sales).fill(messages_quiet_from=time(22)).press("Save")
        assert zh("Quiet hours have a beginning and an end. Enter both, or neither.") in texts(visit)
        with db.reading(SYSTEM) as session:
            assert session.get(ReminderSetting, sales.id) is None

    def test_the_digest_of_the_week_is_offered_to_heads(self, sales: Actor, manager: Actor, teams: dict[str, int]) -> None:
        with db.transaction(SYSTEM) as session:
            session.get_one(Team, teams["east"]).head_id = manager.id
        assert [opened(actor).has("messages_ways_weekly") for actor in (sales, manager)] == [False, True]

    def test_only_what_can_reach_a_role_is_offered(self, sales: Actor) -> None:
        clerk, viewer = (factories.make_user(role=role, username=role, name=role) for role in ("service", "viewer"))
        kinds = ("due", "reviews", "complaints", "tickets", "pool", "sign_in")
        seen = {actor.name: opened(actor) for actor in (sales, clerk, viewer)}
        offered = {name: [kind for kind in kinds if visit.has(f"messages_ways_{kind}")] for name, visit in seen.items()}
        assert offered == {
            sales.name: ["due", "complaints", "tickets", "pool", "sign_in"],
            clerk.name: ["due", "tickets", "sign_in"],
            viewer.name: ["due", "sign_in"],
        }

    def test_who_has_no_mailbox_is_told_so(self, sales: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        assert zh("No mail server is set up yet: mails wait up to three days for it.") in texts(opened(sales))
        monkeypatch.setenv("CRM_SMTP_HOST", "mail.example.com")
        config.settings.cache_clear()
        assert zh("You have no mailbox yet. Enter it under Profile, so that mails reach you.") in texts(opened(sales))


class TestRobots:
    def test_one_is_added_tried_switched_off_and_removed_and_its_address_never_shown(self, sales: Actor) -> None:
        visit = opened(sales).press("Add robot")
        visit.fill(robot_name="华东销售群", robot_address=ADDRESS).press("Add")
        assert visit.toasts == [zh("The robot was added. Send it a test message.")]
        visit = opened(sales)
        assert "华东销售群" in texts(visit)
        assert all(KEY not in str(message) for message in visit.messages)
        visit.press("Test")
        with db.reading(SYSTEM) as session:
            assert session.execute(select(OutboxMessage.channel, OutboxMessage.kind)).one() == ("robot", None)
        visit.press("Switch robot off")
        assert zh("switched off") in texts(visit)
        assert not visit.has("Test")
        visit.press("Switch robot on").press("Remove").press("Remove")
        with db.reading(SYSTEM) as session:
            assert session.execute(select(Robot.id)).all() == []
            assert session.execute(select(OutboxMessage.id)).all() == []

    def test_what_is_wrong_stands_in_the_dialog(self, sales: Actor) -> None:
        visit = opened(sales).press("Add robot").fill(robot_address="https://example.com/").press("Add")
        assert zh("Give the robot a name, such as that of its group.") in texts(visit)
        sentence = "This is not the address of a group robot of WeCom, DingTalk or Feishu. Copy the whole webhook address."
        assert zh(sentence) in texts(visit)

    def test_with_five_there_is_none_to_add(self, sales: Actor) -> None:
        for _number in range(robots.MOST):
            robot_of(sales)
        assert not opened(sales).has("Add robot")


class TestJobs:
    def test_an_administrator_sees_how_they_went_and_runs_one(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.JOBS)
        assert zh("No process has worked yet. Start the server or a worker, see the operations guide.") in texts(visit)
        leases.hold(leases.WORK, "server1:4711:a1b2c3")
        jobs.run_due()
        with db.transaction(SYSTEM) as session:
            failed = update(Job).where(Job.name == "pool")
            session.execute(failed.values(error="OperationalError: <b>disk</b> full", failures=3, due_at=clock.now() + timedelta(days=1)))
        visit.rerun()
        assert "server1:4711" in texts(visit)
        assert "<b>disk</b> full" in texts(visit)
        visit.press("run_pool")
        assert visit.toasts
        with db.reading(SYSTEM) as session:
            assert session.get_one(Job, "pool").due_at <= clock.now()

    def test_that_nobody_works_any_more_is_said_in_red(self, administrator: Actor) -> None:
        leases.hold(leases.WORK, "server1:4711:a1b2c3")
        leases.let_go(leases.WORK, "server1:4711:a1b2c3")
        visit = Visit(administrator).go(routes.JOBS)
        assert any("server1:4711" in sentence for sentence in visit.refusals)


def test_messages_for_robots_stand_in_the_queue_and_are_sent_again(administrator: Actor, sales: Actor) -> None:
    robot_id = robot_of(sales, name="**华东**群")
    with db.transaction(SYSTEM) as session:
        outbox.enqueue_robot(session, robot_id, subject="提醒", body="x", user_id=sales.id)
        session.execute(update(OutboxMessage).values(next_attempt_at=None, last_error="93000: invalid webhook url"))
    visit = Visit(administrator).go(routes.MAILS)
    assert "**华东**群" in texts(visit)
    assert "93000: invalid webhook url" in texts(visit)
    visit.press("Send now")
    with db.reading(SYSTEM) as session:
        assert session.execute(select(OutboxMessage.next_attempt_at)).scalar_one()
