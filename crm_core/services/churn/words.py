"""The reasons of a score in words of the language in force; they are stored as codes with numbers."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from crm_core.i18n import N_, _, format_date, plural
from crm_core.permissions import Actor, Permission

NEEDED = {
    "contracts": Permission.CONTRACT_READ,
    "amounts": Permission.CONTRACT_READ,
    "ending": Permission.CONTRACT_READ,
    "complaints": Permission.TICKET_READ,
    "satisfaction": Permission.TICKET_READ,
}
"""What a role has to see anyway to be told a reason."""
SIGNS = {
    "contracts": N_("Time since the last contract"),
    "contacts": N_("Time since the last contact"),
    "amounts": N_("Falling amounts"),
    "complaints": N_("Complaints of a year"),
    "satisfaction": N_("Satisfaction of a year"),
    "ending": N_("Contract ending without another"),
    "no_step": N_("No next step"),
}
"""The signs by the codes of `score.WEIGHTS`."""


def tell(actor: Actor, reasons: Sequence[Any]) -> list[str]:
    """The sentences that a role may read, the weightiest first."""
    return [_sentence(code, numbers) for code, numbers in reasons if code not in NEEDED or actor.can(NEEDED[code])]


def tell_new(actor: Actor, reasons: Sequence[Any], before: Sequence[Any] | None) -> list[str]:
    """The sentences for signs that were none at the time of an earlier score; none where there was no score."""
    if before is None:
        return []
    old = {code for code, _numbers in before}
    return tell(actor, [reason for reason in reasons if reason[0] not in old])


def _sentence(code: str, numbers: dict[str, Any]) -> str:
    if code == "ending":
        sentence = N_("The contract ended on {day}, no other was signed") if numbers["left"] < 0 else N_("The contract ends on {day}")
        return _(sentence).format(day=format_date(date.fromisoformat(numbers["day"])))
    if code == "complaints":
        count = numbers["count"]
        return plural(count, N_("{count} complaint within a year"), N_("{count} complaints within a year")).format(count=count)
    if code in _RHYTHMS:
        return plural(numbers["usual"], *_RHYTHMS[code]).format(**numbers)
    return _(_SENTENCES[code]).format(**numbers)


_RHYTHMS = {
    "contracts": (
        N_("No contract for {days} days, usually one every day"),
        N_("No contract for {days} days, usually one every {usual} days"),
    ),
    "contacts": (N_("No contact for {days} days, usually every day"), N_("No contact for {days} days, usually every {usual} days")),
}
_SENTENCES = {
    "amounts": N_("Contracts of a year down by {percent}%"),
    "satisfaction": N_("Satisfaction {score} of 5"),
    "no_step": N_("No next step"),
}
