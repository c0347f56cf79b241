"""The administrator's dialogs for teams: adding, changing and deleting one."""

import streamlit as st

from crm_core.i18n import _
from crm_core.services import teams
from crm_core.services.teams import TeamNode
from ui import feedback, forms, guard


def edit(team: TeamNode | None, names: dict[int, str], people: dict[int, str]) -> None:
    """Name, place and head of a team; `None` for a new one."""
    number = team.id if team else "new"
    name = st.text_input(forms.required(_("Name")), value=team.name if team else "", key=f"team_name_{number}")
    parent = _choose(_("Belongs to"), names, team.parent_id if team else None, key=f"team_parent_{number}")
    head = _choose(_("Head of the team"), people, team.head_id if team else None, key=f"team_head_{number}")
    st.caption(_("With a role that sees the own team, its head sees the customers of this team and of all below it."))
    with st.container(horizontal=True):
        if forms.decide(_("Save")):
            with feedback.attempt() as outcome, guard.acting() as session:
                if team:
                    seen = {"name": team.name, "parent_id": team.parent_id, "head_id": team.head_id}
                    teams.update_team(session, guard.actor(), team.id, name=name, parent_id=parent, head_id=head, seen=seen)
                else:
                    teams.create_team(session, guard.actor(), name=name, parent_id=parent, head_id=head)
            if outcome.succeeded:
                st.rerun()
        if team and st.button(_("Delete team"), icon=":material/delete:", type="tertiary"):
            with feedback.attempt() as outcome, guard.acting() as session:
                teams.delete_team(session, guard.actor(), team.id)
            if outcome.succeeded:
                feedback.later(_("{name} was deleted.").format(name=team.name))
                st.rerun()


def _choose(label: str, names: dict[int, str], present: int | None, *, key: str) -> int | None:
    chosen: int | None = st.selectbox(
        label,
        list(names),
        index=None,
        format_func=lambda number: names[number],
        placeholder=_("None"),
        key=forms.begin_with(key, present if present in names else None),
    )
    return chosen
