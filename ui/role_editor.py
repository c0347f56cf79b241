"""Editing roles: what they were when the edit began, the grid and the form that change them, and saving all changes at once."""

from dataclasses import dataclass, field, replace

import pandas as pd
import streamlit as st

from crm_core.errors import Conflict
from crm_core.i18n import _
from crm_core.models import STAGES, Role
from crm_core.permissions import ACCESS, PERMISSIONS, SCOPES, SENSITIVE, Access, Permission, Scope, area_of
from crm_core.services import roles
from crm_core.services.roles import ADMINISTRATOR, Terms
from ui import feedback, forms, guard, role_changes

FRAME = "role_grid_frame"


@dataclass
class Edit:
    """One edit of all roles, by id; it stays in the browser tab until it is saved or discarded. A new `turn` draws all fields anew."""

    versions: dict[int, int] = field(default_factory=dict)
    base: dict[int, Terms] = field(default_factory=dict)
    draft: dict[int, Terms] = field(default_factory=dict)
    turn: int = 0
    notice: str = ""

    def changed(self) -> list[int]:
        """The roles that are to become others than they were."""
        return [number for number, terms in self.draft.items() if terms != self.base[number]]

    def restart(self) -> None:
        """Nothing is to be changed any more."""
        self.draft, self.notice = dict(self.base), ""
        self.turn += 1

    def follow(self, present: list[Role]) -> None:
        """Take over what others saved, except for roles with changes of one's own: those meet at the save."""
        mine = set(self.changed())
        base = {role.id: self.base[role.id] if role.id in mine else roles.terms_of(role) for role in present}
        if base != self.base:
            self.turn += 1
        self.draft = {number: self.draft[number] if number in mine else terms for number, terms in base.items()}
        self.versions = {role.id: self.versions[role.id] if role.id in mine else role.version for role in present}
        self.base = base


def open_edit(present: list[Role]) -> Edit:
    """The edit of this browser tab."""
    edit: Edit = st.session_state.setdefault("role_edit", Edit())
    edit.follow(present)
    return edit


def draw_grid(edit: Edit, present: list[Role]) -> None:
    """One row for each permission, one column for each role."""
    key = f"role_grid_{edit.turn}"
    if key not in st.session_state:  # also after another page: Streamlit forgets what was ticked, the draft does not
        st.session_state[FRAME] = _frame(edit, present)
    texts = {
        "permission": st.column_config.TextColumn(_("Permission"), width=190),  # pinned, Streamlit would write it in pale grey
        "area": st.column_config.TextColumn(_("Area"), width=150),
    }
    boxes = {str(role.id): st.column_config.CheckboxColumn(role.title, width="small") for role in present}
    fixed = [str(role.id) for role in present if _is_fixed(role)]
    ticked = st.data_editor(
        st.session_state[FRAME],
        key=key,
        hide_index=True,
        height="content",
        column_config=texts | boxes,
        disabled=[*texts, *fixed],
        alt=_("What each role may do"),
    )
    for role in present:
        chosen = frozenset(permission for permission, is_on in zip(_by_area(), ticked[str(role.id)], strict=True) if is_on)
        edit.draft[role.id] = replace(edit.draft[role.id], permissions=chosen)


def _frame(edit: Edit, present: list[Role]) -> pd.DataFrame:
    rows = _by_area()
    texts = {"permission": [_(PERMISSIONS[one]) for one in rows], "area": [area_of(one) for one in rows]}
    return pd.DataFrame(texts | {str(role.id): [one in edit.draft[role.id].permissions for one in rows] for role in present})


def _by_area() -> list[Permission]:
    """All permissions, those of an area together."""
    areas = list(dict.fromkeys(map(area_of, PERMISSIONS)))
    return sorted(PERMISSIONS, key=lambda one: areas.index(area_of(one)))


def _is_fixed(role: Role) -> bool:
    """Whether its permissions, scope and name cannot be changed here: the administrator's role, and roles above one's own."""
    return role.code == ADMINISTRATOR or not roles.is_within(guard.actor(), role)


