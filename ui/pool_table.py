"""The pool: its filters, its table with a choice of rows to claim, and the card of one customer."""

import pyarrow as pa
import streamlit as st

from crm_core.clock import today
from crm_core.config import settings
from crm_core.i18n import N_, _, format_age, format_date, format_time, join_sentences, language, plural
from crm_core.models import OWNER_CAUSES, STAGES, TIERS
from crm_core.reference import children_of, region_label
from crm_core.services import display, pool
from crm_core.services import library as presets
from crm_core.services.library import Library
from crm_core.services.pool import Allowance, Card, PoolPage, PoolQuery
from crm_core.services.pool_rules import PoolRules
from ui import address, badges, feedback, forms, guard, routes, row_table
from ui.badges import Badge
from ui.customer_filters import first_page
from ui.parameters import AnyOf, Number, OneOf, Parameter
from ui.row_table import Cell, Heading, Record

PAGE = "pool"
# How a customer came into the pool is a longer phrase in English; there the industry has less.
CAUSE_WIDTH = {"zh_CN": 104, "en": 150}
INDUSTRY_WIDTH = {"zh_CN": 226, "en": 180}
SORT_LABELS = {"newest": N_("Latest in the pool"), "oldest": N_("Longest in the pool"), "name": N_("By name")}


class Filters:
    """What can be chosen now, and the query it makes."""

    def __init__(self, library: Library) -> None:
        sections = {code: entry.label for code, entry in library.industries.items() if entry.parent is None}
        self.choices: dict[str, tuple[str, dict[str, str]]] = {
            "pool_stage": (_("Customer type"), {code: _(label) for code, label in STAGES.items()}),
            "pool_tier": (_("Customer tier"), {code: _(label) for code, label in TIERS.items()}),
            "pool_industry": (_("Industry"), sections),
            "pool_province": (_("Province"), {region.code: region.label for region in children_of("")}),
        }
        self.parameters: dict[str, Parameter] = {
            "pool_q": Parameter(),
            **{name: AnyOf(codes=choices.keys) for name, (_title, choices) in self.choices.items()},
            "pool_sort": OneOf("newest", codes=SORT_LABELS),
            "page": Number(1),
        }

    def draw(self) -> PoolQuery:
        """Draw the row and return the query it describes."""
        address.restore(PAGE, self.parameters)
        with st.container(horizontal=True, vertical_alignment="bottom", key="pool_filters"):
            hint = _("Name, pinyin or code")
            st.text_input(
                _("Search"), key="pool_q", icon=":material/search:", live="150ms", placeholder=hint, width=210, on_change=first_page
            )
            for name, (title, choices) in self.choices.items():
                st.multiselect(
                    title, list(choices), format_func=choices.__getitem__, key=name, placeholder=_("Any"), width=162, on_change=first_page
                )
            labels = {code: _(label) for code, label in SORT_LABELS.items()}
            st.selectbox(_("Order"), list(labels), format_func=labels.__getitem__, key="pool_sort", width=170, on_change=first_page)
        return self._query()

    def _query(self) -> PoolQuery:
        state = st.session_state
        return PoolQuery(
            phrase=(state.get("pool_q") or "").strip(),
            stages=tuple(state.get("pool_stage") or ()),
            tiers=tuple(state.get("pool_tier") or ()),
            industries=tuple(state.get("pool_industry") or ()),
            provinces=tuple(state.get("pool_province") or ()),
            sort=state.get("pool_sort") or "newest",
            page=int(state.get("page") or 1),
        )

    def is_active(self, query: PoolQuery) -> bool:
        """Whether anything is searched or filtered."""
        return query != PoolQuery(sort=query.sort, page=query.page)

    def keep(self) -> None:
        """Write the choices into the address."""
        address.keep(PAGE, self.parameters)


def draw_terms(rules: PoolRules, allowance: Allowance) -> None:
    """What the rules leave to the viewer."""
    if not rules.is_on:
        st.info(_("The customer pool is switched off: nothing is added to it. What is in it can still be claimed."), icon=":material/info:")
    words = []
    if allowance.today is not None:
        words.append(_("today you may claim {count} more").format(count=allowance.today))
    if allowance.holding is not None:
        words.append(
            plural(allowance.holding, N_("you may hold {count} more customer"), N_("you may hold {count} more customers")).format(
                count=allowance.holding
            )
        )
    words.append(
        plural(
            rules.cooling_days,
            N_("whoever had a customer before may claim it again after {days} day"),
            N_("whoever had a customer before may claim it again after {days} days"),
        ).format(days=rules.cooling_days)
    )
    told = " · ".join(words)
    st.caption(told[:1].upper() + told[1:])


