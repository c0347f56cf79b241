"""Everything a report says, gathered for one receiver before it is drawn: the same boards as on the screen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import NotAllowed
from crm_core.i18n import _, format_time
from crm_core.permissions import SCOPES, Actor
from crm_core.services.insight.board import Board
from crm_core.services.insight.boards import answer, boards_for
from crm_core.services.insight.definitions import DEFINITIONS, Definition
from crm_core.services.insight.ground import Ground
from crm_core.services.reports.details import SHEETS, Sheet
from crm_core.services.reports.order import Order
from crm_core.services.reports.words import conditions_in_words

Tell = Callable[[int], None]
"""Told how far a report is, in percent."""


@dataclass(frozen=True)
class Content:
    """What a report is drawn from."""

    title: str
    reason: str
    actor: Actor
    made_at: datetime
    order: Order
    conditions: list[tuple[str, str]]
    boards: list[Board]
    ground: Ground

    @property
    def mark(self) -> str:
        """Who made it and when: it stands on every page."""
        return f"{self.actor.name} {format_time(self.made_at)}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What the cover says: range and filters, for whom, within which scope, when and why."""
        told = {
            _("Made for"): self.actor.name,
            _("Counted"): _(SCOPES[self.actor.scope]),
            _("Made at"): format_time(self.made_at),
            _("Reason"): self.reason,
        }
        return [*self.conditions, *told.items()]

    @property
    def sheets(self) -> dict[str, Sheet]:
        """The detail sheets that were asked for and that the receiver may see."""
        wanted = ((name, SHEETS[name]) for name in self.order.details if name in SHEETS)
        return {name: sheet for name, sheet in wanted if self.actor.can(sheet.permission)}

    def definitions(self) -> Iterator[Definition]:
        """What the figures and charts of its boards mean, each once."""
        of_figures = (figure.definition for board in self.boards for figure in board.figures)
        of_charts = (chart.definition for board in self.boards for chart in board.charts)
        return (DEFINITIONS[key] for key in dict.fromkeys((*of_figures, *of_charts)) if key in DEFINITIONS)


def gather(session: CrmSession, actor: Actor, order: Order, *, title: str, reason: str, tell: Tell) -> Content:
    """The boards of an order as their receiver may see them. Raises `NotAllowed` where none of them is left."""
    boards, allowed = [], boards_for(actor)
    wanted = [key for key in order.boards if key in allowed]
    for place, key in enumerate(wanted, start=1):
        boards.append(answer(session, actor, key, order.question))
        tell(5 + 45 * place // len(wanted))
    content = Content(
        title,
        reason,
        actor,
        clock.now(),
        order,
        conditions_in_words(session, order.question),
        boards,
        Ground(session, actor, order.question),
    )
    if not content.boards and not content.sheets:
        raise NotAllowed("", _("Your role shows none of the parts of this report. Ask an administrator for the permission you need."))
    return content
