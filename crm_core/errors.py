"""The errors that a user can act on; each carries a finished sentence in the user's language."""

from collections.abc import Mapping
from typing import Any

from crm_core.i18n import _


class CrmError(Exception):
    """Something the user asked for cannot be done; `str(error)` says why and what to do next."""


class ValidationFailed(CrmError):
    """Some values break their rules; `errors` maps a field's name to its sentences."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        self.errors = dict(errors)
        super().__init__(_("Some entries need correction. Each one is explained at its field."))


class NotAllowed(CrmError):
    """The actor lacks a permission, or its role draws a narrower line, which `message` then tells."""

    def __init__(self, permission: str, message: str | None = None) -> None:
        self.permission = permission
        super().__init__(message or _("Your role does not allow this. Ask an administrator for the permission you need."))


class NotFound(CrmError):
    """The record does not exist, was deleted, or lies outside what the actor may see."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or _("This record no longer exists or is not visible to you. Go back to the list."))


class Conflict(CrmError):
    """Somebody else changed the record meanwhile; `theirs` holds their present values of the fields in question."""

    def __init__(self, *, version: int, theirs: Mapping[str, Any], message: str | None = None) -> None:
        self.version = version
        self.theirs = dict(theirs)
        super().__init__(message or _("Somebody else saved this record while you were editing it. Compare both versions and choose."))


class IllegalTransition(CrmError):
    """A state cannot be reached from the present one."""


class FileRefused(CrmError):
    """An uploaded or imported file cannot be used."""


class SignInRefused(CrmError):
    """Account and password do not let the person in."""
