"""Rules of review: whose entries of which types and tiers are reviewed, and by whom."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import review_rules, reviewers, users
from ui import feedback, guard, header, review_rule_form

guard.page(Permission.RULE_EDIT)
header.title(_("Review rules"))

with guard.reading() as session:
    rules, version = review_rules.get_rules(session)
    choices = review_rule_form.Choices(reviewers.role_titles(session), users.user_names(session), reviewers.holders(session))

st.caption(
    _(
        "The first rule that fits an entry counts. Without one it goes straight into the customer list. Nobody reviews their own entry: "
        "where the reviewers of a rule cannot, the next head up the tree of teams does, else the administrators."
    )
)
if st.button(_("Add rule"), type="primary", icon=":material/add:"):
    guard.dialog(_("Add rule"), review_rule_form.edit, None, review_rules.Rule(), choices, version)
if not rules:
    feedback.empty_state("fact_check", _("Nothing is reviewed"), _("Every entry goes straight into the customer list."))
review_rule_form.draw_all(rules, choices, version)
