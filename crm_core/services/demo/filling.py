"""Fictional content to look at and learn with: teams, accounts, customers with contacts and tags, spread over a year."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import IllegalTransition
from crm_core.fields import Widget, fields_of
from crm_core.i18n import _
from crm_core.models import Customer, Kind, OwnerChange, Role, StageChange
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services import derived
from crm_core.services.actors import acting_as, list_actors
from crm_core.services.customer_changes import update_customer
from crm_core.services.customers import create_customer
from crm_core.services.demo.campaigns import fill_campaigns
from crm_core.services.demo.churn import fill_churn, fill_loyal, laid_aside
from crm_core.services.demo.contracts import fill_contracts, fill_targets
from crm_core.services.demo.fields import fill_fields
from crm_core.services.demo.follow_ups import fill_follow_ups
from crm_core.services.demo.leaving import fill_leaving
from crm_core.services.demo.list import fill_list
from crm_core.services.demo.pool import fill_pool
from crm_core.services.demo.reports import fill_reports
from crm_core.services.demo.reviews import fill_reviews
from crm_core.services.demo.rows import Row, read_rows
from crm_core.services.demo.sales import fill_sales
from crm_core.services.demo.stages import fill_stages
from crm_core.services.demo.standing import fill_standing
from crm_core.services.demo.tickets import fill_tickets
from crm_core.services.entry import check_entry
from crm_core.services.imports.rows import Entry
from crm_core.services.imports.writing import write_entries
from crm_core.services.library import get_library
from crm_core.services.passwords import hash_password, random_password
from crm_core.services.tags import set_tags
from crm_core.services.teams import create_team, update_team
from crm_core.services.users import create_user, has_users

_DAYS_AGO = "_days_ago"
_YEAR = 360
_INCOMPLETE_EVERY = 13
_LEFT_OUT = ("employees", "revenue", "source_detail")


@dataclass(frozen=True)
class DemoAccount:
    """An account of the demo content with the password it got."""

    username: str
    password: str
    role: str


def fill_demo(session: CrmSession, actor: Actor, *, users: bool) -> list[DemoAccount]:
    """Fill an empty database with demo content and return its accounts.

    With `users` teams and one or more accounts of each role are made, and the customers belong to the salespeople among them;
    without, all belong to the actor. Raises `IllegalTransition` where there are users (with `users`) or customers already.
    """
    require(actor, Permission.CUSTOMER_CREATE)
    _refuse_filled(session, users=users)
    accounts = _create_accounts(session, actor) if users else []
    owners = list_actors(session, Role.code == "sales") if users else [actor]
    chief = list_actors(session, Role.code == "administrator")[0] if users else actor
    fill_loyal(session, owners)  # first, since they came first: the newest of a list are those with the highest numbers
    with laid_aside(session):
        _fill_year(session, actor, owners)
        if users:
            fill_reviews(session, actor)
        with acting_as(session, chief):
            _fill_business(session, chief)
    derived.derive_all(session)
    fill_churn(session, chief)
    return accounts


def _fill_year(session: CrmSession, actor: Actor, owners: Sequence[Actor]) -> None:
    """The customers of the last twelve months, and what was done with them."""
    contacts = _contacts()
    for place, row in enumerate(_customers()):
        owner = owners[place % len(owners)]
        with acting_as(session, owner):
            _create(session, owner, row, contacts[row["name"]], complete=place % _INCOMPLETE_EVERY != _INCOMPLETE_EVERY - 1)
    with acting_as(session, actor):
        _edit(session, actor)
        fill_stages(session)
        fill_standing(session, actor)
        if actor.can(Permission.RULE_EDIT):
            fill_fields(session, actor)
    fill_pool(session, actor)
    fill_follow_ups(session)
    fill_sales(session)


def _fill_business(session: CrmSession, chief: Actor) -> None:
    """What a chief sees: contracts, what left the list, reports, tickets and campaigns."""
    fill_contracts(session)
    if chief.can(Permission.TARGET_EDIT):
        fill_targets(session, chief)
    fill_leaving(session, chief)
    fill_list(session, chief)
    fill_reports(session, chief)
    fill_tickets(session, chief)
    fill_campaigns(session, chief)


def _refuse_filled(session: CrmSession, *, users: bool) -> None:
    if users and has_users(session):
        raise IllegalTransition(
            _("This database holds users already. Demo content goes into an empty database only; choose another CRM_DATA_DIR.")
        )
    if session.execute(select(Customer.id).limit(1), execution_options=unscoped).first():
        raise IllegalTransition(_("This database holds customers already. Demo content goes into an empty database only."))


def _create_accounts(session: CrmSession, actor: Actor) -> list[DemoAccount]:
    teams: dict[str, int] = {}
    for row in read_rows("teams.csv"):
        teams[row["name"]] = create_team(session, actor, name=row["name"], parent_id=teams.get(row["parent"]))
    accounts, ids = [], {}
    for row in read_rows("users.csv"):
        account = DemoAccount(row["username"], random_password(), row["role"])
        user = create_user(
            session,
            actor,
            username=account.username,
            name=row["name"],
            password_hash=hash_password(account.password),
            role=account.role,
            team_id=teams.get(row["team"]),
            language=row["language"],
            must_change_password=False,
        )
        accounts.append(account)
        ids[account.username] = user.id
    for row in read_rows("teams.csv"):
        place, head = teams.get(row["parent"]), ids[row["manager"]]
        update_team(session, actor, teams[row["name"]], name=row["name"], parent_id=place, head_id=head)
    return accounts


def _customers() -> list[Row]:
    """Companies and persons, the oldest first."""
    companies = [row | {"kind": Kind.ENTERPRISE} for row in read_rows("companies.csv")]
    persons = [row | {"kind": Kind.INDIVIDUAL} for row in read_rows("individuals.csv")]
    return sorted(companies + persons, key=_age, reverse=True)


def _age(row: Row) -> int:
    return int(row["first_contact_on" + _DAYS_AGO]) % _YEAR


def _contacts() -> dict[str, list[Row]]:
    contacts: dict[str, list[Row]] = {}
    for row in sorted(read_rows("contacts.csv"), key=lambda row: row["is_primary"] != "1"):
        contacts.setdefault(row["customer_name"], []).append(row)
    return contacts


def _create(session: CrmSession, owner: Actor, row: Row, contacts: Sequence[Row], *, complete: bool) -> None:
    values = _values(row)
    if complete:
        customer = create_customer(session, owner, values, contacts).customer
    else:
        customer = _create_incomplete(session, owner, {**values, **dict.fromkeys(_LEFT_OUT)}, contacts)
    set_tags(session, owner, customer.code, row["tags"].split(";"))
    entered = clock.start_of_day(clock.today() - timedelta(days=_age(row))) + timedelta(hours=9, minutes=customer.id * 7 % 480)
    _date(session, customer, min(entered, clock.now()))


def _date(session: CrmSession, customer: Customer, entered: datetime) -> None:
    customer.created_at = customer.updated_at = customer.owned_since = entered
    for model in (StageChange, OwnerChange):
        session.execute(update(model).where(model.customer_id == customer.id).values(at=entered))
    session.flush()


def _create_incomplete(session: CrmSession, owner: Actor, values: dict[str, Any], contacts: Sequence[Row]) -> Customer:
    checked = check_entry(get_library(session), values, contacts, require=False)
    entry = Entry(0, values, {}, {}, checked, is_incomplete=True)
    customer_id = write_entries(session, owner, [entry], reason=_("Demo content"))[0]
    return session.execute(select(Customer).where(Customer.id == customer_id)).scalar_one()


def _values(row: Row) -> dict[str, Any]:
    """A row as a form would send it; a column `…_days_ago` is a day counted back from today."""
    declared = fields_of(Customer)
    values: dict[str, Any] = {}
    for column, text in row.items():
        name = column.removesuffix(_DAYS_AGO)
        name = name if name in declared else f"{name}_on"
        if name in declared and text:
            values[name] = clock.today() - timedelta(days=int(text)) if column.endswith(_DAYS_AGO) else text
            if declared[name].widget in (Widget.CHOICES, Widget.PRESETS):
                values[name] = text.split(";")
    return values


def _edit(session: CrmSession, actor: Actor) -> None:
    for row in read_rows("edits.csv"):
        customer = session.execute(select(Customer).where(Customer.name == row["customer_name"])).scalar_one()
        update_customer(session, actor, customer.id, {row["field"]: row["value"]}, version=customer.version, reason=row["reason"])
