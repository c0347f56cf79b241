"""Which kinds of messages leave the app, and by which ways; everybody chooses for themselves (`User.channels`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crm_core.i18n import N_

WAYS = {"mail": N_("Mail")}


@dataclass(frozen=True)
class MessageKind:
    """A kind of message, and the ways it takes for somebody who never chose."""

    label: str
    usual: tuple[str, ...] = ()


KINDS = {"sign_in": MessageKind(N_("Sign-in from a new place or device"), usual=("mail",))}
"""A feature that sends messages adds its kind here."""


def ways_for(chosen: Mapping[str, Sequence[str]], kind: str) -> tuple[str, ...]:
    """The ways besides the app that a message of this kind takes for somebody with these choices."""
    ways = chosen.get(kind, KINDS[kind].usual)
    return tuple(way for way in WAYS if way in ways)
