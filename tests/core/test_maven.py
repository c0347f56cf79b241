"""A whole CRM of 8,800 opportunities comes in through the general import, and its published figures come out of the services again.

What is peculiar to it stands in the mapping files in `maven/`. The figures are those of its REFERENCE.txt, and for each agent those that
the file itself gives.
"""

import csv
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

from sqlalchemy import func, select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.models import ChangeLog, Notice, Opportunity, OpportunityStage, OutboxMessage, Outcome, Task, Team, User
from crm_core.permissions import BUILT_IN_ROLES, SYSTEM, Actor, Scope
from crm_core.services.imports.mapping_files import read_plan
from crm_core.services.imports.plan import ImportResult
from crm_core.services.imports.reading import read_table
from crm_core.services.imports.running import run_import
from crm_core.services.opportunity_moves import list_moves
from crm_core.services.roles import Terms, create_role, update_role
from crm_core.services.sales_figures import By, Period, win_rate, won_value
from tests import factories

MAPPINGS = Path(__file__).with_name("maven")
EVER = Period()
YEAR = Period(date(2017, 1, 1), date(2017, 12, 31))


def bring_in(folder: Path, name: str, file: str, actor: Actor) -> ImportResult:
    plan = read_plan((MAPPINGS / f"{name}.json").read_bytes())
    table = read_table(file, (folder / file).read_bytes(), plan.kind)
    result = run_import(actor, table, plan)
    assert result.errors == []
    return result


def add_agents_role() -> None:
    """Agents work on the accounts of everybody."""
    with transaction(SYSTEM) as session:
        made = create_role(session, SYSTEM, name="Agent")
        template = BUILT_IN_ROLES["sales"]
        access = tuple((kind, int(level)) for kind, level in template.access.items())
        update_role(session, SYSTEM, made.id, Terms("Agent", Scope.ALL, template.permissions, access), version=made.version)


