"""The menu of what is saved of a page under names: open one, save what is shown, share, rename, delete. Each page has its words for it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import streamlit as st

from crm_core.i18n import _, join_sentences
from crm_core.permissions import Permission
from crm_core.services import saved_views
from crm_core.services.saved_views import MAX_NAME, View
from ui import feedback, forms, guard

Actions = dict[str, Callable[[], None]]


class Shown(Protocol):
    """What a page shows now, as far as it was opened from a view."""

    @property
    def view(self) -> View | None:
        """The view that is open."""

    @property
    def is_changed(self) -> bool:
        """Whether something else is shown than what it keeps."""

    def open_view(self, view: View) -> None:
        """Show what a view keeps."""


@dataclass(frozen=True)
class Words:
    """What a page says of its views, in phrases."""

    none: str
    """The label of the menu while none is open."""
    entries: Mapping[str, tuple[str, str]]
    """What the menu offers besides the views, with an icon each."""
    save: str
    kept: str
    saved: str
    shared: str
    unshared: str
    rename: str
    renamed: str
    delete: str
    sure: str
    deleted: str
    example: str = ""


class SavedMenu(ABC):
    """The menu of one page; `views` are those that can be opened, `key` begins the keys of all that is entered."""

    key: str
    words: Words
    width: Any = "content"

    def __init__(self, shown: Shown, views: Mapping[int, View]) -> None:
        self.shown, self.views = shown, views

    @abstractmethod
    def held(self) -> dict[str, Any]:
        """What a view keeps of the page now, as `saved_views` takes it."""

    def entries(self) -> list[str]:
        """The views, and what can be done with the open one."""
        return [*map(str, self.views), "save", *self.of_open()]

    def of_open(self) -> list[str]:
        """What can be done with the view that is open."""
        view = self.shown.view
        if view is None:
            return []
        own = [*(["overwrite"] if self.shown.is_changed else []), "rename", "unshare" if view.is_shared else "share"]
        return [*(own if view.is_own else []), *(["delete"] if view.is_own or guard.actor().can(Permission.RULE_EDIT) else [])]

    def actions(self) -> Actions:
        """What each entry does that is no view."""
        return {
            "save": lambda: guard.dialog(_(self.words.save), self._save, self.held()),
            "overwrite": self._overwrite,
            "rename": lambda: guard.dialog(_(self.words.rename), self._rename, self.opened),
            "share": partial(self._share, is_shared=True),
            "unshare": partial(self._share, is_shared=False),
            "delete": lambda: guard.dialog(_(self.words.delete), self._delete, self.opened),
        }

    def draw(self) -> None:
        """The menu; its label names the view that is open, with a star where something else is shown by now."""
        view, menu = self.shown.view, f"{self.key}_menu"
        label = feedback.escape(view.name) + (" *" if self.shown.is_changed else "") if view else _(self.words.none)
        look = {"key": menu, "icon": ":material/bookmarks:", "width": self.width}
        # Opened before the choices are drawn again, so that they show the view at once.
        chosen = st.menu_button(label, self.entries(), format_func=self._entry, on_click=lambda: self.take(st.session_state[menu]), **look)
        if chosen in (actions := self.actions()):
            actions[chosen]()

    def take(self, chosen: str) -> None:
        """Open the view that was chosen."""
        if chosen.isdecimal():
            self.shown.open_view(self.views[int(chosen)])

    @property
    def opened(self) -> View:
        """The view that is open, where one is."""
        assert self.shown.view
        return self.shown.view

    def _entry(self, code: str) -> str:
        if code in self.words.entries:
            label, icon = self.words.entries[code]
            return f":material/{icon}: " + _(label)
        view = self.views[int(code)]
        name = feedback.escape(view.name)
        if not view.is_own:
            name = _("{view} (from {name})").format(view=name, name=feedback.escape(view.owner))
        return f":material/{'group' if view.is_shared else 'bookmark'}: {name}"

    def _save(self, held: dict[str, Any]) -> None:
        st.caption(_(self.words.kept))
        example = _(self.words.example) if self.words.example else None
        name = st.text_input(forms.required(_("Name")), max_chars=MAX_NAME, key=guard.key(f"{self.key}_name"), placeholder=example)
        is_shared = st.toggle(
            _("Share with everybody"),
            key=guard.key(f"{self.key}_shared"),
            help=_("Others find with it only what their role lets them see."),
        )
        if forms.decide(_("Save"), icon=":material/bookmark_add:"):
            with feedback.attempt() as outcome, guard.acting() as session:
                saved = saved_views.save_view(session, guard.actor(), name, **held)
                if is_shared:
                    saved_views.share_view(session, guard.actor(), saved, is_shared=True)
            if outcome.succeeded:
                st.session_state["view"] = saved
                feedback.later(_(self.words.saved))
                st.rerun(scope="app")

    def _overwrite(self) -> None:
        held = {name: value for name, value in self.held().items() if name != "page"}
        guard.act(_(self.words.saved), lambda session: saved_views.overwrite_view(session, guard.actor(), self.opened.id, **held))

    def _rename(self, view: View) -> None:
        name = st.text_input(forms.required(_("Name")), value=view.name, max_chars=MAX_NAME, key=guard.key(f"{self.key}_new_name"))
        if forms.decide(_("Save")):
            guard.act(_(self.words.renamed), lambda session: saved_views.rename_view(session, guard.actor(), view.id, name))

    def _share(self, *, is_shared: bool) -> None:
        told = _(self.words.shared if is_shared else self.words.unshared)
        guard.act(told, lambda session: saved_views.share_view(session, guard.actor(), self.opened.id, is_shared=is_shared))

    def _delete(self, view: View) -> None:
        sentence = _(self.words.sure).format(name=view.name)
        if view.is_shared:
            sentence = join_sentences(sentence, _("It is shared: nobody can open it any more."))
        st.markdown(feedback.escape(sentence))
        if forms.decide(_("Delete"), icon=":material/delete:"):
            guard.act(_(self.words.deleted), lambda session: saved_views.delete_view(session, guard.actor(), view.id))
