"""Which kinds of messages leave the app, and by which ways; everybody chooses for themselves (`User.channels`)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from crm_core.i18n import N_
from crm_core.permissions import Permission

MAIL, ROBOT = "mail", "robot"
WAYS = {MAIL: N_("Mail"), ROBOT: N_("Group chat robots")}


@dataclass(frozen=True)
class MessageKind:
    """A kind of message: the ways it can take, and those it takes for somebody who never chose."""

    label: str
    usual: tuple[str, ...] = ()
    ways: tuple[str, ...] = (MAIL, ROBOT)
    in_digest: bool = False
    """Whether the daily digest tells it, so that it is not sent by itself to somebody who has one."""
    is_urgent: bool = False
    """Sent in quiet hours too."""
    needs: tuple[Permission, ...] = ()
    """It reaches those whose role allows any of these; without any, everybody."""
    is_for_heads: bool = False
    """It reaches whoever leads a team, whatever their role."""

    def reaches(self, permissions: Collection[str], *, is_head: bool) -> bool:
        """Whether somebody with these permissions can ever be told this."""
        if not self.needs and not self.is_for_heads:
            return True
        return (self.is_for_heads and is_head) or any(permission in permissions for permission in self.needs)


_OWNERS = (Permission.CUSTOMER_EDIT, Permission.CUSTOMER_CREATE)
"""Who can be the owner of customers."""

KINDS = {
    "due": MessageKind(N_("Tasks that are due soon"), usual=(MAIL,)),
    "overdue": MessageKind(N_("Tasks that are overdue"), usual=(MAIL,), in_digest=True),
    "first_follow_up": MessageKind(N_("First follow-ups to make"), usual=(MAIL,), in_digest=True, needs=_OWNERS),
    "reviews": MessageKind(N_("Entries that wait for your review"), usual=(MAIL,), in_digest=True, needs=(Permission.CUSTOMER_REVIEW,)),
    "entries": MessageKind(N_("Your entries under review"), usual=(MAIL,), needs=(*_OWNERS, Permission.CUSTOMER_IMPORT), is_for_heads=True),
    "tasks": MessageKind(N_("New tasks and comments on tasks")),
    "complaints": MessageKind(N_("Complaints of your customers"), usual=(MAIL,), needs=_OWNERS),
    "tickets_due": MessageKind(
        N_("Tickets that are due soon or overdue"), usual=(MAIL,), needs=(*_OWNERS, Permission.TICKET_WRITE), is_for_heads=True
    ),
    "tickets": MessageKind(N_("Tickets assigned to you"), needs=(*_OWNERS, Permission.TICKET_WRITE)),
    "mentions": MessageKind(N_("Follow-ups that mention you")),
    "verifications": MessageKind(N_("Customers to verify"), needs=_OWNERS),
    "contracts": MessageKind(N_("Contracts that end, payments that are overdue"), usual=(MAIL,), needs=_OWNERS),
    "churn": MessageKind(N_("Customers at high risk of being lost"), usual=(MAIL,), needs=_OWNERS),
    "pool": MessageKind(N_("Customers that go back to the pool"), usual=(MAIL,), needs=_OWNERS),
    "customers": MessageKind(N_("What others did with your customers"), needs=(*_OWNERS, Permission.OPPORTUNITY_WRITE)),
    "reports": MessageKind(N_("Scheduled reports"), usual=(MAIL,), needs=(Permission.CUSTOMER_EXPORT,)),
    "daily": MessageKind(N_("Daily digest"), usual=(MAIL,)),
    "weekly": MessageKind(N_("Weekly digest of the team"), usual=(MAIL,), is_for_heads=True),
    # Its link blocks the account: nothing for a group to read.
    "sign_in": MessageKind(N_("Sign-in from a new place or device"), usual=(MAIL,), ways=(MAIL,), is_urgent=True),
}
"""A feature that sends messages adds its kind here."""


def ways_for(chosen: Mapping[str, Sequence[str]], kind: str) -> tuple[str, ...]:
    """The ways besides the app that a message of this kind takes for somebody with these choices."""
    ways = chosen.get(kind, KINDS[kind].usual)
    return tuple(way for way in KINDS[kind].ways if way in ways)
