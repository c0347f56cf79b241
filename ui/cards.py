"""Values that are only read, a group in one piece of HTML: an element of Streamlit for each takes the browser most of its time."""

from collections.abc import Mapping
from html import escape

import streamlit as st


def figures(values: Mapping[str, str], *, notes: Mapping[str, str] | None = None) -> None:
    """The most important values of a record, each in a box of its own; `notes` stand small below those of the same label."""
    boxes = "".join(_figure(label, text, (notes or {}).get(label, "")) for label, text in values.items())
    st.html(f'<dl class="figures">{boxes}</dl>')


def _figure(label: str, text: str, note: str) -> str:
    below = f'<dd class="note">{escape(note)}</dd>' if note else ""
    return f'<div class="figure"><dt>{escape(label)}</dt><dd>{escape(text)}</dd>{below}</div>'


def pairs(title: str, values: Mapping[str, str], *, links: frozenset[str] = frozenset()) -> None:
    """Labels and their values below a title; lines of a value stay lines, the values of `links` open in a window of their own."""
    rows = "".join(f"<div><dt>{escape(label)}</dt><dd>{_value(text, label in links)}</dd></div>" for label, text in values.items())
    st.html(f'<h3 class="pairs_title">{escape(title)}</h3><dl class="pairs">{rows}</dl>')


def _value(text: str, is_link: bool) -> str:
    shown = escape(text)
    return f'<a href="{shown}" target="_blank" rel="noopener noreferrer">{shown}</a>' if is_link else shown
