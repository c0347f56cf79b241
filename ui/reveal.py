"""Looking at masked values: a small button for each, a reason, the whole value, and a line in the change log."""

from collections.abc import Mapping, Sequence

import streamlit as st

from crm_core.fields import Field
from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import reveals
from crm_core.visibility import View, is_masked
from ui import feedback, forms, guard


def masked_in(record: View, fields: Mapping[str, Field]) -> list[Field]:
    """Of which fields of a record its viewer sees the value masked and may see it whole."""
    actor = guard.actor()
    if not actor.can(Permission.SENSITIVE_REVEAL):
        return []
    masked = [field for field in fields.values() if field.sensitive and is_masked(actor, field.sensitive)]
    return [field for field in masked if "*" in (getattr(record, field.name) or "")]


def draw(entity: str, record: View, masked: Sequence[Field]) -> None:
    """A button for each masked value; nothing where there is none."""
    if not masked:
        return
    with st.container(horizontal=True, width="content", gap="small"):
        for field in masked:
            key = f"reveal_{entity}_{record.id}_{field.name}"
            hint = _("Show the whole value; the look is logged.")
            if st.button(field.title, key=key, icon=":material/visibility:", type="tertiary", help=hint):
                guard.dialog(field.title, _ask, entity, record.id, field.name)


def _ask(entity: str, record_id: int, field: str) -> None:
    st.caption(_("Every look at a whole value is logged. Why do you need it?"))
    reason = ""
    with st.container(horizontal=True, gap="small"):
        for place, usual in enumerate(reveals.REASONS):
            if st.button(_(usual), key=f"reveal_reason_{place}"):
                reason = _(usual)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        own = st.text_input(forms.required(_("Another reason")), key=guard.key("reveal_reason"), max_chars=300)
        if st.button(_("Show"), type="primary"):
            reason = own or " "
    if reason:
        _show(entity, record_id, field, reason)


def _show(entity: str, record_id: int, field: str, reason: str) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        value = reveals.reveal(session, guard.actor(), entity, record_id, field, reason=reason)
    if outcome.succeeded:
        st.code(value, language=None)
