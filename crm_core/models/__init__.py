"""All models, so that `Base.metadata` is complete."""

from crm_core.models.attachment import Attachment
from crm_core.models.base import Base
from crm_core.models.change_log import ChangeLog
from crm_core.models.contact import Contact
from crm_core.models.counter import Counter
from crm_core.models.customer import (
    DECISION_ROLES,
    KINDS,
    SALES_STAGES,
    STAGES,
    TIERS,
    Customer,
    Kind,
    LifecycleStage,
)
from crm_core.models.draft import Draft
from crm_core.models.import_batch import ImportBatch
from crm_core.models.library import (
    CATEGORIES,
    Industry,
    IndustrySuggestion,
    OutlineQuestion,
    Preset,
    SuggestionState,
)
from crm_core.models.tag import CustomerTag, Tag
from crm_core.models.user import Role, SignInTicket, Team, User, UserSession

__all__ = [
    "CATEGORIES",
    "DECISION_ROLES",
    "KINDS",
    "SALES_STAGES",
    "STAGES",
    "TIERS",
    "Attachment",
    "Base",
    "ChangeLog",
    "Contact",
    "Counter",
    "Customer",
    "CustomerTag",
    "Draft",
    "ImportBatch",
    "Industry",
    "IndustrySuggestion",
    "Kind",
    "LifecycleStage",
    "OutlineQuestion",
    "Preset",
    "Role",
    "SignInTicket",
    "SuggestionState",
    "Tag",
    "Team",
    "User",
    "UserSession",
]
