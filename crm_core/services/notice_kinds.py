"""The kinds of notices: what each says, with which icon, and as which kind of message it leaves the app."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from crm_core.i18n import N_, _, format_money, format_time, plural
from crm_core.models import title_of
from crm_core.places import place_label


@dataclass(frozen=True)
class Kind:
    """What notices of one kind say. `shown` turns values of a notice into words of the reader's language.

    `message` is the kind of `channels.KINDS` as which it leaves the app, if it does; `names` are the values that name a customer.
    """

    title: str
    sentence: str
    icon: str
    shown: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)
    message: str | None = None
    names: tuple[str, ...] = ("customer",)
    one: str = ""
    """The sentence where `count` is one, if it reads otherwise."""


_TASK: dict[str, Callable[[Any], str]] = {"task": lambda kind_and_name: title_of(*kind_and_name)}
_TIME: dict[str, Callable[[Any], str]] = {"time": lambda text: format_time(datetime.fromisoformat(text))}
_DAYS: dict[str, Callable[[Any], str]] = {"days": lambda days: plural(days, N_("{count} day"), N_("{count} days")).format(count=days)}


KINDS: dict[str, Kind] = {
    "new_sign_in": Kind(
        N_("Sign-in from a new device or place"),
        N_("{time}, {place}, {device}. If this was not you, open this notice and say so."),
        "travel_explore",
        {
            "time": lambda text: format_time(datetime.fromisoformat(text)),
            "place": place_label,
            "device": lambda text: text or _("unknown device"),
        },
    ),
    "account_blocked": Kind(
        N_("Account blocked"),
        N_("{name} ({username}) says that somebody else signed in. Speak with them, then give the account a new one-time password."),
        "gpp_bad",
    ),
    "customers_received": Kind(
        N_("Customers handed over to you"),
        N_("{actor} handed {count} customers over to you, with their open tasks: {reason}"),
        "move_to_inbox",
        message="customers",
        one=N_("{actor} handed {count} customer over to you, with its open tasks: {reason}"),
    ),
    "customers_given": Kind(
        N_("Your customers were handed over"),
        N_("{actor} handed {count} of your customers over to {name}: {reason}"),
        "outbox",
        message="customers",
    ),
    "customers_back": Kind(
        N_("A transfer was undone"),
        N_("{actor} undid a transfer: {count} customers are yours again."),
        "assignment_return",
        message="customers",
        one=N_("{actor} undid a transfer: {count} customer is yours again."),
    ),
    "customers_taken": Kind(
        N_("A transfer was undone"),
        N_("{actor} undid a transfer: {count} customers went back from you."),
        "assignment_return",
        message="customers",
        one=N_("{actor} undid a transfer: {count} customer went back from you."),
    ),
    "pool_soon": Kind(
        N_("Customers soon go back to the pool"),
        N_("{count} of your customers go back to the pool within {days} unless there is contact with them. Open the list."),
        "hourglass_bottom",
        _DAYS,
        message="pool",
        one=N_("{count} of your customers goes back to the pool within {days} unless there is contact with it. Open the list."),
    ),
    "pool_recycled": Kind(
        N_("Customers went back to the pool"),
        N_("{count} of your customers went back to the pool, since there was no contact with them for too long."),
        "water",
        message="pool",
        one=N_("{count} of your customers went back to the pool, since there was no contact with it for too long."),
    ),
    "pool_released": Kind(
        N_("One of your customers is in the pool"),
        N_("{actor} released {name} into the pool: {reason}"),
        "water",
        message="pool",
        names=("name",),
    ),
    "review_asked": Kind(
        N_("Entry to review"), N_("{name} submitted {customer}. It waits for your review."), "rate_review", message="reviews"
    ),
    "review_imported": Kind(
        N_("Entries to review"),
        N_("{name} imported {count} customers. They wait for your review."),
        "rate_review",
        message="reviews",
        one=N_("{name} imported {count} customer. It waits for your review."),
    ),
    "review_again": Kind(
        N_("Entry corrected"), N_("{name} corrected {customer} and submitted it again."), "rate_review", message="reviews"
    ),
    "review_withdrawn": Kind(
        N_("Entry withdrawn"), N_("{name} withdrew {customer}. There is nothing to review any more."), "undo", message="reviews"
    ),
    "review_approved": Kind(
        N_("Entry approved"), N_("{name} approved {customer}. The first follow-up is due until {day}."), "task_alt", message="entries"
    ),
    "review_returned": Kind(
        N_("Entry returned"),
        N_("{name} returned {customer}: {reason} Correct it and submit it again until {time}."),
        "assignment_return",
        _TIME,
        message="entries",
    ),
    "review_overdue": Kind(
        N_("Correction overdue"),
        N_("{customer} by {name} was to be corrected until {time} and was not submitted again."),
        "assignment_late",
        _TIME,
        message="entries",
    ),
    "task_assigned": Kind(
        N_("New task"),
        N_("{task}, due {time}."),
        "task_alt",
        _TASK | _TIME,
        message="tasks",
    ),
    "task_overdue": Kind(
        N_("Task overdue"),
        N_("{task}, was due {time}."),
        "alarm",
        _TASK | _TIME,
        message="overdue",
    ),
    "task_due_soon": Kind(
        N_("Task due soon"),
        N_("{task}, due {time}."),
        "notifications_active",
        _TASK | _TIME,
        message="due",
    ),
    "task_commented": Kind(
        N_("Comment on a task"),
        N_("{actor} on {task}: {text}"),
        "comment",
        _TASK,
        message="tasks",
    ),
    "tasks_passed_on": Kind(
        N_("Tasks passed on to you"),
        N_("{actor} passed {count} tasks on to you."),
        "assignment_ind",
        message="tasks",
        one=N_("{actor} passed {count} task on to you."),
    ),
    "opportunity_given": Kind(
        N_("Opportunity for you"),
        N_("{actor} gave you {code} “{text}” of {customer}."),
        "trending_up",
        message="customers",
    ),
    "ticket_assigned": Kind(
        N_("Ticket for you"),
        N_("{actor} gave you {code} “{text}” of {customer}, due {time}."),
        "confirmation_number",
        _TIME,
        message="tickets",
    ),
    "complaint_entered": Kind(
        N_("Complaint of one of your customers"),
        N_("{customer}: “{text}”. {actor} entered {code}, due {time}."),
        "sentiment_dissatisfied",
        _TIME,
        message="complaints",
    ),
    "ticket_reopened": Kind(
        N_("Ticket opened again"),
        N_("{actor} opened {code} “{text}” of {customer} again, due {time}."),
        "replay",
        _TIME,
        message="tickets",
    ),
    "ticket_due_soon": Kind(
        N_("Ticket due soon"), N_("{code} “{text}” of {customer}, due {time}."), "notifications_active", _TIME, message="tickets_due"
    ),
    "ticket_overdue": Kind(
        N_("Ticket overdue"), N_("{code} “{text}” of {customer}, was due {time}."), "alarm", _TIME, message="tickets_due"
    ),
    "customer_attended": Kind(N_("One of your customers is here"), N_("{customer} has just arrived at “{text}”."), "how_to_reg"),
    "mentioned": Kind(
        N_("You were mentioned"), N_("{actor} mentioned you in a follow-up of {customer}: {text}"), "alternate_email", message="mentions"
    ),
    "first_follow_up_due": Kind(
        N_("First follow-up due"), N_("The first follow-up of {customer} is due until {day}."), "schedule", message="first_follow_up"
    ),
    "first_follow_up_late": Kind(
        N_("First follow-up overdue"), N_("The first follow-up of {customer} was due until {day}."), "alarm", message="first_follow_up"
    ),
    "contract_ending": Kind(
        N_("Contract ending"), N_("Contract {number} of {customer} ends on {day}."), "event_upcoming", message="contracts"
    ),
    "payment_overdue": Kind(
        N_("Payment overdue"),
        N_("{amount} of contract {number} of {customer} were due on {day} and did not come."),
        "money_off",
        {"amount": lambda text: format_money(Decimal(text))},
        message="contracts",
    ),
    "churn_high": Kind(
        N_("Customer at risk"),
        N_("{customer} is at high risk of being lost: {count} of 100. Open it to see why, and begin a win-back plan."),
        "trending_down",
        message="churn",
    ),
    "review_due_soon": Kind(
        N_("Correction due soon"),
        N_("{customer} was returned to you. Correct it and submit it again until {time}."),
        "hourglass_bottom",
        _TIME,
        message="entries",
    ),
    "reviews_waiting": Kind(
        N_("Entries to review"),
        N_("{count} entries wait for your review. Open the list and decide."),
        "rate_review",
        message="reviews",
        one=N_("{count} entry waits for your review. Open the list and decide."),
    ),
    "verifications_due": Kind(
        N_("Customers to verify"),
        N_("The data of {count} customers have to be checked."),
        "fact_check",
        message="verifications",
        one=N_("The data of {count} customer have to be checked."),
    ),
    "customer_deleted": Kind(
        N_("Customer deleted"), N_("{person} moved {name} to the recycle bin. {reason}"), "delete", message="customers", names=("name",)
    ),
    "customer_archived": Kind(
        N_("Customer archived"), N_("{person} archived {name}. {reason}"), "inventory_2", message="customers", names=("name",)
    ),
    "customers_archived": Kind(
        N_("Customers archived"), N_("{person} archived {count} of your customers. {reason}"), "inventory_2", message="customers"
    ),
    "customer_merged": Kind(
        N_("Customers merged"), N_("{person} merged {name} into {kept}. {reason}"), "merge", message="customers", names=("name", "kept")
    ),
    "merge_undone": Kind(
        N_("Merge undone"),
        N_("{person} took {name} and {kept} apart again. {reason}"),
        "call_split",
        message="customers",
        names=("name", "kept"),
    ),
    "report_ready": Kind(N_("Report ready"), N_("The report “{text}” can be downloaded."), "lab_profile"),
    "report_scheduled": Kind(
        N_("Scheduled report ready"),
        N_("“{text}” of {day} can be downloaded. It was computed with what you may see; open it after signing in."),
        "lab_profile",
        message="reports",
    ),
    "report_failed": Kind(N_("Report failed"), N_("The report “{text}” could not be built: {reason}"), "error"),
    "industry_accepted": Kind(
        N_("Suggested industry accepted"), N_("“{text}” is in the library now, and the customers waiting for it have it."), "factory"
    ),
    "industry_mapped": Kind(
        N_("Suggested industry mapped"),
        N_("“{text}” counts as an entry of the library; the customers waiting for it have that one."),
        "factory",
    ),
    "industry_refused": Kind(
        N_("Suggested industry refused"),
        N_("“{text}” was refused: {remark}. Choose another industry for the customers waiting for it."),
        "factory",
    ),
}
"""Every kind of notice. A new one is a row here; its values come with `notify`."""
