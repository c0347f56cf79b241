"""What each bulk action asks for: the row beside its row in `crm_core/services/bulk_actions.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from crm_core.i18n import N_, _, join_words
from crm_core.permissions import Permission
from crm_core.services import tags
from crm_core.services.bulk_actions import ACTIONS
from crm_core.services.bulk_targets import Selection
from crm_core.services.library import get_library
from ui import campaign_adding, forms, guard, owner_actions

Asked = dict[str, Any]
NONE = ""
"""Chosen to empty a field."""


@dataclass(frozen=True)
class BulkForm:
    """How an action is drawn: its icon, the fields (which give nothing as long as nothing is chosen), and what its receipt says it did."""

    icon: str
    ask: Callable[[], Asked]
    tell: Callable[[Asked], str]


def _ask_tags(*, is_giving: bool) -> Asked:
    with guard.reading() as session:
        known = list(tags.list_tags(session).values())
    chosen = st.multiselect(
        forms.required(_("Tags")),
        known,
        key=guard.key("bulk_tags"),
        accept_new_options=is_giving,
        placeholder=_("Choose or type") if is_giving else _("Choose"),
    )
    return {"tags": chosen} if chosen else {}


def _tell_tags(sentence: str, asked: Asked) -> str:
    return _(sentence).format(tags=join_words(asked["tags"]))


def _ask_segment() -> Asked:
    with guard.reading() as session:
        choices = {entry.code: entry.label for entry in get_library(session).active("segment")} | {NONE: _("No segment")}
    chosen = st.selectbox(
        forms.required(_("New segment")),
        list(choices),
        index=None,
        format_func=lambda code: choices[code],
        key=guard.key("bulk_segment"),
        placeholder=_("Choose"),
    )
    return {} if chosen is None else {"segment": chosen}


def _tell_segment(asked: Asked) -> str:
    with guard.reading() as session:
        label = get_library(session).label(asked["segment"])
    return _("Segment: {segment}").format(segment=label or _("none"))


FORMS: dict[str, BulkForm] = {
    "tags_add": BulkForm("new_label", partial(_ask_tags, is_giving=True), partial(_tell_tags, N_("Tags added: {tags}"))),
    "tags_remove": BulkForm("label_off", partial(_ask_tags, is_giving=False), partial(_tell_tags, N_("Tags removed: {tags}"))),
    "segment": BulkForm("category", _ask_segment, _tell_segment),
    "archive": BulkForm("inventory_2", lambda: {"archive": True}, lambda _asked: _("Moved to the archive")),
}


@dataclass(frozen=True)
class BulkDialog:
    """An action with a receipt and an undo of its own, which its dialog ends with."""

    label: str
    icon: str
    permission: Permission
    draw: Callable[[Selection], None]


DIALOGS: dict[str, BulkDialog] = {
    "campaign": BulkDialog(N_("Add to a campaign"), "campaign", Permission.CAMPAIGN_WRITE, campaign_adding.add_selected),
    "transfer": BulkDialog(N_("Transfer"), "move_up", Permission.CUSTOMER_TRANSFER, owner_actions.transfer_many),
}


def offered() -> list[str]:
    """The actions that the user's role allows."""
    permissions = {code: action.permission for code, action in ACTIONS.items()} | {code: one.permission for code, one in DIALOGS.items()}
    return [code for code, permission in permissions.items() if guard.actor().can(permission)]


def entry(code: str) -> str:
    """An action as the menu shows it."""
    icon, label = (DIALOGS[code].icon, DIALOGS[code].label) if code in DIALOGS else (FORMS[code].icon, ACTIONS[code].label)
    return f":material/{icon}: " + _(label)
