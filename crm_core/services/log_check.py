"""Checking the change log against its seals: what was changed, removed or slipped in, found by walking the chain once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import func, select

from crm_core import seals
from crm_core.db import CrmSession, is_sqlite
from crm_core.errors import ValidationFailed
from crm_core.i18n import N_, _
from crm_core.models import ChangeLog
from crm_core.permissions import Actor, Permission, require
from crm_core.seals import Seal

SEALS_AT_ONCE = 200


class Fault(StrEnum):
    """What can be wrong with the log."""

    LINE_CHANGED = "line_changed"
    LINE_MISSING = "line_missing"
    LINE_UNSEALED = "line_unsealed"
    SEAL_CHANGED = "seal_changed"
    SEAL_MISSING = "seal_missing"
    END_MISSING = "end_missing"
    HEAD_DIFFERS = "head_differs"


FAULTS = {
    Fault.LINE_CHANGED: N_("Line {number} was changed after it was written."),
    Fault.LINE_MISSING: N_("Line {number} is missing."),
    Fault.LINE_UNSEALED: N_("Line {number} has no seal: it was not written by this program."),
    Fault.SEAL_CHANGED: N_("Seal {number} was changed, or the key file is not the one it was made with."),
    Fault.SEAL_MISSING: N_("Seal {number} is missing."),
    Fault.END_MISSING: N_("The newest seals are missing: seal {number} was noted, and the log ends before it."),
    Fault.HEAD_DIFFERS: N_("Seal {number} is not the one that was noted: the log was written anew."),
}
"""Sentences by fault; the number is that of the line or seal."""


@dataclass
class LogCheck:
    """How far the check came, and the first fault, if there is one."""

    seals: int = 0
    lines: int = 0
    head: str = ""
    """The newest seal, to be noted outside of this system and given to a later check."""
    fault: Fault | None = None
    number: int = 0
    heads: dict[int, str] = field(default_factory=dict)
    """Digests by number of the seals that were noted."""

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        return _(FAULTS[self.fault]).format(number=self.number) if self.fault else ""

    def found(self, fault: Fault, number: int) -> bool:
        """Keep a fault and say that there is one."""
        self.fault, self.number = fault, number
        return True


def check_log(session: CrmSession, actor: Actor, *, head: str = "") -> LogCheck:
    """Walk the whole chain; stops at the first fault.

    Found are changed, removed and added lines and seals. That the newest ones were cut off is seen by the seal noted in the data
    folder, and by `head`, one that was noted elsewhere; that everything was written anew with the key, by `head` only.
    Raises `ValidationFailed` for a `head` that is none.
    """
    require(actor, Permission.AUDIT_READ)
    noted = [_parsed(one) for one in (seals.noted_head(), head) if one]
    if not is_sqlite(session):
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})  # one moment, while others write on
    check = LogCheck()
    if not _is_broken(session, check, {number for number, _digest in noted}) and not _has_unsealed(session, check):
        _compare_end(check, noted)
    return check


def _parsed(head: str) -> tuple[int, str]:
    number, _colon, digest = head.partition(":")
    if not number.isdecimal() or not digest:
        raise ValidationFailed({"head": [_("Give the seal as the check printed it: number:digest.")]})
    return int(number), digest


def _is_broken(session: CrmSession, check: LogCheck, noted: set[int]) -> bool:
    before = seals.START
    for page in _pages(session):
        for seal in page:
            if seal.number != check.seals + 1:
                return check.found(Fault.SEAL_MISSING, check.seals + 1)
            if not seal.holds(before):
                return check.found(Fault.SEAL_CHANGED, seal.number)
            before, check.seals, check.head = seal.digest, seal.number, seal.head
            if seal.number in noted:
                check.heads[seal.number] = seal.digest
        if _has_wrong_line(session, check, page):
            return True
    return False


def _pages(session: CrmSession) -> Iterator[list[Seal]]:
    last = 0
    while page := seals.read_seals(session, after=last, limit=SEALS_AT_ONCE):
        yield page
        last = page[-1].number


def _has_wrong_line(session: CrmSession, check: LogCheck, page: list[Seal]) -> bool:
    sealed = {number: digest for seal in page for number, digest in seal.line_digests.items()}
    present = dict(seals.read_digests(session, list(sealed)))
    for number, digest in sealed.items():
        if number not in present:
            return check.found(Fault.LINE_MISSING, number)
        if present[number] != digest:
            return check.found(Fault.LINE_CHANGED, number)
    check.lines += len(sealed)
    return False


def _has_unsealed(session: CrmSession, check: LogCheck) -> bool:
    # All that is sealed is there. So only where there are more lines is it worth looking for those without a seal.
    if session.execute(select(func.count()).select_from(ChangeLog)).scalar_one() == check.lines:
        return False
    sealed = {number for page in _pages(session) for seal in page for number in seal.line_digests}
    lines = session.execute(select(ChangeLog.id).order_by(ChangeLog.id), execution_options={"yield_per": 10_000}).scalars()
    unsealed = next((number for number in lines if number not in sealed), None)
    return unsealed is not None and check.found(Fault.LINE_UNSEALED, unsealed)


def _compare_end(check: LogCheck, noted: list[tuple[int, str]]) -> None:
    for number, digest in noted:
        if number > check.seals:
            check.found(Fault.END_MISSING, number)
        elif check.heads.get(number) != digest:
            check.found(Fault.HEAD_DIFFERS, number)
