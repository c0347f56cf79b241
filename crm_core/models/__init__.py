"""All models, so that `Base.metadata` is complete."""

from crm_core.models.attachment import Attachment
from crm_core.models.base import Base
from crm_core.models.batch import Batch
from crm_core.models.campaign import (
    CAMPAIGN_MOVES,
    CAMPAIGN_STATES,
    STEPS,
    Campaign,
    CampaignMove,
    CampaignState,
    Participation,
    Step,
)
from crm_core.models.change_log import ACTIONS, ChangeLog, LogSeal
from crm_core.models.churn import CHURN_BANDS, PLAN_OUTCOMES, ChurnPlan, ChurnPlanTask, ChurnScore
from crm_core.models.contact import Contact
from crm_core.models.contract import CONTRACT_STATES, Contract, ContractLine, Payment, PlannedPayment
from crm_core.models.counter import Counter
from crm_core.models.custom_field import FIELD_TYPES, CustomField, FieldType
from crm_core.models.customer import DECISION_ROLES, KINDS, SALES_STAGES, Customer, Kind
from crm_core.models.draft import Draft
from crm_core.models.duplicate_pair import DuplicatePair
from crm_core.models.edit_draft import EditDraft
from crm_core.models.follow_up import METHODS, FollowUp, FollowUpDraft, FollowUpMention
from crm_core.models.import_batch import ImportBatch
from crm_core.models.job import Job, Lease
from crm_core.models.library import CATEGORIES, Industry, IndustrySuggestion, OutlineQuestion, Preset, SuggestionState
from crm_core.models.lifecycle import ACTIVITIES, MOVES, PLACES, STAGES, TIERS, ActivityStatus, Demand, LifecycleStage, Place
from crm_core.models.merge import Merge
from crm_core.models.message import Notice, OutboxMessage
from crm_core.models.movement import OWNER_CAUSES, OwnerChange, StageChange
from crm_core.models.opportunity import (
    ATTITUDES,
    DEFAULT_STAGES,
    OUTCOMES,
    Opportunity,
    OpportunityContact,
    OpportunityLine,
    OpportunityMove,
    OpportunityStage,
    Outcome,
)
from crm_core.models.policy import Policy
from crm_core.models.product import Product, ProductPrice
from crm_core.models.reminder import ROBOTS, CalendarFeed, ReminderSetting, Robot
from crm_core.models.report import REPORT_STATES, RHYTHMS, Report, ReportReceiver, ReportSchedule
from crm_core.models.review import REVIEW_MOVES, REVIEW_STATES, TRANSITIONS, Move, Review, ReviewAsked, ReviewState, ReviewStep
from crm_core.models.saved_view import ListPreference, SavedView
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
from crm_core.models.tag import CustomerTag, Tag, TagRefusal, TagRule
from crm_core.models.target import MEASURES_OF_TARGETS, Target
from crm_core.models.task import PRIORITIES, TASK_KINDS, TASK_STATES, Task, TaskComment, TaskState, TaskStep, title_of
from crm_core.models.ticket import (
    SCORES,
    TICKET_MOVES,
    TICKET_PRIORITIES,
    TICKET_STATES,
    TICKET_TYPES,
    Ticket,
    TicketAnswer,
    TicketMove,
    TicketState,
    TicketStep,
    TicketWay,
)
from crm_core.models.user import Role, Team, User

__all__ = [
    "ACTIONS",
    "ACTIVITIES",
    "ATTITUDES",
    "CAMPAIGN_MOVES",
    "CAMPAIGN_STATES",
    "CATEGORIES",
    "CHURN_BANDS",
    "CONTRACT_STATES",
    "DECISION_ROLES",
    "DEFAULT_STAGES",
    "FIELD_TYPES",
    "KINDS",
    "MEASURES_OF_TARGETS",
    "METHODS",
    "MOVES",
    "OUTCOMES",
    "OWNER_CAUSES",
    "PLACES",
    "PLAN_OUTCOMES",
    "PRIORITIES",
    "REPORT_STATES",
    "REVIEW_MOVES",
    "REVIEW_STATES",
    "RHYTHMS",
    "ROBOTS",
    "SALES_STAGES",
    "SCORES",
    "STAGES",
    "STEPS",
    "TASK_KINDS",
    "TASK_STATES",
    "TICKET_MOVES",
    "TICKET_PRIORITIES",
    "TICKET_STATES",
    "TICKET_TYPES",
    "TIERS",
    "TRANSITIONS",
    "AccountLink",
    "ActivityStatus",
    "Attachment",
    "Base",
    "Batch",
    "CalendarFeed",
    "Campaign",
    "CampaignMove",
    "CampaignState",
    "ChangeLog",
    "ChurnPlan",
    "ChurnPlanTask",
    "ChurnScore",
    "Contact",
    "Contract",
    "ContractLine",
    "Counter",
    "CustomField",
    "Customer",
    "CustomerTag",
    "Demand",
    "Draft",
    "DuplicatePair",
    "EditDraft",
    "FieldType",
    "FollowUp",
    "FollowUpDraft",
    "FollowUpMention",
    "ImportBatch",
    "Industry",
    "IndustrySuggestion",
    "Job",
    "Kind",
    "KnownDevice",
    "KnownPlace",
    "Lease",
    "LifecycleStage",
    "ListPreference",
    "LogSeal",
    "Merge",
    "Move",
    "Notice",
    "OldPassword",
    "Opportunity",
    "OpportunityContact",
    "OpportunityLine",
    "OpportunityMove",
    "OpportunityStage",
    "OutboxMessage",
    "Outcome",
    "OutlineQuestion",
    "OwnerChange",
    "Participation",
    "Payment",
    "Place",
    "PlannedPayment",
    "Policy",
    "Preset",
    "Product",
    "ProductPrice",
    "RecoveryCode",
    "ReminderSetting",
    "Report",
    "ReportReceiver",
    "ReportSchedule",
    "Review",
    "ReviewAsked",
    "ReviewState",
    "ReviewStep",
    "Robot",
    "Role",
    "SavedView",
    "SignInFailure",
    "SignInTicket",
    "StageChange",
    "Step",
    "SuggestionState",
    "Tag",
    "TagRefusal",
    "TagRule",
    "Target",
    "Task",
    "TaskComment",
    "TaskState",
    "TaskStep",
    "Team",
    "Ticket",
    "TicketAnswer",
    "TicketMove",
    "TicketState",
    "TicketStep",
    "TicketWay",
    "User",
    "UserSession",
    "title_of",
]
