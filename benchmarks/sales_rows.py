"""Sales among very many customers: a contract signed, and the board of five hundred open opportunities in a copy of the data of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select, update

from benchmarks import people, workspace
from benchmarks.measure import Row, time_each
from crm_core import clock, db
from crm_core.db import CrmSession
from crm_core.models import Customer, LifecycleStage, Opportunity, Outcome
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import contracts
from crm_core.services.imports.opportunity_writing import Ready, write_opportunities
from crm_core.services.opportunity_stages import list_stages
from crm_core.services.opportunity_views import CLOSED_DAYS

ROW = "core.contract.save"
WHO = "administrator1"
SIGNED = 63
OPEN = 500


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """A contract with all that follows from it: the customer's cooperation, tier and tags, the change log."""
    if is_wanted(ROW):
        yield Row(ROW, _sign(people.actor(WHO)))


def _sign(actor: Actor) -> list[float]:
    with db.reading(actor) as session:
        won = select(Customer.id).where(Customer.is_listed, Customer.stage == LifecycleStage.CUSTOMER).order_by(Customer.id)
        ids = list(session.execute(won.limit(SIGNED)).scalars())
    values = {"product": "排产系统", "amount": "128000", "signed_on": clock.today()}

    def sign(customer_id: int) -> None:
        with db.transaction(actor) as session:
            contracts.add_contract(session, actor, customer_id, values)

    return time_each(sign, ids)


@contextmanager
def full_board(*, crowded: bool = False) -> Iterator[Actor]:
    """Work in a copy of the data in which `OPEN` opportunities are open, as many in each stage; crowded, those of the data besides."""
    with workspace.own_copy("board"):
        actor = people.actor(WHO)
        with db.transaction(SYSTEM) as session:
            stages = [stage for stage in list_stages(session) if stage.outcome == Outcome.OPEN]
            if not crowded:
                _lose_all(session)
            ids = list(session.execute(select(Customer.id).where(Customer.is_listed).order_by(Customer.id).limit(OPEN)).scalars())
            ready = [
                Ready(_values(number), customer_id, stages[number % len(stages)], actor.id, [], clock.now(), None)
                for number, customer_id in enumerate(ids)
            ]
            write_opportunities(session, SYSTEM, ready, first=stages[0], reason="benchmark")
        yield actor


def _lose_all(session: CrmSession) -> None:
    """Every opportunity was lost, too long ago for the board."""
    lost = next(stage for stage in list_stages(session) if stage.outcome == Outcome.LOST)
    closed_at = clock.now() - timedelta(days=CLOSED_DAYS + 1)
    session.execute(update(Opportunity).values(stage_id=lost.id, closed_at=closed_at), execution_options={"synchronize_session": False})


def _values(number: int) -> dict[str, object]:
    return {
        "code": None,
        "name": f"排产系统升级 {number}",
        "amount": Decimal(1_000 * (number + 1)),
        "expected_on": clock.today() + timedelta(days=number % 90),
        "loss_reason": None,
    }
