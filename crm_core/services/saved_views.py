"""Saved views of a page: what its address holds (and the columns of a list) under a name, one's own or shared with everybody.

A view holds no rows: whoever opens one sees what its filters find within their own scope. A shared one holds no search text,
since that may be a name or a number which its readers may not see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from crm_core.cache import cached
from crm_core.db import CrmSession
from crm_core.errors import NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import ListPreference, SavedView, User
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require
from crm_core.validation import clean_name

MAX_NAME = 60
MAX_VIEWS = 50
AREA = "views"
LIST = "customers"
"""The page whose views these are, unless another one is named."""
PIVOT = "pivot"
PHRASE = "q"
"""The parameter of the address that holds the search text."""

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class View:
    """A view as its reader sees it."""

    id: int
    name: str
    query: Mapping[str, list[str]]
    columns: tuple[str, ...]
    is_shared: bool
    is_own: bool
    owner: str


@dataclass(frozen=True)
class Preference:
    """What a user's list opens with: columns (none for the usual ones) and perhaps a view."""

    columns: tuple[str, ...] = ()
    view_id: int | None = None


def list_views(session: CrmSession, actor: Actor, page: str = LIST) -> dict[int, View]:
    """The actor's own views of a page and those that others share, by id, each kind by name."""
    require(actor, Permission.CUSTOMER_READ)
    return cached(session, AREA, ("views", actor.id, page), lambda: _read_views(session, actor, page))


def _read_views(session: CrmSession, actor: Actor, page: str) -> dict[int, View]:
    readable = (SavedView.user_id == actor.id) | SavedView.is_shared
    views_of_page = select(SavedView, User.name).join(User, User.id == SavedView.user_id).where(SavedView.page == page, readable)
    rows = session.execute(views_of_page)
    views = [View(row.id, row.name, row.query, tuple(row.columns), row.is_shared, row.user_id == actor.id, owner) for row, owner in rows]
    return {view.id: view for view in sorted(views, key=lambda view: (not view.is_own, view.name.casefold(), view.id))}


def get_preference(session: CrmSession, actor: Actor) -> Preference:
    """What the actor set for the list."""

    def read() -> Preference:
        row = session.get(ListPreference, actor.id)
        return Preference(tuple(row.columns), row.view_id) if row else Preference()

    return cached(session, AREA, ("preference", actor.id), read)


def save_view(session: CrmSession, actor: Actor, name: str, *, query: Query, columns: Sequence[str] = (), page: str = LIST) -> int:
    """Keep a state of a page under a new name; returns the view's id. Raises `ValidationFailed` for the name, or for too many."""
    require(actor, Permission.CUSTOMER_READ)
    own = _lock_own(session, actor, page)
    clean = _free_name(own, name)
    if len(own) >= MAX_VIEWS:
        raise ValidationFailed({"name": [_("You have {count} views, more are not possible. Delete one first.").format(count=MAX_VIEWS)]})
    view = SavedView(user_id=actor.id, page=page, name=clean, query=_plain(query), columns=list(columns))
    session.add(view)
    _finish(session)
    return view.id


def overwrite_view(session: CrmSession, actor: Actor, view_id: int, *, query: Query, columns: Sequence[str] = ()) -> None:
    """Keep another state of the page under a view's name. Raises `NotFound`; `ValidationFailed` for a search in a shared one."""
    view = _own(session, actor, view_id)
    if view.is_shared:
        _refuse_phrase(query)
    view.query, view.columns = _plain(query), list(columns)
    _finish(session)


def rename_view(session: CrmSession, actor: Actor, view_id: int, name: str) -> None:
    """Give a view of one's own another name. Raises `NotFound`, `ValidationFailed`."""
    view = _own(session, actor, view_id)
    own = _lock_own(session, actor, view.page)
    view.name = _free_name([one for one in own if one.id != view_id], name)
    _finish(session)


def share_view(session: CrmSession, actor: Actor, view_id: int, *, is_shared: bool) -> None:
    """Show a view of one's own to everybody, or to nobody else any more. Raises `NotFound`; `ValidationFailed` for one with a search."""
    view = _own(session, actor, view_id)
    if is_shared:
        _refuse_phrase(view.query)
    view.is_shared = is_shared
    _finish(session)


def delete_view(session: CrmSession, actor: Actor, view_id: int) -> None:
    """Delete a view: one's own; a shared one also who sets rules. Raises `NotFound`, `NotAllowed`."""
    view = session.get(SavedView, view_id, with_for_update=True)
    if view is None or (view.user_id != actor.id and not view.is_shared):
        raise _gone()
    if view.user_id != actor.id and not actor.can(Permission.RULE_EDIT):
        raise NotAllowed(Permission.RULE_EDIT, _("This view belongs to somebody else. Its owner or an administrator can delete it."))
    session.delete(view)
    _finish(session)


def set_default_view(session: CrmSession, actor: Actor, view_id: int | None) -> None:
    """Let the list open with a view, or as it comes. Raises `NotFound`."""
    require(actor, Permission.CUSTOMER_READ)
    if view_id is not None and view_id not in list_views(session, actor):
        raise _gone()
    _preference(session, actor).view_id = view_id
    _finish(session)


def set_columns(session: CrmSession, actor: Actor, columns: Sequence[str]) -> None:
    """Let the list open with these columns; none for those it comes with."""
    require(actor, Permission.CUSTOMER_READ)
    _preference(session, actor).columns = list(columns)
    _finish(session)


def _preference(session: CrmSession, actor: Actor) -> ListPreference:
    _lock_own(session, actor, LIST)
    row = session.get(ListPreference, actor.id)
    if row is None:
        row = ListPreference(user_id=actor.id, columns=[], view_id=None)
        session.add(row)
    return row


def _lock_own(session: CrmSession, actor: Actor, page: str) -> list[SavedView]:
    # One after the other for one user: of two tabs that save the same name the second sees what the first saved.
    session.execute(select(User.id).where(User.id == actor.id).with_for_update())
    return list(session.execute(select(SavedView).where(SavedView.user_id == actor.id, SavedView.page == page)).scalars())


def _own(session: CrmSession, actor: Actor, view_id: int) -> SavedView:
    require(actor, Permission.CUSTOMER_READ)
    own = select(SavedView).where(SavedView.id == view_id, SavedView.user_id == actor.id)
    view = session.execute(own.with_for_update()).scalar_one_or_none()
    if view is None:
        raise _gone()
    return view


def _gone() -> NotFound:
    return NotFound(_("This view was deleted or is not shared with you. Choose another one."))


def _free_name(others: Sequence[SavedView], entered: str) -> str:
    try:
        name = clean_name(entered, MAX_NAME)
    except ValueError as problem:
        raise ValidationFailed({"name": [str(problem)]}) from problem
    if any(one.name.casefold() == name.casefold() for one in others):
        sentence = _("You have a view called “{name}” already. Choose another name, or open that view and save your changes to it.")
        raise ValidationFailed({"name": [sentence.format(name=name)]})
    return name


def _refuse_phrase(query: Mapping[str, Any]) -> None:
    if query.get(PHRASE):
        sentence = _("A search may hold a name or number that others may not see. Empty the search and save the view, then share it.")
        raise ValidationFailed({"query": [sentence]})


def _plain(query: Query) -> dict[str, list[str]]:
    return {name: list(values) for name, values in query.items() if values}


def _finish(session: CrmSession) -> None:
    session.flush()
    bump(session, AREA)
