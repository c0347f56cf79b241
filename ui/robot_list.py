"""Personal settings: the robots of group chats, each with its actions, and the dialog that adds one."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from crm_core.i18n import _, format_date
from crm_core.services import robots
from crm_core.services.robots import MOST, RobotRow
from ui import feedback, forms, guard


def draw() -> None:
    """One row a robot."""
    with guard.reading() as session:
        found = robots.list_robots(session, guard.actor())
    st.subheader(_("Group chat robots"), anchor=False)
    st.caption(_("A robot writes your messages into a group of WeCom, DingTalk or Feishu. Customers' names and phones are masked in them."))
    for robot in found:
        _row(robot)
    if len(found) < MOST and st.button(_("Add robot"), key="robot_add", icon=":material/add:"):
        guard.dialog(_("Add robot"), _add)


def _row(robot: RobotRow) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.markdown(f":material/smart_toy: **{feedback.escape(robot.name)}**")
            st.caption(_("{program}, added {day}").format(program=robot.program, day=format_date(robot.created_at.date())))
        if not robot.is_active:
            st.badge(_("switched off"), color="gray")
        if robot.is_active and st.button(_("Test"), key=f"robot_test_{robot.id}", icon=":material/send:", type="tertiary"):
            _act(_("The test message is sent within seconds. If nothing comes, the administrator sees why."), robots.send_test, robot.id)
        label, icon = (_("Switch robot off"), "notifications_off") if robot.is_active else (_("Switch robot on"), "notifications_active")
        if st.button(label, key=f"robot_switch_{robot.id}", icon=f":material/{icon}:", type="tertiary"):
            _act(_("Your settings are saved."), robots.switch_robot, robot.id, is_active=not robot.is_active)
        if st.button(_("Remove"), key=f"robot_remove_{robot.id}", icon=":material/delete:", type="tertiary"):
            guard.dialog(_("Remove robot"), _remove, robot)


def _act(message: str, function: Callable[..., None], *arguments: Any, **named: Any) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        function(session, guard.actor(), *arguments, **named)
    if outcome.succeeded:
        feedback.later(message)
        st.rerun()


def _remove(robot: RobotRow) -> None:
    st.markdown(_("No message goes to “{name}” any more; those that wait for it are dropped.").format(name=feedback.escape(robot.name)))
    if forms.decide(_("Remove"), icon=":material/delete:"):
        _act(_("The robot was removed."), robots.remove_robot, robot.id)


def _add() -> None:
    errors = st.session_state.pop("robot_errors", {})
    shown_once = _("The chat program shows it when you add a robot to a group. It is not shown again here.")
    fields = (
        ("name", _("Name"), "", "default"),
        ("address", _("Webhook address"), shown_once, "password"),
        ("secret", _("Secret"), _("Only where the robot signs its messages (DingTalk, Feishu)."), "password"),
    )
    entered = {}
    for name, label, help_text, kind in fields:
        with st.container(key=forms.css_key("robot", name), gap="xxsmall"):
            entered[name] = st.text_input(label, key=guard.key(f"robot_{name}"), help=help_text or None, type=kind, autocomplete="off")
            forms.tell(errors.get(name, ()))
    st.caption(_("Where the robot asks for a keyword, give it “{word}”: every message has it.").format(word=_("Kemai")))
    if forms.decide(_("Add"), icon=":material/add:"):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            robots.add_robot(session, guard.actor(), **entered)
        if outcome.succeeded:
            feedback.later(_("The robot was added. Send it a test message."))
            st.rerun()
        st.session_state["robot_errors"] = outcome.errors
        guard.again()