def draw_role(edit: Edit, role: Role, *, with_permissions: bool) -> None:
    """What a role is called, sees and may enter; on request its permissions too, for screens too narrow for the grid."""
    is_fixed = _is_fixed(role)
    start, terms = f"role_{role.id}_{edit.turn}_", edit.draft[role.id]
    permissions = _tick(start, terms, is_fixed=is_fixed) if with_permissions else terms.permissions
    left, right = st.columns(2)
    with left:
        name = st.text_input(forms.required(_("Name")), key=forms.begin_with(start + "name", terms.name), disabled=is_fixed)
        stages = st.multiselect(
            _("Customer types for entry"),
            list(STAGES),
            format_func=lambda code: _(STAGES[code]),
            key=forms.begin_with(start + "stages", [stage for stage in STAGES if stage in (terms.entry_stages or ())]),
            placeholder=_("All types"),
            disabled=is_fixed,
        )
    with right:
        scope = st.selectbox(
            _("Whose customers"),
            list(Scope),
            format_func=lambda code: _(SCOPES[code]),
            key=forms.begin_with(start + "scope", Scope(terms.scope)),
            disabled=is_fixed,
        )
        needs = st.toggle(
            _("Second factor required"),
            key=forms.begin_with(start + "second_factor", terms.needs_second_factor),
            disabled=not roles.is_within(guard.actor(), role),
        )
    edit.draft[role.id] = Terms(
        name=name,
        scope=str(scope),
        permissions=permissions,
        access=_draw_access(start, terms, is_fixed=is_fixed),
        entry_stages=frozenset(map(str, stages)) or None,
        needs_second_factor=needs,
    )


def _tick(start: str, terms: Terms, *, is_fixed: bool) -> frozenset[str]:
    chosen = set()
    for area in dict.fromkeys(map(area_of, Permission)):
        st.caption(area)
        with st.grid(3, min_column_width=160):
            for permission in (one for one in PERMISSIONS if area_of(one) == area):
                key = forms.begin_with(start + permission, permission in terms.permissions)
                if st.checkbox(_(PERMISSIONS[permission]), key=key, disabled=is_fixed):
                    chosen.add(permission.value)
    return frozenset(chosen)


def _draw_access(start: str, terms: Terms, *, is_fixed: bool) -> tuple[tuple[str, int], ...]:
    st.caption(_("Sensitive values"))
    chosen = []
    with st.grid(len(terms.access), min_column_width=140):
        for kind, level in terms.access:
            picked = st.selectbox(
                _(SENSITIVE[kind]),
                list(Access),
                format_func=lambda one: _(ACCESS[one]),
                key=forms.begin_with(start + kind, Access(level)),
                disabled=is_fixed,
            )
            chosen.append((kind, int(picked)))
    return tuple(chosen)


def draw_changes(edit: Edit) -> None:
    """What is to be saved, role by role, with the one button that saves it all."""
    if edit.notice:
        st.warning(feedback.escape(edit.notice), icon=":material/sync_problem:")
    if not edit.changed():
        st.caption(_("Nothing to save. A change counts from the next action of everybody with the role."))
        return
    with st.container(border=True, key="role_changes"):
        st.subheader(_("Unsaved changes"), anchor=False)
        for number in edit.changed():
            lines = role_changes.tell(edit.base[number], edit.draft[number])
            st.markdown(
                "\n".join([f"**{feedback.escape(edit.base[number].name)}**", "", *(f"- {feedback.escape(line)}" for line in lines)])
            )
        with st.container(horizontal=True):
            if st.button(_("Save changes"), type="primary", icon=":material/check:"):
                _save(edit)
            if st.button(_("Discard changes"), icon=":material/undo:"):
                edit.restart()
                st.rerun()


def _save(edit: Edit) -> None:
    failing = 0
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        for failing in edit.changed():
            roles.update_role(session, guard.actor(), failing, edit.draft[failing], version=edit.versions[failing])
    if isinstance(outcome.error, Conflict):
        _rebase(edit, failing, outcome.error)
    elif outcome.error:
        feedback.explain(outcome.error)
        return
    else:
        edit.restart()
        feedback.later(_("The changes were saved."))
    st.rerun()


def _rebase(edit: Edit, number: int, conflict: Conflict) -> None:
    theirs, base = Terms(**conflict.theirs), edit.base[number]
    edit.notice = _("Somebody else changed the role “{name}” meanwhile: {changes}. Look through your own changes and save again.").format(
        name=base.name, changes=" · ".join(role_changes.tell(base, theirs))
    )
    edit.draft[number] = edit.draft[number].rebased(base, theirs)
    edit.base[number], edit.versions[number] = theirs, conflict.version
    edit.turn += 1
