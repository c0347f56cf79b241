"""How long deleted customers can be restored."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import recycle_bin
from crm_core.services.recycle_bin import LONGEST, BinRules
from ui import guard, header, rule_forms

guard.page(Permission.RULE_EDIT)
header.title(_("Recycle bin rules"))

with guard.reading() as session:
    rules, version = recycle_bin.get_bin_rules(session)

rule_forms.open_form("bin", {"bin_days": rules.days}, version)
with st.form("bin_rules"):
    days = st.number_input(
        _("Days in the recycle bin"),
        min_value=1,
        max_value=LONGEST,
        help=_("Also for what lies there already: with fewer days it may go within the hour."),
        width=240,
        key="bin_days",
    )
    st.caption(
        _(
            "After these days a deleted customer is removed for good with its contacts and files; only the change log stays. "
            "What is on legal hold is kept. Without a setting it is {days} days."
        ).format(days=BinRules().days)
    )
    is_saved = st.form_submit_button(_("Save"), type="primary", icon=":material/check:")
if is_saved:
    rule_forms.save(
        "bin",
        lambda session, actor, seen: recycle_bin.set_bin_rules(session, actor, BinRules(days=int(days)), version=seen),
        told=_("The rules are saved."),
    )
