"""The filter row of the customer list; every choice stands in the address, so a list can be reopened and sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import streamlit as st

from crm_core import clock
from crm_core.fields import Field, Widget
from crm_core.i18n import N_, _
from crm_core.models import ACTIVITIES, SCORES, STAGES
from crm_core.reference import children_of, regions
from crm_core.services.customer_list import POOL, SORTS, CustomerQuery
from crm_core.services.library import Library
from crm_core.services.list_columns import Column, choose_columns
from crm_core.services.saved_views import View
from ui import address, feedback, narrowing, pill_bar
from ui.forms import choices_of, enter_day, label_of
from ui.parameters import AnyOf, Between, Day, Id, Number, OneOf, Parameter, Quantity, Switch

PAGE = "customers"
MORE_WIDTH = 620
SORT_LABELS = {
    "newest": N_("Newest first"),
    "oldest": N_("Oldest first"),
    "updated": N_("Last changed"),
    "name": N_("By name"),
    "amount": N_("By cooperation amount"),
    "complaints": N_("By complaints"),
}
CHOSEN = ("kind", "segment", "tier", "industry", "source", "province", "city", "sales_stage")
"""Fields; the status, which is none, and custom fields come after them."""
MORE = ("owner", "tag", "since", "until", "complaints", "satisfaction", "served", "incomplete", "unplanned", "recycled")
LEAST, MOST = float(min(SCORES)), float(max(SCORES))
"""What an average score can be."""
LOW, HIGH = ".from", ".to"
"""What follows the name of a field where its least and greatest value are chosen."""


NOT_IN_VIEWS = ("page", "view", "changed")


@dataclass(frozen=True)
class Views:
    """The saved views that the user can open, the one that opens first, and the columns to choose from."""

    known: dict[int, View]
    offered: dict[str, Column]
    first: int | None = None
    own_columns: tuple[str, ...] = ()


class Filters:
    """What can be chosen now, and the query it makes."""

    def __init__(
        self, library: Library, owners: dict[int, str], tags: dict[int, str], views: "Views", *, notice_days: int, has_service: bool
    ) -> None:
        self.library, self.tags, self.views, self.notice_days = library, tags, views, notice_days
        self.has_service = has_service
        self.owners = owners = owners | {POOL: _("Pool")}
        own = [field for field in library.custom.values() if field.filterable]
        declared = [name for name in CHOSEN if name in library.fields]
        self.chosen = [*declared, "activity", *(field.name for field in own if not field.is_range)]
        self.ranges = [field for field in own if field.is_range]
        self._kept: dict[str, Any] = {}
        self.parameters: dict[str, Parameter] = {
            "q": Parameter(),
            "stage": AnyOf(codes=lambda: STAGES),
            **{name: AnyOf(codes=partial(_choices, name, library)) for name in self.chosen},
            **{field.name + end: _limit(field) for field in self.ranges for end in (LOW, HIGH)},
            "owner": AnyOf(codes=lambda: owners),
            "tag": AnyOf(codes=lambda: tags),
            "since": Day(),
            "until": Day(),
            **({"complaints": Number(None), "satisfaction": Between(least=LEAST, most=MOST), "served": Day()} if self.has_service else {}),
            "incomplete": Switch(),
            "unplanned": Switch(),
            "recycled": Switch(),
            "of": Parameter(),
            "sort": OneOf("newest", codes=SORTS),
            "cols": AnyOf(codes=lambda: views.offered),
            "page": Number(1),
            "view": Id(),
            "changed": Switch(),
        }

    def draw(self, draw_tools: Callable[[], None]) -> CustomerQuery:
        """Draw the row, the tools of the list at its end, and return the query it describes."""
        if address.restore(PAGE, self.parameters):
            self._open_asked_view()
        with st.container(horizontal=True, vertical_alignment="center", key="list_filters"):
            self._draw_search()
            present = self._draw_popover()
            self._draw_order()
            draw_tools()
        narrowing.draw(("of",), self.library, {})
        self._kept = present
        return self._query(present)

    def _draw_search(self) -> None:
        """What is asked most: words, and the type."""
        with st.container(key="list_search", width=224):
            st.text_input(
                _("Search customers"),
                key="q",
                label_visibility="collapsed",
                icon=":material/search:",
                live="150ms",
                placeholder=_("Name, contact, phone, pinyin"),
                on_change=first_page,
            )
        pill_bar.choose("stage", {code: _(label) for code, label in STAGES.items()}, label=_("Customer type"), on_change=first_page)

    def _draw_popover(self) -> dict[str, Any]:
        """All other filters, drawn while they are open; returns what is chosen."""
        present = self._present()
        active = sum(1 for name in self._more() if present.get(name) not in (None, "", [], False))
        label = _("Filters") + (f" ({active})" if active else "")
        more = st.popover(label, icon=":material/filter_list:", width=120, key="list_more", on_change="rerun")
        if not more.open:
            return present
        with more, st.container(width=MORE_WIDTH):
            self._draw_more()
        return self._present()  # what does not fit to another choice was taken back

    def _draw_order(self) -> None:
        st.selectbox(
            _("Order"),
            [code for code in SORT_LABELS if code != "complaints" or self.has_service],
            format_func=lambda code: _(SORT_LABELS[code]),
            key="sort",
            label_visibility="collapsed",
            width=140,
            on_change=first_page,
        )

    def _present(self) -> dict[str, Any]:
        # Once for all who ask: each look into the session takes Streamlit longer than what is done with the value.
        return {name: st.session_state.get(name) for name in self.parameters}

    def _more(self) -> list[str]:
        return [*self.chosen, *(field.name + end for field in self.ranges for end in (LOW, HIGH)), *MORE]

    def _draw_more(self) -> None:
        columns = st.columns(3)
        titles = {name: label_of(self.library.fields[name]) for name in self.chosen if name in self.library.fields}
        titles |= {"activity": _("Customer status"), "owner": _("Owner"), "tag": _("Tags")}
        for number, (name, choices) in enumerate(
            {**{name: _choices(name, self.library) for name in self.chosen}, "owner": self.owners, "tag": self.tags}.items()
        ):
            if name == "city":
                choices = _cities(st.session_state.get("province") or [])
                chosen = st.session_state.get("city") or []
                if st.session_state.get("province"):
                    st.session_state["city"] = [code for code in chosen if code in choices]
                else:
                    choices = {code: regions()[code].label for code in chosen}
            columns[number % 3].multiselect(
                titles[name],
                list(choices),
                format_func=lambda code, labels=choices: labels.get(code, str(code)),
                key=name,
                placeholder=_("Any"),
                on_change=first_page,
                disabled=not choices,
                persist_state="page",
            )
        for column, name, label in zip(st.columns(2), ("since", "until"), (_("Created from"), _("Created until")), strict=True):
            with column:
                enter_day(label, name, latest=clock.today(), on_change=first_page, persist_state="page")
        if self.has_service:
            self._draw_service()
        for field in self.ranges:
            self._draw_range(field)
        left, right = st.columns(2, vertical_alignment="center")
        right.toggle(_("Only what soon goes back to the pool"), key="recycled", on_change=first_page, persist_state="page")
        left.toggle(_("Only incomplete customers"), key="incomplete", on_change=first_page, persist_state="page")
        left.toggle(_("Only customers without a next step"), key="unplanned", on_change=first_page, persist_state="page")
        right.button(_("Clear all filters"), icon=":material/filter_list_off:", type="tertiary", on_click=self.clear)

    def _draw_service(self) -> None:
        """What the tickets of a customer come to."""
        left, middle, right = st.columns(3)
        how: dict[str, Any] = {"on_change": first_page, "persist_state": "page"}
        left.number_input(_("Complaints, at least"), min_value=1, step=1, placeholder=_("Any"), key="complaints", value=None, **how)
        label = _("Satisfaction, at most")
        middle.number_input(
            label, min_value=LEAST, max_value=MOST, step=0.5, format="%.1f", placeholder=_("Any"), key="satisfaction", value=None, **how
        )
        with right:
            enter_day(_("Latest service from"), "served", **how)

    def _draw_range(self, field: Field) -> None:
        titles = (_("{field} from"), _("{field} up to"))
        for column, end, title in zip(st.columns(2), (LOW, HIGH), titles, strict=True):
            how: dict[str, Any] = {"key": field.name + end, "on_change": first_page, "persist_state": "page"}
            label = title.format(field=label_of(field))
            with column:
                if field.widget is Widget.DATE:
                    enter_day(label, **how)
                else:
                    st.number_input(label, value=None, step=None, placeholder=_("Any"), **how)

    def clear(self) -> None:
        """Take all filters away, and leave the view."""
        for name, parameter in self.parameters.items():
            st.session_state[name] = parameter.read([])

    def open_view(self, view: View) -> None:
        """Show what a view holds; what is not there any more, such as a tag that was deleted, is left out."""
        self.clear()
        st.session_state["view"] = view.id
        for name, values in self._held_by(view).items():
            st.session_state[name] = self.parameters[name].read(values)

    def _open_asked_view(self) -> None:
        """After an address was read: open the view it names, or the user's own first one where it names nothing at all."""
        asked, is_plain = st.session_state["view"], all(not values for values in self.state().values())
        if asked is None and is_plain and st.session_state["page"] == 1:
            asked = self.views.first
        view = self.views.known.get(asked)
        if asked is not None and view is None and asked == st.session_state["view"]:
            feedback.later(_("This view was deleted or is not shared with you. All customers are shown."))
            st.session_state["view"] = None
        if view is not None and not st.session_state["changed"]:
            page = st.session_state["page"]
            self.open_view(view)
            st.session_state["page"] = page

    def state(self) -> dict[str, list[str]]:
        """What a view would hold now, by parameter of the address."""
        kept = {name: one for name, one in self.parameters.items() if name not in NOT_IN_VIEWS}
        return {name: parameter.write(st.session_state.get(name)) for name, parameter in kept.items()}

    def _held_by(self, view: View) -> dict[str, list[str]]:
        held = {**view.query, "cols": list(view.columns)}
        known = {name: self.parameters[name] for name in self.state()}
        return {name: parameter.write(parameter.read(held.get(name, []))) for name, parameter in known.items()}

    @property
    def view(self) -> View | None:
        """The view that is open."""
        return self.views.known.get(st.session_state.get("view"))

    @property
    def is_changed(self) -> bool:
        """Whether the list shows something else than the open view holds."""
        return self.view is not None and self.state() != self._held_by(self.view)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that are shown: those chosen now, the user's own, or the usual ones."""
        return choose_columns(self.views.offered, self.library, st.session_state.get("cols") or self.views.own_columns)

    def _query(self, present: Mapping[str, Any]) -> CustomerQuery:
        return CustomerQuery(
            phrase=(present["q"] or "").strip(),
            filters=tuple((name, tuple(present[name] or ())) for name in ("stage", *self.chosen)),
            ranges=tuple(one for field in self.ranges if (one := _range(field, present)) != (field.name, None, None)),
            owners=tuple(present["owner"] or ()),
            tags=tuple(present["tag"] or ()),
            created_from=present["since"],
            created_to=present["until"],
            complaints=present.get("complaints"),
            satisfaction=present.get("satisfaction"),
            served_from=present.get("served"),
            incomplete=bool(present["incomplete"]),
            unplanned=bool(present["unplanned"]),
            recycled_by=clock.today() + timedelta(days=self.notice_days) if present["recycled"] else None,
            of=present["of"] or "",
            sort=present["sort"] or "newest",
            page=int(present["page"] or 1),
        )

    def keep(self) -> None:
        """Write the choices into the address: of a view only its number, as long as nothing else is chosen."""
        changed = self.is_changed
        st.session_state["changed"] = changed
        address.keep(PAGE, self.parameters, self._kept | {"changed": changed}, without=self.state() if self.view and not changed else ())


