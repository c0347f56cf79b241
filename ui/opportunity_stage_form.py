"""The rows and dialogs of the stages of opportunities."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from crm_core.errors import CrmError
from crm_core.i18n import N_, _, plural
from crm_core.models import OpportunityStage, Outcome
from crm_core.services import opportunity_stages
from crm_core.services.opportunity_stages import LONGEST
from ui import feedback, forms, guard
from ui.feedback import escape

COLOURS = {Outcome.OPEN: "blue", Outcome.WON: "green", Outcome.LOST: "gray"}


def draw_all(stages: Sequence[OpportunityStage], inside: Mapping[int, int]) -> None:
    """A row for each, in their order."""
    open_ids = [stage.id for stage in stages if stage.outcome == Outcome.OPEN]
    for stage in stages:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escape(stage.name)}**　{escape(stage.name_en or '')}", width="stretch")
            feedback.badge(f"{stage.probability}%", color=COLOURS[Outcome(stage.outcome)])
            if stage.rotting_days:
                st.caption(
                    plural(stage.rotting_days, N_("marked after {count} day"), N_("marked after {count} days")).format(
                        count=stage.rotting_days
                    ),
                    width="content",
                )
            st.caption(
                plural(inside[stage.id], N_("{count} opportunity"), N_("{count} opportunities")).format(count=inside[stage.id]),
                width="content",
            )
            if stage.id in open_ids:
                _draw_arrows(stage, open_ids)
            if st.button(_("Edit"), key=f"stage_edit_{stage.id}", icon=":material/edit:", type="tertiary"):
                guard.dialog(_("Edit stage"), edit, stage)
            if stage.id in open_ids and st.button(_("Remove"), key=f"stage_remove_{stage.id}", icon=":material/delete:", type="tertiary"):
                guard.dialog(_("Remove stage"), remove, stage, stages, inside[stage.id])


def _draw_arrows(stage: OpportunityStage, open_ids: list[int]) -> None:
    place = open_ids.index(stage.id)
    for step, icon, help_text in ((-1, "arrow_upward", _("Earlier")), (1, "arrow_downward", _("Later"))):
        is_last = not 0 <= place + step < len(open_ids)
        pressed = st.button(
            help_text, key=f"stage_{icon}_{stage.id}", icon=f":material/{icon}:", type="tertiary", disabled=is_last, help=help_text
        )
        if pressed:
            order = list(open_ids)
            order[place], order[place + step] = order[place + step], order[place]
            with feedback.attempt() as outcome, guard.acting() as session:
                opportunity_stages.order_stages(session, guard.actor(), order)
            if outcome.succeeded:
                st.rerun()


def add() -> None:
    """A further stage behind the other open ones."""
    values = _ask(None)
    if forms.decide(_("Add")):
        with feedback.attempt() as outcome, guard.acting() as session:
            opportunity_stages.add_stage(session, guard.actor(), **values)
        _after(outcome.error)


def edit(stage: OpportunityStage) -> None:
    """Change one; what those that end are is settled."""
    values = _ask(stage)
    if forms.decide(_("Save")):
        with feedback.attempt() as outcome, guard.acting() as session:
            opportunity_stages.save_stage(session, guard.actor(), stage.id, **values, version=stage.version)
        _after(outcome.error)


def _ask(stage: OpportunityStage | None) -> dict[str, Any]:
    number = stage.id if stage else "new"
    name = st.text_input(forms.required(_("Name")), value=stage.name if stage else "", max_chars=40, key=f"stage_name_{number}")
    name_en = st.text_input(_("English name"), value=(stage.name_en or "") if stage else "", max_chars=40, key=f"stage_name_en_{number}")
    if stage and stage.outcome != Outcome.OPEN:
        return {"name": name, "name_en": name_en}
    left, right = st.columns(2)
    probability = left.number_input(
        _("Probability"),
        value=stage.probability if stage else 50,
        min_value=0,
        max_value=100,
        step=5,
        key=f"stage_probability_{number}",
        help=_("In percent."),
    )
    days = right.number_input(
        _("Days until the mark"),
        value=stage.rotting_days if stage else None,
        min_value=1,
        max_value=LONGEST,
        key=f"stage_days_{number}",
        help=_("An opportunity that stands longer in this stage is marked. Empty: never."),
    )
    return {"name": name, "name_en": name_en, "probability": probability, "rotting_days": days}


def remove(stage: OpportunityStage, stages: Sequence[OpportunityStage], count: int) -> None:
    """Say how many stand in it, and where they go."""
    others = {one.id: one.label for one in stages if one.outcome == Outcome.OPEN and one.id != stage.id}
    chosen = None
    if count:
        sentence = plural(
            count,
            N_("{count} opportunity stands in {stage}. Choose the stage to which it goes."),
            N_("{count} opportunities stand in {stage}. Choose the stage to which they go."),
        )
        st.warning(escape(sentence.format(count=count, stage=stage.label)), icon=":material/move_down:")
        chosen = st.selectbox(
            forms.required(_("Move them to")),
            list(others),
            index=None,
            format_func=others.__getitem__,
            placeholder=_("Choose"),
            key=guard.key("stage_move_to"),
        )
    else:
        st.markdown(escape(_("No opportunity stands in {stage}.").format(stage=stage.label)))
    if forms.decide(_("Remove stage"), icon=":material/delete:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            opportunity_stages.remove_stage(session, guard.actor(), stage.id, move_to=chosen)
        _after(outcome.error)


def _after(error: CrmError | None) -> None:
    if error is None:
        feedback.later(_("Saved."))
        st.rerun()
