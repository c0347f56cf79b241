"""All boards: what each is called, who may see it, what it depends on; and `answer`, which computes one or finds it computed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import select, true

from crm_core import clock
from crm_core.cache import cached
from crm_core.db import CrmSession
from crm_core.errors import NotFound
from crm_core.i18n import _, language
from crm_core.models import User
from crm_core.permissions import Actor, Permission, Scope, require
from crm_core.scope import key_of
from crm_core.services.insight import activity, conversion, overview, quality, sales, service, sources, structure
from crm_core.services.insight.board import Board, Figure, Value
from crm_core.services.insight.ground import SUMMED, Ground
from crm_core.services.insight.question import Question
from crm_core.services.owners import visible_people


@dataclass(frozen=True)
class BoardType:
    """One board. `needs` are permissions of which one is enough; what the others would show is left out for who lacks them."""

    title: str
    icon: str
    compute: Callable[[Ground], Board]
    areas: tuple[str, ...]
    """The revisions that it is computed for: of these data only."""
    needs: tuple[Permission, ...] = ()
    has_period: bool = True
    """Whether a comparison of periods says anything."""

    def opens_for(self, actor: Actor) -> bool:
        """Whether the actor may see it."""
        return actor.can(Permission.DASHBOARD_READ) and (not self.needs or any(map(actor.can, self.needs)))


_PEOPLE = ("customers", "library", "users")
_SALES = (Permission.CONTRACT_READ, Permission.OPPORTUNITY_READ)
BOARDS: dict[str, BoardType] = {
    overview.KEY: BoardType(
        overview.TITLE,
        "monitoring",
        overview.compute,
        (*_PEOPLE, "stage_changes", "follow_ups", "contracts", "opportunities", "tickets"),
    ),
    structure.KEY: BoardType(structure.TITLE, "donut_small", structure.compute, _PEOPLE),
    conversion.KEY: BoardType(conversion.TITLE, "filter_alt", conversion.compute, (*_PEOPLE, "stage_changes")),
    activity.KEY: BoardType(activity.TITLE, "forum", activity.compute, (*_PEOPLE, "follow_ups", "stage_changes")),
    sales.KEY: BoardType(sales.TITLE, "payments", sales.compute, (*_PEOPLE, "contracts", "opportunities", "targets"), _SALES),
    sources.KEY: BoardType(sources.TITLE, "campaign", sources.compute, (*_PEOPLE, "contracts", "stage_changes", "campaigns")),
    service.KEY: BoardType(service.TITLE, "support_agent", service.compute, (*_PEOPLE, "tickets"), (Permission.TICKET_READ,)),
    quality.KEY: BoardType(quality.TITLE, "rule", quality.compute, (*_PEOPLE, "contacts"), has_period=False),
}
"""A further board is a module with `compute` and a row here."""


def boards_for(actor: Actor) -> dict[str, BoardType]:
    """The boards that the actor may see, by key."""
    return {key: one for key, one in BOARDS.items() if one.opens_for(actor)}


def answer(session: CrmSession, actor: Actor, key: str, question: Question) -> Board:
    """A board for a question, within the actor's scope; computed once for all who see the same, until its data change.

    Raises `NotAllowed` without the permission, `NotFound` for a board that does not exist.
    """
    require(actor, Permission.DASHBOARD_READ)
    board = BOARDS.get(key)
    if board is None:
        raise NotFound(_("There is no such board. Choose one from the list."))
    if not board.opens_for(actor):
        require(actor, board.needs[0])
    # What is shown hangs on the day, the language and the permissions as well as on the rows.
    seen = (key_of(session), actor.permissions, language(), clock.today())
    return cached(session, board.areas, (key, question, seen), lambda: _compute(session, actor, board, question))


def _compute(session: CrmSession, actor: Actor, board: BoardType, question: Question) -> Board:
    found = board.compute(Ground(session, actor, question))
    period = question.compared_period
    if period is None or not board.has_period:
        return found
    before = board.compute(Ground(session, actor, replace(question, period=period), only_figures=True))
    return compare(found, before)


def compare(now: Board, before: Board) -> Board:
    """The board with the figures of the compared period beside its own; where nothing happened then, what is counted was 0."""
    values: dict[str, Value] = {figure.key: figure.value for figure in before.figures}
    nothing: dict[str, Value] = {figure.key: 0 for figure in now.figures if before.missing and figure.unit in SUMMED}
    return replace(now, figures=tuple(_with(figure, nothing | values) for figure in now.figures))


def _with(figure: Figure, before: Mapping[str, Value]) -> Figure:
    return replace(figure, before=before.get(figure.key))


def people_in_view(session: CrmSession, actor: Actor) -> dict[int, str]:
    """Whose work the filter offers, by id: those whose customers the actor sees; nobody where that is only oneself."""
    if actor.scope is Scope.OWN:
        return {}
    condition = true() if actor.scope is Scope.ALL else visible_people(actor)
    rows = session.execute(select(User.id, User.name).where(condition).order_by(User.name, User.id))
    return {row.id: row.name for row in rows}