def is_empty(query: CustomerQuery) -> bool:
    """Whether nothing is searched or filtered."""
    return not (
        query.phrase
        or any(values for _name, values in query.filters)
        or query.of
        or query.ranges
        or query.owners
        or query.tags
        or query.created_from
        or query.created_to
        or query.complaints
        or query.satisfaction
        or query.served_from
        or query.incomplete
        or query.unplanned
        or query.recycled_by
    )


def first_page() -> None:
    """A changed filter shows its first page."""
    st.session_state["page"] = 1


def _choices(name: str, library: Library) -> dict[Any, str]:
    if name == "activity":
        return {code: _(label) for code, label in ACTIVITIES.items()}
    if name == "province":
        return {region.code: region.label for region in children_of("")}
    if name == "city":
        return {code: region.label for code, region in regions().items() if region.level == "city"}
    field = library.fields[name]
    # A choice that is no longer offered is still there to be found.
    choices: dict[Any, str] = dict(choices_of(field, library) if field.choices is None else field.labels())
    if name == "industry":
        return {code: entry.label for code, entry in library.industries.items() if entry.parent is None} | choices
    return choices


def _cities(provinces: list[str]) -> dict[Any, str]:
    return {region.code: region.label for parent in provinces for region in children_of(parent) if region.level == "city"}


def _limit(field: Field) -> Parameter:
    return Day() if field.widget is Widget.DATE else Quantity()


def _range(field: Field, present: Mapping[str, Any]) -> tuple[str, Any, Any]:
    low, high = (present[field.name + end] for end in (LOW, HIGH))
    return (field.name, low, high) if field.widget is Widget.DATE else (field.name, _exact(low), _exact(high))


def _exact(number: float | None) -> Decimal | None:
    return None if number is None else Decimal(str(number))
