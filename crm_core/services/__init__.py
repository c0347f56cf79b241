"""What users can do, one area a file. Importing the package switches on row scope, the change log and the revisions."""

from crm_core import audit, revisions, scope

__all__ = ["audit", "revisions", "scope"]
