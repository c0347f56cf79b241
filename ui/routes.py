"""All pages: their file, address, title, icon and the permission that shows them in the navigation."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from crm_core.i18n import N_
from crm_core.permissions import Permission

HOME = "work/home.py"
TASKS = "work/tasks.py"
FOLLOW_UPS = "work/follow_ups.py"
OVERSIGHT = "work/oversight.py"
CALENDAR = "work/calendar.py"
CONTRACTS = "sales/contracts.py"
TARGETS = "sales/targets.py"
CUSTOMERS = "customers/list.py"
CUSTOMER = "customers/detail.py"
EDIT = "customers/edit.py"
INTAKE = "customers/intake.py"
IMPORT = "customers/imports.py"
POOL = "customers/pool.py"
TRANSFER = "customers/transfer.py"
RECEIPT = "customers/receipt.py"
REVIEWS = "customers/reviews.py"
REVIEW = "customers/review.py"
REVIEW_RULES = "admin/review_rules.py"
DUPLICATES = "customers/duplicates.py"
MERGE = "customers/merge.py"
ARCHIVE = "customers/archive.py"
BIN = "customers/bin.py"
TICKETS = "service/tickets.py"
TICKET = "service/ticket.py"
CAMPAIGNS = "marketing/campaigns.py"
CAMPAIGN = "marketing/campaign.py"
CHECK_IN = "marketing/check_in.py"
OPPORTUNITIES = "sales/opportunities.py"
PRODUCTS = "sales/products.py"
STAGES = "admin/opportunity_stages.py"
OVERVIEW = "insight/overview.py"
CHURN = "insight/churn.py"
PIVOT = "insight/pivot.py"
REPORTS = "insight/reports.py"
SETTINGS = "account/settings.py"
NOT_ME = "account/not_me.py"
USERS = "admin/users.py"
TEAMS = "admin/teams.py"
ROLES = "admin/roles.py"
LIBRARY = "admin/library.py"
INDUSTRIES = "admin/industries.py"
OUTLINES = "admin/outlines.py"
TAG_RULES = "admin/tag_rules.py"
STANDING = "admin/standing.py"
MAILS = "admin/mails.py"
JOBS = "admin/jobs.py"
BIN_RULES = "admin/bin_rules.py"
AUDIT = "admin/audit.py"
POOL_RULES = "admin/pool.py"
FOLLOW_UP_RULES = "admin/follow_up_rules.py"
SERVICE_RULES = "admin/service_rules.py"
CHURN_RULES = "admin/churn_rules.py"
FIELDS = "admin/fields.py"


@dataclass(frozen=True)
class Route:
    """One page. Without a section it is reached from other pages only."""

    file: str
    url: str
    title: str
    icon: str
    permission: Permission | None = None
    section: str = ""
    is_open: bool = False
    """Shown to somebody who is not signed in, too."""
    others: tuple[Permission, ...] = ()
    """Further permissions, each of which opens it as well."""
    entry: str = ""
    """What the navigation calls it where other pages stand behind it."""
    behind: str = ""
    """The address of the page behind whose entry it stands; all of them link to each other."""
    within: str = ""
    """The address of the page that it is opened from."""

    def opens_for(self, permissions: frozenset[str]) -> bool:
        """Whether a role with these permissions opens it."""
        return self.permission is None or not permissions.isdisjoint((self.permission, *self.others))


WORK, CARE = N_("Work"), N_("Customer upkeep")
MANAGEMENT, SALES, SERVICE, INSIGHT = N_("Customer management"), N_("Sales"), N_("Customer service"), N_("Insight")
MARKETING = N_("Marketing")
RULES, ADMINISTRATION = N_("Rules and fields"), N_("Administration")

ROUTES = (
    Route(HOME, "", N_("Workbench"), "space_dashboard", Permission.CUSTOMER_READ, WORK),
    Route(TASKS, "tasks", N_("Tasks"), "task_alt", Permission.CUSTOMER_READ, WORK),
    Route(FOLLOW_UPS, "follow-ups", N_("Follow-ups"), "forum", Permission.CUSTOMER_READ, WORK),
    Route(
        OVERSIGHT,
        "oversight",
        N_("Follow-up oversight"),
        "visibility",
        Permission.CUSTOMER_EDIT,
        others=(Permission.DASHBOARD_READ,),
        behind="follow-ups",
    ),
    Route(CALENDAR, "calendar", N_("Calendar"), "calendar_month", Permission.CUSTOMER_READ, WORK),
    Route(REVIEWS, "reviews", N_("Reviews"), "rate_review", Permission.CUSTOMER_CREATE, WORK, others=(Permission.CUSTOMER_REVIEW,)),
    Route(
        REVIEW,
        "review",
        N_("Entry under review"),
        "rate_review",
        Permission.CUSTOMER_CREATE,
        others=(Permission.CUSTOMER_REVIEW,),
        within="reviews",
    ),
    Route(CUSTOMERS, "customers", N_("Customer list"), "groups", Permission.CUSTOMER_READ, MANAGEMENT),
    Route(INTAKE, "intake", N_("Customer intake"), "person_add", Permission.CUSTOMER_CREATE, MANAGEMENT),
    Route(POOL, "pool", N_("Customer pool"), "water", Permission.POOL_CLAIM, MANAGEMENT),
    Route(CUSTOMER, "customer", N_("Customer"), "person", Permission.CUSTOMER_READ, within="customers"),
    Route(EDIT, "edit", N_("Edit customer"), "edit", Permission.CUSTOMER_EDIT, within="customers"),
    Route(OPPORTUNITIES, "opportunities", N_("Opportunities"), "trending_up", Permission.OPPORTUNITY_READ, SALES),
    Route(CONTRACTS, "contracts", N_("Contracts"), "contract", Permission.CONTRACT_READ, SALES),
    Route(PRODUCTS, "products", N_("Products"), "inventory", Permission.OPPORTUNITY_READ, SALES),
    Route(TARGETS, "targets", N_("Sales targets"), "flag", Permission.CONTRACT_READ, SALES, others=(Permission.TARGET_EDIT,)),
    Route(TICKETS, "tickets", N_("Tickets"), "confirmation_number", Permission.TICKET_READ, SERVICE),
    Route(TICKET, "ticket", N_("Ticket"), "confirmation_number", Permission.TICKET_READ, within="tickets"),
    Route(CAMPAIGNS, "campaigns", N_("Campaigns"), "campaign", Permission.CAMPAIGN_READ, MARKETING),
    Route(CAMPAIGN, "campaign", N_("Campaign"), "campaign", Permission.CAMPAIGN_READ, within="campaigns"),
    Route(
        IMPORT,
        "import",
        N_("Data import"),
        "upload_file",
        Permission.CUSTOMER_IMPORT,
        CARE,
        others=(Permission.PRODUCT_EDIT, Permission.USER_EDIT),
    ),
    Route(TRANSFER, "transfer", N_("Transfer"), "move_up", Permission.CUSTOMER_TRANSFER, CARE),
    Route(DUPLICATES, "duplicates", N_("Suspected duplicates"), "content_copy", Permission.CUSTOMER_MERGE, CARE),
    Route(ARCHIVE, "archive", N_("Archived customers"), "inventory_2", Permission.CUSTOMER_READ, CARE),
    Route(BIN, "bin", N_("Recycle bin"), "delete", Permission.CUSTOMER_RESTORE, CARE),
    Route(RECEIPT, "receipt", N_("Transfer receipt"), "receipt_long", Permission.CUSTOMER_READ, within="transfer"),
    Route(MERGE, "merge", N_("Merge customers"), "merge", Permission.CUSTOMER_MERGE, within="duplicates"),
    Route(OVERVIEW, "overview", N_("Dashboards"), "monitoring", Permission.DASHBOARD_READ, INSIGHT),
    Route(CHURN, "churn", N_("Churn warning"), "trending_down", Permission.CHURN_READ, INSIGHT),
    Route(PIVOT, "pivot", N_("Pivot analysis"), "pivot_table_chart", Permission.DASHBOARD_READ, INSIGHT),
    Route(REPORTS, "reports", N_("Reports"), "lab_profile", Permission.CUSTOMER_EXPORT, INSIGHT),
    Route(FIELDS, "fields", N_("Fields"), "dynamic_form", Permission.RULE_EDIT, RULES),
    Route(REVIEW_RULES, "review-rules", N_("Review rules"), "fact_check", Permission.RULE_EDIT, RULES, entry=N_("Rules")),
    Route(POOL_RULES, "pool-rules", N_("Pool and transfer rules"), "recycling", Permission.RULE_EDIT, behind="review-rules"),
    Route(FOLLOW_UP_RULES, "follow-up-rules", N_("Follow-up rules"), "forum", Permission.RULE_EDIT, behind="review-rules"),
    Route(STAGES, "opportunity-stages", N_("Stages of opportunities"), "view_kanban", Permission.RULE_EDIT, behind="review-rules"),
    Route(TAG_RULES, "tag-rules", N_("Tag rules"), "sell", Permission.RULE_EDIT, behind="review-rules"),
    Route(STANDING, "standing", N_("Tier, status and verification"), "speed", Permission.RULE_EDIT, behind="review-rules"),
    Route(SERVICE_RULES, "service-rules", N_("Service rules"), "support_agent", Permission.RULE_EDIT, behind="review-rules"),
    Route(CHURN_RULES, "churn-rules", N_("Churn warning rules"), "trending_down", Permission.RULE_EDIT, behind="review-rules"),
    Route(BIN_RULES, "bin-rules", N_("Recycle bin rules"), "auto_delete", Permission.RULE_EDIT, behind="review-rules"),
    Route(LIBRARY, "library", N_("Preset library"), "list_alt", Permission.LIBRARY_EDIT, RULES),
    Route(INDUSTRIES, "industries", N_("Suggested industries"), "factory", Permission.LIBRARY_EDIT, behind="library"),
    Route(OUTLINES, "outlines", N_("Talking points"), "quiz", Permission.LIBRARY_EDIT, behind="library"),
    Route(USERS, "users", N_("Accounts"), "badge", Permission.USER_EDIT, ADMINISTRATION),
    Route(TEAMS, "teams", N_("Teams"), "account_tree", Permission.USER_EDIT, ADMINISTRATION),
    Route(ROLES, "roles", N_("Roles"), "rule_settings", Permission.ROLE_EDIT, ADMINISTRATION),
    Route(MAILS, "mails", N_("Outgoing messages"), "outgoing_mail", Permission.USER_EDIT, ADMINISTRATION),
    Route(JOBS, "jobs", N_("Jobs"), "schedule", Permission.USER_EDIT, ADMINISTRATION),
    Route(AUDIT, "audit", N_("Audit log"), "policy", Permission.AUDIT_READ, ADMINISTRATION),
    Route(SETTINGS, "settings", N_("Personal settings"), "manage_accounts"),
    Route(CHECK_IN, "check-in", N_("Check-in"), "how_to_reg", is_open=True),
    Route(NOT_ME, "not-me", N_("This was not me"), "gpp_bad", is_open=True),
)

OPEN = frozenset(route.url for route in ROUTES if route.is_open)


def beside(url: str) -> list[Route]:
    """The pages that share an entry of the navigation with this one, itself among them; none where it has its own."""
    first = next((route.behind or route.url for route in ROUTES if route.url == url), "")
    found = [route for route in ROUTES if first and first in (route.url, route.behind)]
    return found if len(found) > 1 else []


def entry_of(url: str) -> str:
    """The address of the entry under which the navigation shows a page that is none itself; empty for all others."""
    return next((route.behind or route.within for route in ROUTES if route.url == url), "")


_URLS = {route.file: route.url for route in ROUTES}


def parse(path: str) -> tuple[str, dict[str, str]]:
    """File and query of a path within this system; the home page for one that leads nowhere."""
    parts = urlsplit(path)
    file = next((route.file for route in ROUTES if f"/{route.url}" == parts.path), HOME)
    return file, dict(parse_qsl(parts.query))


def file_of(url: str) -> str:
    """The file of the page at an address."""
    return next(route.file for route in ROUTES if route.url == url)


def path_to(file: str, query: Mapping[str, str]) -> str:
    """The path of a page within this system."""
    url = _URLS[file]
    return f"/{url}?{urlencode(query)}" if query else f"/{url}"
