"""Demo content of the field settings: custom fields with values, one that was removed and keeps its data, one field that is hidden."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.i18n import _
from crm_core.models import Customer, FieldType, Kind, LifecycleStage
from crm_core.permissions import Actor
from crm_core.services.customer_changes import update_customer
from crm_core.services.field_changes import Choice, CustomValues, add_custom_field, remove_custom_field, save_setting
from crm_core.services.field_settings import FieldSetting
from crm_core.services.library import get_library

LEVELS = (Choice("标准", "Standard"), Choice("银牌", "Silver"), Choice("金牌", "Gold"))
FIELDS: tuple[tuple[str, CustomValues], ...] = (
    (
        FieldType.CHOICE,
        CustomValues(
            name="服务等级",
            name_en="Service level",
            group="cooperation",
            help="按合同约定的响应时间选择。",
            choices=LEVELS,
            stages=(LifecycleStage.CUSTOMER, LifecycleStage.PARTNER),
            is_listed=True,
        ),
    ),
    (
        FieldType.DATE,
        CustomValues(name="合同到期日", name_en="Contract ends on", group="cooperation", stages=(LifecycleStage.CUSTOMER,)),
    ),
    (FieldType.LINK, CustomValues(name="公司网站", name_en="Website", kinds=(Kind.ENTERPRISE,))),
    (FieldType.TEXT, CustomValues(name="传真号码", name_en="Fax", kinds=(Kind.ENTERPRISE,))),
)
EVERY = 3
"""Every third customer has values."""
VALUES: tuple[Callable[[int], Any], ...] = (
    lambda number: ("standard", "silver", "gold")[number // EVERY % 3],
    lambda number: clock.today() + timedelta(days=number * 23 % 400),
    lambda number: f"https://www.company{number}.example.com",
    lambda number: f"0571-8765{number % 10000:04d}",
)
"""A value of each field for a customer's number."""
HIDDEN = "events"


def fill_fields(session: CrmSession, actor: Actor) -> None:
    """Add the fields, fill them in for some customers, then remove the last of them and hide a declared one."""
    keys = [add_custom_field(session, actor, type, values) for type, values in FIELDS]
    fields = get_library(session).fields
    for customer in session.execute(select(Customer).where(Customer.is_listed).order_by(Customer.id)).scalars().all()[::EVERY]:
        of_customer = {"kind": customer.kind, "stage": customer.stage}
        values = {key: make(customer.id) for key, make in zip(keys, VALUES, strict=True) if fields[key].shown(of_customer)}
        if values:
            changed_at = customer.updated_at
            update_customer(session, actor, customer.id, values, version=customer.version, reason=_("Demo content"))
            customer.updated_at = changed_at
            session.flush()
    remove_custom_field(session, actor, keys[-1])
    save_setting(session, actor, HIDDEN, FieldSetting(is_shown=False), version=get_library(session).settings.version)
