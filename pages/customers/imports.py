"""客户导入: choose a file, check how its columns are read, try it, then bring it in."""

import streamlit as st

from crm_core.config import MAX_IMPORT_BYTES
from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import library
from ui import feedback, guard, header, import_help, import_steps

actor = guard.page(Permission.CUSTOMER_IMPORT)
header.title(_("Import customers"))

st.caption(_("CSV, Excel or vCard. Headings in Chinese or English are recognised; you see everything before anything is saved."))
with guard.reading() as session:
    entries = library.get_library(session)
import_help.draw(entries)
upload = st.file_uploader(
    _("Choose a file with customers, at most {limit} MB").format(limit=MAX_IMPORT_BYTES // 1024 // 1024),
    key="import_file",
    max_upload_size=60,
)

if upload is None:
    import_steps.forget()
    feedback.empty_state(
        "upload_file",
        _("No file chosen yet"),
        _("Every row needs at least the customer's name; what else is missing can be completed later."),
    )
    st.stop()

with feedback.attempt() as reading:
    table = import_steps.read(upload)
if not reading.succeeded:
    st.stop()

st.subheader(_("1. Columns"), anchor=False)
mapping = import_steps.choose_columns(table, entries)
st.subheader(_("2. Options"), anchor=False)
plan = import_steps.choose_options(mapping, entries)
st.subheader(_("3. Check and import"), anchor=False)
has_name = import_steps.has_name(mapping)
with st.container(horizontal=True):
    check = st.button(_("Check without saving"), icon=":material/rule:", disabled=not has_name)
    bring_in = st.button(_("Import now"), type="primary", icon=":material/upload:", disabled=not has_name)
if check or bring_in:
    with feedback.attempt():
        import_steps.run(table, plan, dry_run=check)
import_steps.show_result(table, entries)
