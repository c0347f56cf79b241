"""Demo content: customers that went through several types, one of them lost and back again, with their contracts."""

from datetime import datetime, timedelta

from sqlalchemy import select, update

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Contract, Customer, StageChange, User
from crm_core.services.actors import acting_as, list_actors
from crm_core.services.demo.rows import Row, read_rows
from crm_core.services.stage_changes import CONTRACT, change_stage

_OF_CONTRACT = ("product", "amount")
_OF_CUSTOMER = ("core_need", "churn_reason", "churn_note")


def fill_stages(session: CrmSession) -> None:
    """Move customers of the demo as their owners would have done, each move on its day in the past."""
    for row in read_rows("moves.csv"):
        _move(session, row)


def _move(session: CrmSession, row: Row) -> None:
    customer = session.execute(select(Customer).where(Customer.name == row["customer_name"])).scalar_one()
    (owner,) = list_actors(session, User.id == customer.owner_id)
    with acting_as(session, owner):
        change = change_stage(
            session,
            owner,
            customer.id,
            row["to"],
            _values(row),
            version=customer.version,
            reason=row["reason"],
            feedback=row["feedback"],
        )
    _date(session, change, _moment(row["days_ago"]))


def _values(row: Row) -> dict[str, object]:
    values: dict[str, object] = {name: row[name] for name in _OF_CUSTOMER}
    values |= {CONTRACT + name: row[name] for name in _OF_CONTRACT}
    if days := row["signed_days_ago"]:
        values[CONTRACT + "signed_on"] = clock.today() - timedelta(days=int(days))
    return values


def _moment(days_ago: str) -> datetime:
    return clock.start_of_day(clock.today() - timedelta(days=int(days_ago))) + timedelta(hours=15)


def _date(session: CrmSession, change: StageChange, at: datetime) -> None:
    change.at = at
    session.flush()
    if change.contract_id:
        session.execute(update(Contract).where(Contract.id == change.contract_id).values(created_at=at, updated_at=at))
