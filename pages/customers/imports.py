"""数据导入: choose what and a file, check how its columns are read, try it, then bring it in."""

import streamlit as st

from crm_core.config import MAX_IMPORT_BYTES
from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import library
from crm_core.services.imports.kinds import offered_kinds
from ui import feedback, guard, header, import_help, import_options, import_steps, import_undo

actor = guard.page(Permission.CUSTOMER_IMPORT, Permission.PRODUCT_EDIT, Permission.USER_EDIT)
header.title(_("Data import"))
feedback.show_message()

st.caption(
    _("CSV, Excel, for customers also vCard. Headings in Chinese or English are recognised; you see everything before anything is saved.")
)
kind = import_steps.choose_kind(offered_kinds(actor))
with guard.reading() as session:
    entries = library.get_library(session)
import_help.draw(entries, kind)
upload = st.file_uploader(
    _("Choose a file, at most {limit} MB").format(limit=MAX_IMPORT_BYTES // 1024 // 1024),
    key="import_file",
    max_upload_size=60,
)

if upload is None:
    import_steps.forget()
    feedback.empty_state("upload_file", _("No file chosen yet"), import_help.hint_of(kind))
    import_undo.draw()
    st.stop()

with feedback.attempt() as reading:
    table = import_steps.read(upload, kind)
if not reading.succeeded:
    st.stop()

st.subheader(_("1. Columns"), anchor=False)
kept = import_options.load_mapping_file(kind, entries)
mapping = import_steps.choose_columns(table, entries, kept)
st.subheader(_("2. Options"), anchor=False)
plan = import_options.choose(mapping, entries, kept)
st.subheader(_("3. Check and import"), anchor=False)
has_key = import_steps.has_key(mapping, kept, entries)
with st.container(horizontal=True):
    check = st.button(_("Check without saving"), icon=":material/rule:", disabled=not has_key)
    bring_in = st.button(_("Import now"), type="primary", icon=":material/upload:", disabled=not has_key)
    import_options.offer_mapping_file(plan)
if check or bring_in:
    with feedback.attempt():
        import_steps.run(table, plan, dry_run=check)
import_steps.show_result(table, entries, kind)
import_undo.draw()
