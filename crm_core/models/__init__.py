"""All models, so that `Base.metadata` is complete."""

from crm_core.models.attachment import Attachment
from crm_core.models.base import Base
from crm_core.models.change_log import ACTIONS, ChangeLog, LogSeal
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
from crm_core.models.message import Notice, OutboxMessage
from crm_core.models.sign_in import (
    AccountLink,
    KnownDevice,
    KnownPlace,
    OldPassword,
    RecoveryCode,
    SignInFailure,
    SignInTicket,
    UserSession,
)
from crm_core.models.tag import CustomerTag, Tag
from crm_core.models.user import Role, Team, User

__all__ = [
    "ACTIONS",
    "CATEGORIES",
    "DECISION_ROLES",
    "KINDS",
    "SALES_STAGES",
    "STAGES",
    "TIERS",
    "AccountLink",
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
    "KnownDevice",
    "KnownPlace",
    "LifecycleStage",
    "LogSeal",
    "Notice",
    "OldPassword",
    "OutboxMessage",
    "OutlineQuestion",
    "Preset",
    "RecoveryCode",
    "Role",
    "SignInFailure",
    "SignInTicket",
    "SuggestionState",
    "Tag",
    "Team",
    "User",
    "UserSession",
]
