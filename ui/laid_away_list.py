"""Lists of customers outside the library: a search, a card for each, pages; what stands in the address can be reopened."""

from collections.abc import Callable

import streamlit as st

from crm_core import clock
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.i18n import N_, _, format_age, plural
from crm_core.permissions import Actor, Permission
from crm_core.services.laid_away import LaidAway, LaidAwayPage
from ui import address, badges, customer_filters, feedback, guard, holding, list_footer
from ui.feedback import escape
from ui.parameters import Number, Parameter

PARAMETERS = {"q": Parameter(), "page": Number(1)}


def read(page: str, service: Callable[..., LaidAwayPage]) -> tuple[LaidAwayPage, str]:
    """Draw the search field; what is found, and the phrase."""
    address.restore(page, PARAMETERS)
    with st.container(key="list_filters"):
        st.text_input(
            _("Search customers"),
            key="q",
            label_visibility="collapsed",
            icon=":material/search:",
            live="150ms",
            width=300,
            placeholder=_("Name, contact, phone, pinyin"),
            on_change=customer_filters.first_page,
        )
    phrase = (st.session_state.get("q") or "").strip()
    with guard.reading() as session:
        found = service(session, guard.actor(), phrase=phrase, page=int(st.session_state.get("page") or 1))
    return found, phrase


def draw(found: LaidAwayPage, draw_actions: Callable[[LaidAway], None], when: str) -> None:
    """The cards and the pages; `when` is the sentence for age, person and reason."""
    for row in found.rows:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"laid_away_{row.id}"):
            with st.container(gap="xsmall", width="stretch"):
                with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                    st.markdown(f"**{escape(row.name)}**", width="content")
                    badges.stage_badge(row.stage)
                    badges.hold_badge(is_on_hold=row.is_on_hold)
                st.caption(escape(_facts(row, when)))
            with st.container(horizontal=True, width="content", vertical_alignment="center", gap="small"):
                draw_actions(row)
    count = plural(found.total, N_("{total} customer"), N_("{total} customers")).format(total=f"{found.total:,}")
    list_footer.draw(count, found.pages, found.page)


def _facts(row: LaidAway, when: str) -> str:
    age = format_age(row.since.astimezone(settings().timezone).date(), clock.today())
    facts = [row.code, when.format(age=age, person=row.by or "—")]
    facts += [_("Reason: {reason}").format(reason=row.reason)] if row.reason else []
    facts += [_("Owner: {name}").format(name=row.owner)] if row.owner else []
    return " · ".join(facts)


def keep(page: str) -> None:
    """Write search and page into the address."""
    address.keep(page, PARAMETERS)


def nothing(phrase: str, icon: str, title: str, hint: str) -> None:
    """An empty list, or a search without a hit."""
    with st.container(border=True, horizontal_alignment="center"):
        if phrase:
            feedback.empty_state("search_off", _("No customer matches"), _("Try fewer words or filters."))
        else:
            feedback.empty_state(icon, title, hint)


def restore_button(row: LaidAway, permission: Permission, restore: Callable[[CrmSession, Actor, int], object]) -> None:
    """Bring one back into the customer list."""
    if guard.actor().can(permission) and st.button(_("Restore"), key=f"restore_{row.id}", icon=":material/undo:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            restore(session, guard.actor(), row.id)
        if outcome.succeeded:
            feedback.later(_("{name} is back.").format(name=row.name))
            st.rerun(scope="app")


def hold_button(row: LaidAway) -> None:
    """Legal hold on or off, for those who may."""
    if not guard.actor().can(Permission.RULE_EDIT):
        return
    label = _("End legal hold") if row.is_on_hold else _("Legal hold")
    if st.button(label, key=f"hold_{row.id}", icon=":material/gavel:", type="tertiary"):
        guard.dialog(label, holding.decide, row)
