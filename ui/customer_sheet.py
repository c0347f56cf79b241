"""The base data of a customer as a list of labels and values, by group."""

from collections.abc import Mapping

import streamlit as st

from crm_core.fields import Field, Widget, read_value
from crm_core.i18n import _, format_time
from crm_core.services import display
from crm_core.services.library import Library
from crm_core.visibility import View
from ui import forms, reveal
from ui.feedback import escape


def draw(customer: View, library: Library, names: dict[int, str]) -> None:
    """One card for each group that has values."""
    for group, fields in forms.by_group(library.fields, without=("kind", "stage", "name")).items():
        shown = _cells(fields, customer, library)
        if group == "base":
            shown = {_cell(_("Customer code")): _cell(customer.code)} | shown
            if customer.industry_text:
                shown[_cell(_("Industry"))] = _cell(_("{text} (waiting for the administrator)").format(text=customer.industry_text))
        if not shown:
            continue
        with st.container(border=True, key=f"sheet_{group}"):
            st.subheader(forms.group_title(group), anchor=False)
            _draw_pairs(shown)
            reveal.draw("customer", customer, fields)
    changed = _("Created {created} by {author} · last changed {updated}").format(
        created=format_time(customer.created_at),
        author=names.get(customer.created_by_id or 0, "—"),
        updated=format_time(customer.updated_at),
    )
    st.caption(escape(changed))


def _cells(fields: Mapping[str, Field], customer: View, library: Library) -> dict[str, str]:
    """Labels and values as Markdown, empty values left out."""
    shown = [(field, display.show(field, read_value(customer, field), library)) for field in fields.values()]
    return {_cell(field.title): _link(text) if field.widget is Widget.LINK else _cell(text) for field, text in shown if text}


def _link(address: str) -> str:
    # Brackets would end the address within Markdown; nothing else that could is in one (`check_link`).
    target = address.replace("(", "%28").replace(")", "%29").replace("[", "%5B").replace("]", "%5D")
    return f"[{escape(address)}]({target})"


def _draw_pairs(shown: dict[str, str]) -> None:
    # In one piece of Markdown: `st.table` is one for every cell, and took the browser half of the time to draw the page.
    rows = [f"| {label} | {text} |" for label, text in shown.items()]
    st.markdown("\n".join(["| | |", "|-|-|", *rows]))


def _cell(text: str) -> str:
    return "&#10;".join(escape(text).splitlines())  # a line break that does not end the row