def draw(page: PoolPage, library: Library) -> str:
    """The table, whose chosen rows are claimed together; returns the code of the customer whose name was clicked, if one was."""
    records = [Record(card.code, card.name, _cells(card, library)) for card in page.cards]
    key = f"pool_rows_{st.session_state.get('pool_turn', 0)}"
    drawn = row_table.draw(key, _headings(), records, label=_("Customers on this page"), is_choosing=True)
    chosen = [card for card in page.cards if card.code in drawn.chosen]
    label = (
        plural(len(chosen), N_("Claim {count} customer"), N_("Claim {count} customers")).format(count=len(chosen)) if chosen else _("Claim")
    )
    if st.button(
        label, type="primary", icon=":material/front_hand:", disabled=not chosen, key="claim_chosen", help=_("Choose rows first.")
    ):
        _claim(chosen)
    return drawn.opened


def _headings() -> list[Heading]:
    titles = {
        _("Customer name"): 224,
        _("Customer type"): 100,
        _("Tier"): 50,
        _("Industry"): INDUSTRY_WIDTH[language()],
        _("Region"): 100,
        _("Phone"): 110,
        _("Owner before"): 90,
        _("How"): CAUSE_WIDTH[language()],
        _("Since"): 90,
    }
    return [Heading(title, width) for title, width in titles.items()]


def _cells(card: Card, library: Library) -> list[Cell]:
    return [
        [Badge(_(STAGES[card.stage]), badges.STAGE_COLOURS[card.stage])],
        card.tier or "",
        library.division_label(card.industry) or card.industry_text or "",
        region_label(card.city or card.province),
        card.phone or "",
        card.owner_before,
        _(OWNER_CAUSES[card.cause]),
        format_age(card.pooled_at.astimezone(settings().timezone).date(), today()),
    ]


def open_card(clicked: str) -> None:
    """Show the card of the customer that was clicked, or that the address asks for."""
    asked = st.query_params.get("card", "")
    if st.session_state.get("pool_card_asked") != asked:
        st.session_state["pool_card_asked"] = asked
        clicked = clicked or asked
    if clicked:
        with guard.reading() as session:
            card = pool.find_card(session, guard.actor(), clicked)
            entries = presets.get_library(session)
        if card:
            guard.dialog(_("Customer in the pool"), _draw_card, card, entries)
        else:
            feedback.refusal(_("A customer is no longer in the pool."))


def _draw_card(card: Card, library: Library) -> None:
    st.subheader(feedback.escape(card.name), anchor=False)
    badges.customer_badges(card.stage, card.kind, card.tier, is_incomplete=False)
    shown = {
        _("Customer code"): card.code,
        _("Industry"): library.industry_label(card.industry) if card.industry else card.industry_text or "",
        _("Region"): region_label(card.city or card.province),
        _("Phone"): card.phone or "",
        _("Email"): display.mailbox(card.email),
        _("Owner before"): card.owner_before,
        _("In the pool since"): format_time(card.pooled_at) + " · " + _(OWNER_CAUSES[card.cause]),
        _("Reason"): card.reason,
    }
    shown = {label: text for label, text in shown.items() if text}
    table = pa.table({"label": [feedback.escape(label) for label in shown], "value": [feedback.escape(text) for text in shown.values()]})
    st.table(table, border="horizontal", hide_index=True, hide_header=True)
    if card.blocked_until:
        sentence = _("You had this customer before and may claim it again from {day} on.")
        st.warning(sentence.format(day=format_date(card.blocked_until)), icon=":material/hourglass_top:")
    else:
        st.caption(_("Contacts, files and history open once the customer is yours."))
    if forms.decide(_("Claim"), icon=":material/front_hand:", is_ready=card.blocked_until is None):
        _claim([card])


def _claim(cards: list[Card]) -> None:
    """Claim, and go on: to the customer where it is one, else back to the table with what was refused."""
    with feedback.attempt() as outcome, guard.acting() as session:
        claimed = pool.claim(session, guard.actor(), [card.id for card in cards])
    if not outcome.succeeded:
        return
    for sentence in claimed.refused:
        feedback.refusal(sentence)
    if claimed.refused and not claimed.done:
        return
    if len(cards) == 1:
        feedback.later(_("{name} is yours now.").format(name=claimed.done[0][1]))
        st.switch_page(routes.CUSTOMER, query_params={"code": claimed.done[0][0]})
    feedback.later(
        join_sentences(
            plural(len(claimed.done), N_("{count} customer is yours now."), N_("{count} customers are yours now.")).format(
                count=len(claimed.done)
            ),
            *claimed.refused,
        )
    )
    st.session_state["pool_turn"] = st.session_state.get("pool_turn", 0) + 1
    st.rerun(scope="app")
