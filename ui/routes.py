"""All pages: their file, address, title, icon and the permission that shows them in the navigation."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from crm_core.i18n import N_
from crm_core.permissions import Actor, Permission

HOME = "work/home.py"
TASKS = "work/tasks.py"
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
OVERVIEW = "insight/overview.py"
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
AUDIT = "admin/audit.py"
FIELDS = "admin/fields.py"
POOL_RULES = "admin/pool.py"


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

    def opens_for(self, actor: Actor) -> bool:
        """Whether the actor's role opens it."""
        return self.permission is None or any(actor.can(one) for one in (self.permission, *self.others))


ROUTES = (
    Route(HOME, "home", N_("Home"), "home"),
    Route(TASKS, "tasks", N_("Tasks"), "task_alt", Permission.CUSTOMER_READ, N_("Work")),
    Route(CUSTOMERS, "customers", N_("Customer list"), "groups", Permission.CUSTOMER_READ, N_("Customer management")),
    Route(INTAKE, "intake", N_("Customer intake"), "person_add", Permission.CUSTOMER_CREATE, N_("Customer management")),
    Route(IMPORT, "import", N_("Import customers"), "upload_file", Permission.CUSTOMER_IMPORT, N_("Customer management")),
    Route(POOL, "pool", N_("Customer pool"), "water", Permission.POOL_CLAIM, N_("Customer management")),
    Route(TRANSFER, "transfer", N_("Transfer"), "move_up", Permission.CUSTOMER_TRANSFER, N_("Customer management")),
    Route(RECEIPT, "receipt", N_("Transfer receipt"), "receipt_long", Permission.CUSTOMER_READ),
    Route(
        REVIEWS,
        "reviews",
        N_("Reviews"),
        "rate_review",
        Permission.CUSTOMER_CREATE,
        N_("Customer management"),
        others=(Permission.CUSTOMER_REVIEW,),
    ),
    Route(REVIEW, "review", N_("Entry under review"), "rate_review", Permission.CUSTOMER_CREATE, others=(Permission.CUSTOMER_REVIEW,)),
    Route(CUSTOMER, "customer", N_("Customer"), "person", Permission.CUSTOMER_READ),
    Route(EDIT, "edit", N_("Edit customer"), "edit", Permission.CUSTOMER_EDIT),
    Route(OVERVIEW, "overview", N_("Customer overview"), "donut_small", Permission.DASHBOARD_READ, N_("Insight")),
    Route(SETTINGS, "settings", N_("Personal settings"), "manage_accounts"),
    Route(NOT_ME, "not-me", N_("This was not me"), "gpp_bad", is_open=True),
    Route(USERS, "users", N_("Accounts"), "badge", Permission.USER_EDIT, N_("Administration")),
    Route(TEAMS, "teams", N_("Teams"), "account_tree", Permission.USER_EDIT, N_("Administration")),
    Route(ROLES, "roles", N_("Roles"), "rule_settings", Permission.ROLE_EDIT, N_("Administration")),
    Route(FIELDS, "fields", N_("Fields"), "dynamic_form", Permission.RULE_EDIT, N_("Administration")),
    Route(LIBRARY, "library", N_("Preset library"), "list_alt", Permission.LIBRARY_EDIT, N_("Administration")),
    Route(INDUSTRIES, "industries", N_("Suggested industries"), "factory", Permission.LIBRARY_EDIT, N_("Administration")),
    Route(OUTLINES, "outlines", N_("Talking points"), "quiz", Permission.LIBRARY_EDIT, N_("Administration")),
    Route(POOL_RULES, "pool-rules", N_("Pool and transfer"), "recycling", Permission.RULE_EDIT, N_("Administration")),
    Route(REVIEW_RULES, "review-rules", N_("Review rules"), "fact_check", Permission.RULE_EDIT, N_("Administration")),
    Route(TAG_RULES, "tag-rules", N_("Tag rules"), "sell", Permission.RULE_EDIT, N_("Administration")),
    Route(STANDING, "standing", N_("Tier, status, verification"), "speed", Permission.RULE_EDIT, N_("Administration")),
    Route(MAILS, "mails", N_("Outgoing mails"), "outgoing_mail", Permission.USER_EDIT, N_("Administration")),
    Route(AUDIT, "audit", N_("Audit log"), "policy", Permission.AUDIT_READ, N_("Administration")),
)

OPEN = frozenset(route.url for route in ROUTES if route.is_open)


def parse(path: str) -> tuple[str, dict[str, str]]:
    """File and query of a path within this system; the home page for one that leads nowhere."""
    parts = urlsplit(path)
    file = next((route.file for route in ROUTES if f"/{route.url}" == parts.path), HOME)
    return file, dict(parse_qsl(parts.query))
