"""Rules that set and clear tags."""

import streamlit as st

from crm_core.i18n import N_, _, plural
from crm_core.permissions import Permission
from crm_core.services import tag_rules
from ui import feedback, guard, header, tag_rule_form

actor = guard.page(Permission.RULE_EDIT)
header.title(_("Tag rules"))

with guard.reading() as session:
    rules = tag_rules.list_rules(session, actor)
    words = {rule.id: tag_rules.describe_rule(session, rule) for rule, _number in rules}

st.caption(
    _(
        "A rule gives its tag to every customer that meets all its conditions, and takes it away when one no longer holds. Tags set by hand"
        " are never touched; a tag that somebody takes off a customer stays off until somebody sets it by hand."
    )
)
if st.button(_("Add rule"), type="primary", icon=":material/add:"):
    tag_rule_form.edit(None)
if not rules:
    feedback.empty_state("bolt", _("No rules yet"), _("Add the first one, for example a tag for customers without contact for 90 days."))
for rule, count in rules:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        feedback.badge(rule.tag, color="primary", icon=":material/bolt:")
        st.markdown(feedback.escape(words[rule.id]), width="stretch")
        if not rule.is_active:
            st.badge(_("off"), color="gray")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):  # on a phone they share a row
            st.caption(plural(count, N_("{count} customer"), N_("{count} customers")).format(count=f"{count:,}"), width="content")
            if st.button(_("Edit"), key=f"rule_edit_{rule.id}", icon=":material/edit:", type="tertiary"):
                tag_rule_form.edit(rule)
            if st.button(_("Delete"), key=f"rule_delete_{rule.id}", icon=":material/delete:", type="tertiary"):
                guard.dialog(_("Delete rule"), tag_rule_form.confirm_delete, rule)
