"""The base data of a customer as a list of labels and values, by group."""

import streamlit as st

from crm_core.fields import Widget, read_value
from crm_core.i18n import _, format_time
from crm_core.services import display
from crm_core.services.library import Library
from crm_core.visibility import View
from ui import cards, forms, reveal


def draw(customer: View, library: Library, names: dict[int, str]) -> None:
    """One card for each group that has values."""
    plain: list[cards.Card] = []
    for group, fields in forms.by_group(library.fields, without=("kind", "stage", "name")).items():
        shown = {field.title: text for field in fields.values() if (text := display.show(field, read_value(customer, field), library))}
        if group == "base":
            shown = {_("Customer code"): customer.code} | shown
            if customer.industry_text:
                shown[_("Industry")] = _("{text} (waiting for the administrator)").format(text=customer.industry_text)
        if not shown:
            continue
        # A link was checked when it was entered: it begins with http (`check_link`).
        links = frozenset(field.title for field in fields.values() if field.widget is Widget.LINK)
        plain.append(cards.Card(forms.group_title(group), shown, links))
        if masked := reveal.masked_in(customer, fields):
            *others, card = plain
            cards.bordered(others)
            with st.container(border=True):
                st.html(card.html)
                reveal.draw("customer", customer, masked)
            plain = []
    changed = _("Created {created} by {author} · last changed {updated}").format(
        created=format_time(customer.created_at),
        author=names.get(customer.created_by_id or 0, "—"),
        updated=format_time(customer.updated_at),
    )
    cards.bordered(plain, changed)
