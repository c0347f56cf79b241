"""Rules for tier, status and periodic verification."""

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import activity, tiers, verification_plan
from ui import guard, header, standing_forms

guard.page(Permission.RULE_EDIT)
header.title(_("Tier, status and verification"))

with guard.reading() as session:
    by_amount, by_days = tiers.get_tier_policy(session), activity.get_activity_policy(session)
    by_months = verification_plan.get_verification_policy(session)

standing_forms.draw_tiers(*by_amount)
standing_forms.draw_activity(*by_days)
standing_forms.draw_verification(*by_months)
