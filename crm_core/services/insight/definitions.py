"""What each figure means: what is counted or divided, by which date, and from which records."""

from dataclasses import dataclass

from crm_core.i18n import N_

ENTRY, EVENT, TODAY = N_("day of entry"), N_("day on which it happened"), N_("as it stands today")
CLOSING, SIGNING, DUE = N_("day on which it was won or lost"), N_("day of signing"), N_("day on which it was due")
RECORDS, MOVES, FOLLOW_UPS = N_("customer records"), N_("changes of customer type"), N_("follow-up records")
CONTRACTS, OPPORTUNITIES, TICKETS = N_("contract records"), N_("opportunity records"), N_("ticket records")


@dataclass(frozen=True)
class Definition:
    """One measure. All texts are phrases to translate."""

    title: str
    rule: str
    """What is counted; of a rate, what is divided by what."""
    basis: str
    """The date by which something belongs to a period."""
    source: str = RECORDS
    """The records that it is counted from."""


SCOPE = N_("Only customers in the library that you may see are counted, with what belongs to them: none that are archived or deleted.")
"""Holds for every figure."""

DEFINITIONS: dict[str, Definition] = {
    "customers": Definition(N_("Customers"), N_("Customers entered up to the last day of the period."), TODAY),
    "tier_a": Definition(N_("Share of tier A"), N_("Customers of tier A ÷ customers entered up to the end of the period."), TODAY),
    "active": Definition(
        N_("Share of active customers"), N_("Customers of the status active ÷ customers entered up to the end of the period."), TODAY
    ),
    "new_customers": Definition(N_("New customers"), N_("Customers entered in the period."), ENTRY),
    "conversion": Definition(N_("Customer conversion rate"), N_("Entered in the period and won today ÷ entered in the period."), ENTRY),
    "stage_conversion": Definition(
        N_("Stage conversion rate"),
        N_(
            "Of the customers that entered a type in the period, those that entered the next one afterwards"
            " ÷ all that entered it. A re-entry counts once."
        ),
        N_("day of entry into the type"),
        MOVES,
    ),
    "cohort": Definition(
        N_("Conversion by month of entry"),
        N_("Of the customers entered in a month, those that were won within so many months after it ÷ all entered in it."),
        ENTRY,
        MOVES,
    ),
    "time_to_convert": Definition(
        N_("Days until won"),
        N_("Days from the entry of a customer until it was won for the first time; customers entered as won are left out."),
        N_("day on which it was won first"),
        MOVES,
    ),
    "churn": Definition(
        N_("Churn rate"),
        N_("Customers that were won at the start of the period and lost at its end ÷ customers that were won at the start."),
        N_("type at the start and at the end of the period"),
        MOVES,
    ),
    "follow_ups": Definition(N_("Follow-ups"), N_("Follow-ups made in the period."), EVENT, FOLLOW_UPS),
    "followed": Definition(N_("Customers followed up"), N_("Different customers with a follow-up in the period."), EVENT, FOLLOW_UPS),
    "success": Definition(
        N_("Follow-up success rate"),
        N_(
            "Customers followed in the period that reached a later customer type or follow-up state within 30 days of a follow-up"
            " ÷ customers followed in the period."
        ),
        N_("day of the follow-up"),
        FOLLOW_UPS,
    ),
    "first_follow_up": Definition(
        N_("First follow-up in time"),
        N_(
            "New customers first followed up within 3 working days ÷ new customers whose first follow-up was due in the period;"
            " those still to come are left out."
        ),
        DUE,
    ),
    "contract_amount": Definition(
        N_("Contract amount"),
        N_("Amount of the contracts signed in the period, void ones left out; also per owner, source, product or region."),
        SIGNING,
        CONTRACTS,
    ),
    "contracts": Definition(N_("Contracts"), N_("Contracts signed in the period, void ones left out."), SIGNING, CONTRACTS),
    "mean_contract": Definition(N_("Mean contract amount"), N_("Contract amount ÷ contracts signed in the period."), SIGNING, CONTRACTS),
    "win_rate": Definition(N_("Win rate"), N_("Won ÷ (won + lost)."), CLOSING, OPPORTUNITIES),
    "won_value": Definition(N_("Won value"), N_("Amount of the opportunities won in the period."), CLOSING, OPPORTUNITIES),
    "mean_won": Definition(N_("Mean won value"), N_("Won value ÷ opportunities won in the period."), CLOSING, OPPORTUNITIES),
    "cycle": Definition(
        N_("Days until closed"), N_("Mean days from the opening of an opportunity until it was won or lost."), CLOSING, OPPORTUNITIES
    ),
    "opportunity_conversion": Definition(
        N_("Opportunity conversion rate"),
        N_("Won ÷ all opened in the period, open ones included."),
        N_("day on which it was opened"),
        OPPORTUNITIES,
    ),
    "forecast": Definition(
        N_("Weighted forecast"),
        N_("Sum of amount × probability by expected month, lost ones excluded; won ones count in full."),
        N_("expected month, from this month on"),
        OPPORTUNITIES,
    ),
    "target": Definition(
        N_("Target achievement"),
        N_("Contract amount of the months that the period touches ÷ their targets, by person; contracts of archived customers count too."),
        SIGNING,
        CONTRACTS,
    ),
    "loss_reasons": Definition(N_("Why opportunities were lost"), N_("Lost opportunities by the reason given."), CLOSING, OPPORTUNITIES),
    "age": Definition(
        N_("Age of the relation"),
        N_("Time since the first contact, or since the entry where that is not known."),
        TODAY,
    ),
    "activity": Definition(N_("Customer status"), N_("Customers by the status derived from their last contact and contract."), TODAY),
    "campaigns": Definition(
        N_("What campaigns brought"),
        N_(
            "Attendance: attended ÷ signed up. Customers won and contract amount: from a customer's first reaction until so many days"
            " after the campaign as it says. Return on cost: contract amount ÷ cost, for those who see all customers."
        ),
        N_("first day of the campaign"),
        N_("campaign and participation records"),
    ),
    "source_effect": Definition(
        N_("Effect of the sources"),
        N_("By source: customers entered in the period, those of them won today, and the amount of contracts signed in the period."),
        ENTRY,
    ),
    "tickets": Definition(N_("Tickets"), N_("Tickets entered in the period."), ENTRY, TICKETS),
    "complaints": Definition(N_("Complaints"), N_("Tickets of the type complaint entered in the period."), ENTRY, TICKETS),
    "complaint_share": Definition(N_("Share of complaints"), N_("Complaints ÷ tickets entered in the period."), ENTRY, TICKETS),
    "resolved": Definition(
        N_("Resolution rate"), N_("Tickets entered in the period and resolved today ÷ tickets entered in it."), ENTRY, TICKETS
    ),
    "satisfaction": Definition(
        N_("Satisfaction"), N_("Sum of the scores from 1 to 5 ÷ tickets with a score, of those entered in the period."), ENTRY, TICKETS
    ),
    "resolution_time": Definition(
        N_("Days until resolved"), N_("Mean days from the entry of a ticket until it was resolved last."), ENTRY, TICKETS
    ),
    "complete": Definition(
        N_("Complete records"),
        N_("Customers without a missing required field ÷ customers entered up to the end of the period."),
        TODAY,
    ),
    "filled": Definition(N_("Filled fields"), N_("Customers with a value in the field ÷ customers for whom it is shown."), TODAY),
    "stale": Definition(
        N_("Stale records"),
        N_("Customers that nobody changed or verified in the last 365 days."),
        TODAY,
    ),
    "invalid_phones": Definition(
        N_("Invalid phones"),
        N_("Customers with a contact whose phone is missing, or neither an 11-digit mobile number nor a landline with area code."),
        TODAY,
    ),
    "verification_overdue": Definition(N_("Verification overdue"), N_("Customers whose data had to be verified before today."), TODAY),
}
