"""The options of an import: what happens to what exists already or is incomplete, values for what the file lacks, the mapping file."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from crm_core.fields import Widget
from crm_core.i18n import N_, _, join_words
from crm_core.models import KINDS as NATURES
from crm_core.models import STAGES
from crm_core.services import opportunities, opportunity_stages, roles, teams
from crm_core.services.imports.kinds import CONTRACT, CUSTOMER, KINDS, OPPORTUNITY, PRODUCT, USER
from crm_core.services.imports.mapping import target_labels, targets
from crm_core.services.imports.mapping_files import read_plan, write_plan
from crm_core.services.imports.plan import INCOMPLETE, ON_DUPLICATE, ImportPlan, Incomplete, OnDuplicate
from crm_core.services.library import Library
from ui import feedback, forms, guard
from ui.feedback import escape

OFFERED = {PRODUCT: (), USER: ("role", "team"), OPPORTUNITY: ("stage", "owner", "expected_on", "loss_reason"), CONTRACT: ("owner",)}
"""The fields for which a value for all rows is asked where no column carries them."""
ON_DUPLICATE_OF_OTHERS = ON_DUPLICATE | {OnDuplicate.UPDATE: N_("Update the existing record")}


def load_mapping_file(kind: str, library: Library) -> ImportPlan:
    """What an uploaded mapping file says; without one, or with a wrong one, a plan that says nothing."""
    nothing = ImportPlan({}, kind=kind)
    with st.expander(_("Mapping file"), icon=":material/data_object:"):
        st.caption(_("How columns and words of a file are read can be kept as a file, for the next time and for the command line."))
        upload = st.file_uploader(_("Load a mapping file"), key=f"import_mapping_{kind}", max_upload_size=1)
    if upload is None:
        return nothing
    with feedback.attempt() as outcome:
        kept = read_plan(upload.getvalue(), library)
    if not outcome.succeeded:
        return nothing
    if kept.kind != kind:
        st.warning(
            _("This mapping file is for: {kind}. Choose that above.").format(kind=_(KINDS[kept.kind].label)), icon=":material/warning:"
        )
        return nothing
    return kept


def offer_mapping_file(plan: ImportPlan) -> None:
    """What was chosen, as a mapping file to keep."""
    st.download_button(
        _("Keep as a mapping file"),
        data=write_plan(plan),
        file_name=f"{plan.kind}-mapping.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
    )


def choose(mapping: dict[str, str], library: Library, kept: ImportPlan) -> ImportPlan:
    """What to do with incomplete rows and with what exists already, and values for what the file lacks."""
    kind = kept.kind
    with st.container(border=True):
        plan = _choose_ways(replace(kept, mapping=mapping))
        if kept.defaults:
            _tell_kept(kept, library)
        mapped = set(mapping.values()) | set(kept.defaults)
        chosen = _choose_of_customer(mapped, library) if kind == CUSTOMER else _choose_of_others(kind, mapped, library)
    return replace(plan, defaults={**kept.defaults, **chosen})


def _tell_kept(kept: ImportPlan, library: Library) -> None:
    labels = target_labels(library, kept.kind)
    values = join_words(f"{escape(labels[name])} {escape(str(value))}" for name, value in kept.defaults.items())
    st.caption(_("From the mapping file, for what a row leaves empty: {values}.").format(values=values))


def _choose_ways(plan: ImportPlan) -> ImportPlan:
    ways = KINDS[plan.kind].on_duplicate
    labels = ON_DUPLICATE if plan.kind == CUSTOMER else ON_DUPLICATE_OF_OTHERS
    if len(ways) == 1:
        st.caption(_("Rows of what exists already are skipped."))
        return plan
    left, right = st.columns(2)
    duplicate = right.selectbox(
        _("Customers that exist already") if plan.kind == CUSTOMER else _("What exists already"),
        list(ways),
        index=list(ways).index(plan.on_duplicate),
        format_func=lambda code: _(labels[code]),
        key=f"import_duplicate_{plan.kind}",
    )
    if plan.kind != CUSTOMER:
        return replace(plan, on_duplicate=duplicate)
    incomplete = left.selectbox(
        _("Rows that lack required fields"),
        list(Incomplete),
        index=list(Incomplete).index(plan.incomplete),
        format_func=lambda code: _(INCOMPLETE[code]),
        key="import_incomplete",
    )
    return replace(plan, on_duplicate=duplicate, incomplete=incomplete)


def _choose_of_customer(mapped: set[str], library: Library) -> dict[str, str]:
    sources = {entry.code: entry.label for entry in library.active("source")}
    choices = {"kind": (_("Customer nature"), NATURES), "stage": (_("Customer type"), STAGES), "source": (_("Customer source"), sources)}
    wanted = {name: pair for name, pair in choices.items() if name not in mapped}
    defaults: dict[str, str] = {}
    if not wanted and "source_detail" in mapped:
        return defaults
    st.caption(_("For what the file does not say, use:"))
    columns = st.columns(4)
    for column, (name, (label, codes)) in zip(columns, wanted.items(), strict=False):
        chosen = column.selectbox(
            label,
            list(codes),
            index=None,
            format_func=lambda code, texts=codes: _(texts[code]),
            placeholder=_("as recognised"),
            key=f"default_{name}",
        )
        if chosen:
            defaults[name] = str(chosen)
    if "source_detail" not in mapped and (detail := columns[3].text_input(_("Source detail"), key="default_source_detail").strip()):
        defaults["source_detail"] = detail
    return defaults


def _choose_of_others(kind: str, mapped: set[str], library: Library) -> dict[str, Any]:
    wanted = [name for name in OFFERED[kind] if name not in mapped]
    if not wanted:
        return {}
    st.caption(_("For what the file does not say, use:"))
    fields, defaults = targets(library, kind), {}
    for column, name in zip(st.columns(4), wanted, strict=False):
        title, key = fields[name].title, f"default_{kind}_{name}"
        with column:
            if fields[name].widget is Widget.DATE:
                chosen: Any = forms.enter_day(title, key)
            else:
                words = CHOICES[name](library)
                chosen = st.selectbox(title, list(words), index=None, format_func=words.__getitem__, placeholder=_("Choose"), key=key)
        if chosen:
            defaults[name] = chosen if isinstance(chosen, str) else chosen.isoformat()
    return defaults


def _roles(_library: Library) -> dict[str, str]:
    with guard.reading() as session:
        return {role.code: role.title for role in roles.list_roles(session) if roles.is_within(guard.actor(), role)}


def _teams(_library: Library) -> dict[str, str]:
    with guard.reading() as session:
        return {name: name for name in teams.list_teams(session).values()}


def _stages(_library: Library) -> dict[str, str]:
    with guard.reading() as session:
        return {stage.name: stage.label for stage in opportunity_stages.list_stages(session)}


def _owners(_library: Library) -> dict[str, str]:
    with guard.reading() as session:
        return {name: name for name in opportunities.sellers(session, guard.actor()).values()}


def _losses(library: Library) -> dict[str, str]:
    return {entry.code: entry.label for entry in library.active("loss_reason")}


CHOICES: Mapping[str, Callable[[Library], dict[str, str]]] = {
    "role": _roles,
    "team": _teams,
    "stage": _stages,
    "owner": _owners,
    "loss_reason": _losses,
}
