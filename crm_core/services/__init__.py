"""What users can do, one area a file. Importing the package switches on row scope and the change log."""

from crm_core import audit, scope

__all__ = ["audit", "scope"]
