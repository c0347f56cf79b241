"""Values that are only read, a group in one piece of HTML: an element of Streamlit for each takes the browser most of its time."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape as escape_html

import streamlit as st


def figures(values: Mapping[str, str], *, notes: Mapping[str, str] | None = None) -> None:
    """The most important values of a record, each in a box of its own; `notes` stand small below those of the same label."""
    boxes = "".join(_figure(label, text, (notes or {}).get(label, "")) for label, text in values.items())
    st.html(f'<dl class="figures">{boxes}</dl>')


def _figure(label: str, text: str, note: str) -> str:
    below = f'<dd class="note">{escape(note)}</dd>' if note else ""
    return f'<div class="figure"><dt>{escape(label)}</dt><dd>{escape(text)}</dd>{below}</div>'


_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")


def escape(text: str) -> str:
    """Text from users as plain text inside HTML; a browser would break days at their hyphens, so each is marked as one."""
    return _DAY.sub(r"<time>\g<0></time>", escape_html(text))


@dataclass(frozen=True)
class Card:
    """Labels and their values below a title; lines of a value stay lines, the values of `links` open in a window of their own."""

    title: str
    values: Mapping[str, str]
    links: frozenset[str] = frozenset()

    @property
    def html(self) -> str:
        """Without a border."""
        pairs = ((label, _value(text, label in self.links)) for label, text in self.values.items())
        rows = "".join(f"<div><dt>{escape(label)}</dt><dd>{shown}</dd></div>" for label, shown in pairs)
        return f'<h3 class="pairs_title">{escape(self.title)}</h3><dl class="pairs">{rows}</dl>'


def pairs(title: str, values: Mapping[str, str]) -> None:
    """One card without a border, to stand in a container that has one."""
    st.html(Card(title, values).html)


def bordered(cards: Iterable[Card], note: str = "") -> None:
    """Cards below each other, each with its border, and a quiet line below them; nothing for none of them."""
    boxes = "".join(f'<div class="pairs_card">{card.html}</div>' for card in cards)
    below = f'<div class="pairs_note">{escape(note)}</div>' if note else ""
    if boxes or below:
        st.html(f'<div class="pairs_cards">{boxes}{below}</div>')


def _value(text: str, is_link: bool) -> str:
    shown = escape(text)
    return f'<a href="{escape_html(text)}" target="_blank" rel="noopener noreferrer">{shown}</a>' if is_link else shown