def pipeline(folder: Path) -> list[dict[str, str]]:
    with (folder / "sales_pipeline.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def count(model: type) -> int:
    with reading(SYSTEM) as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def test_a_whole_crm_comes_in_and_its_published_figures_come_out(database: str, shared: Path, administrator: Actor) -> None:
    folder = shared / "sample-data" / "maven-crm"
    add_agents_role()
    assert bring_in(folder, "products", "products.csv", administrator).created == 7
    assert bring_in(folder, "teams", "sales_teams.csv", administrator).created == 35
    assert bring_in(folder, "accounts", "accounts.csv", administrator).created == 85
    factories.make_customer(administrator, name="Account not named")  # of 1,425 open deals the file names none
    before = count(Notice), count(Task), count(OutboxMessage)
    assert bring_in(folder, "opportunities", "sales_pipeline.csv", administrator).created == 8_800
    assert (count(Notice), count(Task), count(OutboxMessage)) == before

    check_totals(administrator)
    check_quarters(administrator)
    check_offices(administrator)
    check_agents(administrator, pipeline(folder))
    check_history(administrator)
    again = bring_in(folder, "opportunities", "sales_pipeline.csv", administrator)
    assert (again.created, again.skipped) == (0, 8_800)


def check_totals(actor: Actor) -> None:
    with reading(actor) as session:
        (rate,), (value,) = win_rate(session, actor, EVER), won_value(session, actor, EVER)
        stages = select(OpportunityStage.name, func.count()).join(Opportunity, Opportunity.stage_id == OpportunityStage.id)
        counted = dict(session.execute(stages.group_by(OpportunityStage.name)).all())
    assert (rate.won, rate.lost, rate.percent) == (4_238, 2_473, Decimal("63.15"))
    assert (value.won, value.amount, round(value.amount / value.won, 2)) == (4_238, Decimal("10005534.00"), Decimal("2360.91"))
    assert counted == {"成交": 4_238, "输单": 2_473, "方案提交": 1_589, "初次接洽": 500}


def check_quarters(actor: Actor) -> None:
    with reading(actor) as session:
        rates, values = (figures(session, actor, YEAR, by=By.QUARTER) for figures in (win_rate, won_value))
        months = won_value(session, actor, YEAR, by=By.MONTH)
    assert [(one.key, one.closed, str(one.percent)) for one in rates] == [
        ("2017-Q1", 647, "82.07"),
        ("2017-Q2", 2_032, "61.71"),
        ("2017-Q3", 2_047, "61.41"),
        ("2017-Q4", 1_985, "60.25"),
    ]
    assert [one.amount for one in values] == [1_134_672, 3_086_111, 2_982_255, 2_802_496]
    assert sum(one.amount for one in months) == 10_005_534


def check_offices(actor: Actor) -> None:
    with reading(actor) as session:
        rates = win_rate(session, actor, YEAR, by=By.TEAM)
        products = {one.name: one.amount for one in won_value(session, actor, YEAR, by=By.PRODUCT)}
    assert {one.name: str(one.percent) for one in rates} == {"Central": "62.56", "East": "63.02", "West": "63.94"}
    of_gtx = sum((amount for name, amount in products.items() if name.startswith("GTX")), Decimal(0))
    assert round(100 * of_gtx / sum(products.values()), 1) == Decimal("73.4")


def check_agents(actor: Actor, rows: list[dict[str, str]]) -> None:
    outcomes, values = defaultdict[str, Counter[str]](Counter), Counter[str]()
    for row in rows:
        outcomes[row["sales_agent"]][row["deal_stage"]] += 1
        values[row["sales_agent"]] += int(row["close_value"] or 0)
    with reading(actor) as session:
        rates, won = win_rate(session, actor, EVER, by=By.OWNER), won_value(session, actor, EVER, by=By.OWNER)
    closed = {name: (found["Won"], found["Lost"]) for name, found in outcomes.items() if found["Won"] + found["Lost"]}
    assert {one.name: (one.won, one.lost) for one in rates} == closed
    assert {one.name: one.amount for one in won} == {name: Decimal(values[name]) for name in closed}
    ordered = sorted(rates, key=lambda one: one.percent or 0)
    assert [(one.name, str(one.percent)) for one in (ordered[0], ordered[-1])] == [("Lajuana Vencill", "54.98"), ("Hayden Neloms", "70.39")]
    best = sorted(won, key=lambda one: one.amount, reverse=True)[:3]
    assert [(one.name, one.amount) for one in best] == [
        ("Darcel Schlecht", 1_153_214),
        ("Vicki Laflamme", 478_396),
        ("Kary Hendrixson", 454_298),
    ]


def check_history(actor: Actor) -> None:
    """The cycle from opening to closing, and the stages of one, carry the days of the file."""
    with reading(actor) as session:
        columns = select(OpportunityStage.outcome, Opportunity.opened_on, Opportunity.closed_at)
        closed = session.execute(
            columns.join(OpportunityStage, OpportunityStage.id == Opportunity.stage_id).where(Opportunity.closed_at.is_not(None))
        )
        days = defaultdict[str, list[int]](list)
        for row in closed:
            days[row.outcome].append((clock.day_of(row.closed_at) - row.opened_on).days)
        first = session.execute(select(Opportunity.id).where(Opportunity.code == "1C1I7A6R")).scalar_one()
        moves = list_moves(session, actor, first)
        logged = select(func.count()).where(ChangeLog.entity == "opportunity", ChangeLog.reason.contains("sales_pipeline.csv"))
        assert session.execute(logged).scalar_one() == 8_800
        accounts = session.execute(select(User.username, Team.name).join(User.team).where(User.name == "Anna Snelling")).one()
    assert round(sum(days[Outcome.WON]) / 4_238, 2) == 51.78
    assert round(sum(days[Outcome.LOST]) / 2_473, 2) == 41.48
    assert [(clock.day_of(one.at), one.stage) for one in moves] == [(date(2016, 10, 20), "初次接洽"), (date(2017, 3, 1), "成交")]
    assert tuple(accounts) == ("anna.snelling", "Central")


def test_the_mapping_files_say_nothing_that_the_product_does_not_know() -> None:
    plans = [read_plan(path.read_bytes()) for path in sorted(MAPPINGS.glob("*.json"))]
    assert [plan.kind for plan in plans] == ["customer", "opportunity", "product", "user"]
