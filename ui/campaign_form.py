"""The dialog in which a campaign is planned, or corrected."""

import uuid
from typing import Any

import streamlit as st

from crm_core.fields import fields_of
from crm_core.i18n import _
from crm_core.models import Campaign, Step
from crm_core.models.campaign import RESULT_DAYS
from crm_core.services import campaigns, library, tags, users
from crm_core.services.campaign_list import Listed
from ui import feedback, forms, guard, last_look, routes
from ui.forms import Form

PREFIX = "campaign"
STATE = "campaign_form"
FIRST = ("name",)
LAST = ("interests", "tags_from", "plan")


def open_new() -> None:
    """Open the dialog of a new campaign."""
    _begin({"result_days": RESULT_DAYS, "tags_from": Step.ATTENDED.value}, owner_id=guard.actor().id, tags=[])
    st.session_state[STATE] = {"key": str(uuid.uuid4()), "errors": {}}
    guard.dialog(_("New campaign"), _draw_new)


def open_edit(campaign: Listed) -> None:
    """Open the dialog that corrects a campaign."""
    _begin({name: getattr(campaign, name) for name in fields_of(Campaign)}, owner_id=campaign.owner_id, tags=campaign.tags)
    st.session_state[STATE] = {"key": "", "errors": {}}
    guard.dialog(_("Edit campaign"), _draw_edit, campaign)


def _begin(values: dict[str, Any], *, owner_id: int | None, tags: list[str]) -> None:
    forms.preload(fields_of(Campaign), PREFIX, values | {"result_days": str(values["result_days"])})
    st.session_state[f"{PREFIX}.owner_id"] = owner_id
    st.session_state[f"{PREFIX}.tags"] = list(tags)


def _draw_new() -> None:
    _draw_fields()
    if not forms.decide(_("Plan campaign")):
        return
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        made = campaigns.create_campaign(session, guard.actor(), _entered(), **_beside(), key=st.session_state[STATE]["key"])
    if outcome.succeeded:
        feedback.later(_("Campaign {code} was planned.").format(code=made.code))
        st.switch_page(routes.CAMPAIGN, query_params={"campaign": made.code})
    forms.conclude(outcome, "", st.session_state[STATE])


def _draw_edit(campaign: Listed) -> None:
    _draw_fields()
    if not forms.decide(_("Save")):
        return
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        campaigns.edit_campaign(session, guard.actor(), campaign.id, _entered(), **_beside(), version=campaign.version)
    if outcome.succeeded:
        last_look.forget(PREFIX)
    forms.conclude(outcome, _("The campaign was changed."), st.session_state[STATE])


def _draw_fields() -> None:
    with guard.reading() as session:
        entries, people = library.get_library(session), campaigns.leaders(session)
        words = list(tags.list_tags(session).values())
    errors = st.session_state[STATE]["errors"]
    form, fields = Form(PREFIX, entries, {}, errors=errors), fields_of(Campaign)
    form.draw({name: fields[name] for name in FIRST}, columns=1)
    form.draw({name: field for name, field in fields.items() if name not in (*FIRST, *LAST)}, columns=2)
    _draw_leader(people)
    form.draw({name: fields[name] for name in LAST[:2]}, columns=2)
    chosen = st.session_state.get(f"{PREFIX}.tags") or []
    st.multiselect(
        _("Tags set beside them"),
        sorted({*words, *chosen}),
        key=f"{PREFIX}.tags",
        accept_new_options=True,
        placeholder=_("Choose or type"),
    )
    _tell("tags")
    form.draw({"plan": fields["plan"]}, columns=1)


def _draw_leader(people: dict[int, str]) -> None:
    key = f"{PREFIX}.owner_id"
    present = st.session_state.get(key)
    with guard.reading() as session:
        names = people if present in people or present is None else people | {present: users.user_names(session).get(present, "")}
    st.selectbox(forms.required(_("Leader")), list(names), index=None, format_func=names.__getitem__, key=key, placeholder=_("Choose"))
    _tell("owner_id")


def _tell(name: str) -> None:
    forms.tell(st.session_state[STATE]["errors"].get(name, ()))


def _entered() -> dict[str, Any]:
    return {name: forms.value_of(f"{PREFIX}.{name}") for name in fields_of(Campaign)}


def _beside() -> dict[str, Any]:
    return {"owner_id": st.session_state.get(f"{PREFIX}.owner_id"), "tags": st.session_state.get(f"{PREFIX}.tags") or []}
