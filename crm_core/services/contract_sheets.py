"""Everything about one contract: its lines, what is planned and what came, and its files."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.models import Attachment, Contract, Customer, Payment, PlannedPayment
from crm_core.permissions import Actor, Permission, require
from crm_core.services.contract_lines import Line, lines_of_contract
from crm_core.services.contract_views import state_of
from crm_core.services.contracts import gone
from crm_core.services.payments import Due, progress
from crm_core.services.users import user_names
from crm_core.visibility import View


@dataclass(frozen=True)
class Sheet:
    """Everything about one contract."""

    contract: View
    customer_id: int
    code: str
    customer: str
    is_listed: bool
    """Whether its customer is in the list: elsewhere nothing is changed."""
    plan: list[Due]
    payments: list[View]
    files: list[View]
    lines: list[Line]
    owner: str
    """For whom it counts, by name."""

    @property
    def received(self) -> Decimal:
        """What came."""
        return sum((one.amount for one in self.payments), Decimal(0))

    @property
    def left(self) -> Decimal:
        """What is still to come."""
        amount: Decimal = self.contract.amount
        return amount - self.received

    @property
    def overdue(self) -> Decimal:
        """What is planned up to yesterday and did not come; nothing of a void one."""
        return sum((one.open for one in self.plan if one.is_overdue and self.contract.is_in_force), Decimal(0))

    @property
    def state(self) -> str:
        """One of `CONTRACT_STATES`."""
        return state_of(self.contract.voided_at is not None, self.contract.ends_on)


def get_sheet(session: CrmSession, actor: Actor, contract_id: int) -> Sheet:
    """Everything about one contract. Raises `NotFound` outside the actor's scope."""
    require(actor, Permission.CONTRACT_READ)
    own = select(Contract, Customer).join(Customer, Customer.id == Contract.customer_id)
    row = session.execute(own.where(Contract.id == contract_id, Customer.is_open)).one_or_none()
    if row is None:
        raise gone()
    contract, customer = row
    latest = select(Payment).where(Payment.contract_id == contract.id).order_by(Payment.received_on.desc(), Payment.id.desc())
    payments = [View(actor, one) for one in session.execute(latest).scalars()]
    plans = select(PlannedPayment.due_on, PlannedPayment.amount).where(PlannedPayment.contract_id == contract.id)
    files = select(Attachment).where(Attachment.contract_id == contract.id).order_by(Attachment.id.desc())
    planned = [(due_on, amount) for due_on, amount in session.execute(plans)]
    return Sheet(
        View(actor, contract),
        customer.id,
        customer.code,
        customer.name,
        customer.is_listed,
        progress(planned, sum((one.amount for one in payments), Decimal(0))),
        payments,
        [View(actor, one) for one in session.execute(files).scalars()],
        lines_of_contract(session, contract.id),
        user_names(session).get(contract.owner_id or 0, "—"),
    )
