"""跟进监督: first follow-ups that are overdue, customers without a next step, and those without contact for long [000]."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import oversight, tasks
from ui import feedback, guard, header, oversight_list

BY_PERSON = "by_person"

actor = guard.page(Permission.CUSTOMER_EDIT, Permission.DASHBOARD_READ)
header.title(_("Follow-up oversight"))


def counted(code: str, count: int) -> str:
    """A list with its number, which is counted up to a limit only."""
    number = f"{oversight.COUNT_LIMIT}+" if count > oversight.COUNT_LIMIT else str(count)
    return " ".join((_(oversight.WATCHES[code].label), number))


def open_asked() -> None:
    """Show the list that the address asks for, where the workbench leads; once, so that another one can be chosen."""
    asked = st.query_params.pop("list", "")
    if asked in oversight.WATCHES:
        st.session_state["oversight_view"] = asked


@guard.fragment
def draw() -> None:
    """One of the lists for everybody or one person, or the figures by person for those who see the work of others."""
    with st.container(horizontal=True, vertical_alignment="center"):
        place = st.container(width="content")
        is_by_person = st.session_state.get("oversight_view") == BY_PERSON
        owner = choose_person() if oversight.oversees(guard.actor()) and not is_by_person else None
    with place:
        view = choose_view(owner)
    if view == BY_PERSON:
        draw_figures()
    else:
        draw_watched(view, owner)


def choose_view(owner: int | None) -> str:
    """Which list; each says how many customers stand in it."""
    with guard.reading() as session:
        counts = {code: oversight.count_watched(session, guard.actor(), code, owner_id=owner) for code in oversight.WATCHES}
    views = {code: counted(code, count) for code, count in counts.items()}
    if oversight.oversees(guard.actor()):
        views[BY_PERSON] = _("By person")
    st.session_state.setdefault("oversight_view", next(iter(views)))
    return st.segmented_control(
        _("View"),
        list(views),
        format_func=lambda code: views[code],
        required=True,
        key="oversight_view",
        label_visibility="collapsed",
    )


def choose_person() -> int | None:
    """Whose customers are listed; nobody in particular for all."""
    with guard.reading() as session:
        people = tasks.colleagues(session, guard.actor())
    chosen: int | None = st.selectbox(
        _("Owner"),
        list(people),
        index=None,
        format_func=lambda number: people[number],
        placeholder=_("Everybody"),
        key="oversight_owner",
        label_visibility="collapsed",
        width=200,
    )
    return chosen


def draw_watched(watch: str, owner: int | None) -> None:
    """A page of one list."""
    key = f"oversight_page_{watch}_{owner}"
    with guard.reading() as session:
        page = oversight.list_watched(session, guard.actor(), watch, owner_id=owner, page=int(st.session_state.get(key) or 1))
    oversight_list.draw(watch, page, key=key)


def draw_figures() -> None:
    """The tables by person."""
    with feedback.attempt() as outcome, guard.reading() as session:
        tallies = oversight.count_by_owner(session, guard.actor())
    if outcome.succeeded:
        oversight_list.draw_tallies(tallies)
        oversight_list.draw_rates()


open_asked()
draw()
