"""Records without a version: a save names what its form showed, and is refused where somebody changed that meanwhile."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from crm_core.errors import Conflict
from crm_core.i18n import _

NOTHING: Mapping[str, Any] = MappingProxyType({})
"""What a change that comes from no form has seen."""


def refuse_changed(record: Any, seen: Mapping[str, Any]) -> None:
    """Raise `Conflict` where values of a record are not any more those that the form was opened with."""
    present = {name: getattr(record, name) for name in seen}
    if present != dict(seen):
        sentence = _("Somebody else changed this meanwhile. Close this window to see it as it is now, then enter your change again.")
        raise Conflict(version=0, theirs=present, message=sentence)
