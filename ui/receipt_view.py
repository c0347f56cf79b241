"""Receipts of transfers: the list of them, one in full, its file, and the question before it is undone."""

from functools import partial

import pyarrow as pa
import streamlit as st

from crm_core.i18n import N_, _, format_time, join_words, plural
from crm_core.permissions import Permission
from crm_core.services import receipts, transfers
from crm_core.services.receipts import PAGE_SIZE, Line, Receipt
from ui import feedback, forms, guard, routes
from ui.feedback import escape
from ui.import_steps import XLSX
from ui.tables import ROW_HEIGHT, height_of

NAMED = 20


def draw_list(made: list[Receipt]) -> None:
    """One row for each receipt."""
    for receipt in made:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escape(_people(receipt))}**", width="stretch")
            st.badge(
                plural(receipt.done, N_("{total} customer"), N_("{total} customers")).format(total=f"{receipt.done:,}"), color="primary"
            )
            if receipt.undone_at:
                st.badge(_("Undone"), color="gray", icon=":material/undo:")
            st.caption(format_time(receipt.at), width="content")
            if st.button(_("Open"), key=f"receipt_{receipt.id}", icon=":material/receipt_long:", type="tertiary"):
                st.switch_page(routes.RECEIPT, query_params={"id": str(receipt.id)})


def _people(receipt: Receipt) -> str:
    return join_words(name for name, _count in receipt.givers) + " → " + receipt.to


def draw_head(receipt: Receipt) -> None:
    """From whom, to whom, how many, why, by whom."""
    st.subheader(escape(_people(receipt)), anchor=False)
    st.caption(
        escape(_("No. {number} · {time} · by {author}").format(number=receipt.id, time=format_time(receipt.at), author=receipt.author))
    )
    with st.grid(2, min_column_width=150):
        st.metric(_("Customers"), f"{receipt.done:,}", border=True)
        st.metric(_("Work that moved along"), receipts.work_text(receipt.work), border=True)
    st.markdown(escape(_("Reason: {reason}").format(reason=receipt.reason)))
    if receipt.undone_at:
        sentence = plural(
            receipt.undone, N_("Undone at {time}: {count} customer went back."), N_("Undone at {time}: {count} customers went back.")
        )
        st.info(sentence.format(time=format_time(receipt.undone_at), count=f"{receipt.undone:,}"), icon=":material/undo:")
    for title, sentences in ((_("Not moved"), receipt.refused), (_("Did not go back"), receipt.undo_refused)):
        _draw_refused(title, sentences)


def _draw_refused(title: str, sentences: list[str]) -> None:
    if not sentences:
        return
    with st.expander(f"{title} ({len(sentences):,})", icon=":material/info:"):
        for sentence in sentences[:NAMED]:
            st.markdown("- " + escape(sentence))
        if len(sentences) > NAMED:
            st.caption(_("All of them stand in the file."))


def draw_actions(receipt: Receipt) -> None:
    """The file, and taking it back while there is time."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if guard.actor().can(Permission.CUSTOMER_EXPORT) and st.button(_("Download to print"), icon=":material/download:", type="primary"):
            guard.dialog(_("Download the receipt"), _export, receipt)
        if receipt.undo_until:
            if st.button(_("Undo transfer"), icon=":material/undo:"):
                guard.dialog(_("Undo transfer"), _confirm_undo, receipt)
            st.caption(_("possible until {time}").format(time=format_time(receipt.undo_until)), width="content")


def _export(receipt: Receipt) -> None:
    st.caption(_("The file holds all customers of the receipt, with room for signatures. That you exported it is logged with this reason."))
    reason = st.text_input(forms.required(_("Purpose")), key=guard.key("receipt_reason"), max_chars=300)
    if not st.button(_("Check"), icon=":material/rule:", key=guard.key("receipt_check")):
        return
    with feedback.attempt() as outcome, guard.reading() as session:
        receipts.check_export(session, guard.actor(), receipt.id, reason=reason)
    if outcome.succeeded:
        st.download_button(
            _("Download"),
            data=guard.at_click(partial(receipts.export_receipt, receipt_id=receipt.id, reason=reason)),
            file_name=f"transfer-{receipt.id}.xlsx",
            mime=XLSX,
            type="primary",
            icon=":material/download:",
            on_click="ignore",
            key="receipt_download",
        )


def _confirm_undo(receipt: Receipt) -> None:
    sentence = _("Customers that still belong to {name} go back to where they came from, with the tasks that moved along and are open.")
    st.markdown(escape(sentence.format(name=receipt.to)))
    if forms.decide(_("Undo"), icon=":material/undo:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            undone = transfers.undo(session, guard.actor(), receipt.id)
        if outcome.succeeded:
            feedback.later(
                plural(undone.done, N_("{count} customer went back."), N_("{count} customers went back.")).format(count=f"{undone.done:,}")
            )
            st.rerun()


def chosen_page() -> int:
    """The page of the lines that is shown."""
    return int(st.session_state.get("receipt_page") or 1)


def draw_lines(receipt: Receipt, lines: list[Line]) -> None:
    """A page of the customers, and the other pages."""
    titles = receipts.headings()
    rows = [dict(zip(titles, vars(line).values(), strict=True)) for line in lines]
    if rows:
        with st.container(key="receipt_table"):
            height = height_of(len(rows))
            table = pa.Table.from_pylist(rows)
            st.dataframe(table, hide_index=True, row_height=ROW_HEIGHT, height=height, lazy=False, alt=_("Transfer receipt"))
    if receipt.done > PAGE_SIZE:
        st.pagination(-(-receipt.done // PAGE_SIZE), key="receipt_page")
