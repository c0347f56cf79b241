"""A data folder with 100,000 customers, 150,000 contacts and two years of work with them, built once and copied for every run.

It is written through the project's own check, numbering, search and log functions, the way an import writes. The folder
is found again by a digest of everything that decides what stands in it.
"""

import hashlib
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks import business, workspace
from benchmarks.names import CITIES, TRADES, Inventor
from crm_core import clock, db
from crm_core.config import ROOT, settings
from crm_core.models import SALES_STAGES, User
from crm_core.normal import name_key
from crm_core.permissions import SYSTEM, Actor
from crm_core.schema import upgrade_database
from crm_core.search import index_row, searchable
from crm_core.services import passwords, teams, users
from crm_core.services.entry import check_entry
from crm_core.services.imports.rows import Entry
from crm_core.services.imports.writing import write_entries
from crm_core.services.library import Library, get_library
from crm_core.services.tags import set_tags

CUSTOMERS = 100_000
CHUNK = 250
DAYS = 730
TEAMS = ("华东销售部", "华南销售部", "华北销售部", "西部销售部")
SELLERS_PER_TEAM = 6
PASSWORD = "Only-for-measuring-1"
STAGES = ("prospect",) * 50 + ("qualified",) * 22 + ("customer",) * 18 + ("partner",) * 4 + ("churned",) * 6
SOURCES = ("source.exhibition", "source.online_ad", "source.online_ad", "source.referral", "source.visit", "source.partner", "source.other")
EMPLOYEES = ("employees.1_9", "employees.10_49", "employees.10_49", "employees.50_99", "employees.100_499", "employees.500_999")
REVENUES = ("revenue.under_1m", "revenue.1m_5m", "revenue.5m_10m", "revenue.10m_50m", "revenue.50m_100m", "revenue.100m_500m")
LOSSES = ("loss_reason.price", "loss_reason.service", "loss_reason.competitor", "loss_reason.own_change")


def prepare() -> None:
    """Build the pristine folder unless it is there, and copy it to where this run works."""
    pristine = workspace.cache() / f"customers-{_digest()}"
    if not (pristine / "complete").exists():
        workspace.use_data_dir(pristine)
        shutil.rmtree(pristine, ignore_errors=True)
        _build()
        (pristine / "complete").touch()
    shutil.rmtree(workspace.data_dir(), ignore_errors=True)
    shutil.copytree(pristine, workspace.data_dir())
    workspace.use_data_dir(workspace.data_dir())
    upgrade_database()


def _digest() -> str:
    """The tables, how a customer is indexed (seen by an example), and what is invented."""
    texts = searchable("杭州恒远机械有限公司", "CUS202601001", "91330100MA2CFRJF4T", [("王建国", "0571-88001234", "wx_wang1")])
    example = f"{index_row(1, texts, sqlite=True)} {name_key('杭州恒远（集团）有限责任公司')}"
    files = [
        *sorted((ROOT / "crm_core" / "migrations" / "versions").glob("*.py")),
        Path(__file__),
        Path(__file__).with_name("names.py"),
        Path(business.__file__),
    ]
    return hashlib.sha256(example.encode() + b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _build() -> None:
    print(f"building {CUSTOMERS:,} customers, once for this schema …", flush=True)
    begun = time.perf_counter()
    upgrade_database()
    sellers = _create_users()
    inventor = Inventor(20260101)
    with db.reading() as session:
        library = get_library(session)
    for start in range(0, CUSTOMERS, CHUNK):
        entries = [_entry(library, inventor, number) for number in range(start, start + CHUNK)]
        actor = inventor.random.choice(sellers)
        with db.transaction(actor) as session:
            write_entries(session, actor, entries, reason="benchmark")
    _tag_some(inventor)
    business.build(20260101)
    db.engine().dispose()
    with closing(sqlite3.connect(settings().data_dir / "crm.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    print(f"built in {time.perf_counter() - begun:.0f} s", flush=True)


def _create_users() -> list[Actor]:
    sellers: list[Actor] = []
    with db.transaction(SYSTEM) as session:
        for number in (1, 2):
            _create_user(session, "administrator", f"administrator{number}", f"管理员{number}")
        for number, team in enumerate(TEAMS, 1):
            team_id = teams.create_team(session, SYSTEM, name=team)
            _create_user(session, "manager", f"manager{number}", f"{team[:2]}经理", team_id)
            for place in range(1, SELLERS_PER_TEAM + 1):
                user = _create_user(session, "sales", f"sales{number}{place}", f"{team[:2]}销售{place}", team_id)
                sellers.append(Actor(user.id, user.name, SYSTEM.permissions))
    return sellers


def _create_user(session: db.CrmSession, role: str, username: str, name: str, team_id: int | None = None) -> User:
    return users.create_user(
        session,
        SYSTEM,
        username=username,
        name=name,
        password_hash=passwords.hash_password(PASSWORD),
        role=role,
        team_id=team_id,
        must_change_password=False,
    )


def _entry(library: Library, inventor: Inventor, number: int) -> Entry:
    values, contacts = invent_customer(inventor, contacts=1 + number % 2)
    checked = check_entry(library, values, contacts)
    assert not checked.errors, checked.errors
    moment = clock.now() - timedelta(days=DAYS * (1 - (number + 1) / CUSTOMERS), seconds=inventor.random.randrange(60))
    checked.values |= {"created_at": moment, "updated_at": moment}
    return Entry(number=number, given={}, regions={}, given_contact={}, checked=checked, is_incomplete=False)


def invent_customer(inventor: Inventor, *, contacts: int = 1) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """What a complete form for one made-up customer holds."""
    pick = inventor.random.choice
    stage = pick(STAGES)
    is_company = inventor.random.random() < 0.95
    company, city, trade = inventor.company()
    values: dict[str, Any] = {
        "kind": "enterprise" if is_company else "individual",
        "stage": stage,
        "name": company if is_company else inventor.person(),
        "industry": TRADES[trade],
        "source": pick(SOURCES),
        "source_detail": pick(("2025年工业博览会", "官网表单", "老客户介绍", "上门拜访", "渠道商推荐")),
        "tier": pick(("A", "B", "B", "C", "C", "C")),
        "sales_stage": pick(tuple(SALES_STAGES)),
        "province": CITIES[city][0],
        "city": CITIES[city][1],
        "address": f"{pick(('人民路', '科技大道', '滨江路', '创业路'))}{inventor.random.randrange(1, 900)}号",
        "core_need": "替换现有的排产系统，并与仓库的出入库数据打通",
        "interests": ["interest.after_sales", "interest.delivery_speed"][: inventor.random.randrange(3)],
    }
    if is_company:
        values |= {
            "credit_code": inventor.credit_code(city),
            "employees": pick(EMPLOYEES),
            "revenue": pick(REVENUES),
            "founded_on": f"{inventor.random.randrange(1995, 2024)}-{inventor.random.randrange(1, 13):02d}-15",
        }
    if stage in ("customer", "churned"):
        values |= {
            "first_cooperated_on": "2021-03-01",
            "last_cooperated_on": f"2024-{inventor.random.randrange(1, 13):02d}-20",
            "cooperation_amount": str(inventor.random.randrange(10, 5_000) * 1_000),
        }
    if stage == "churned":
        values |= {"churn_reason": pick(LOSSES), "churn_note": "续约报价高于同行"}
    return values, [inventor.contact(company) for _ in range(contacts)]


def _tag_some(inventor: Inventor) -> None:
    with db.transaction(SYSTEM) as session:
        for code in _codes(inventor):
            set_tags(session, SYSTEM, code, inventor.random.sample(["待跟进", "关注案例", "节后再联系", "重点"], 2))


def _codes(inventor: Inventor) -> Iterator[str]:
    month = clock.today().strftime("%Y%m")
    for number in inventor.random.sample(range(1, CUSTOMERS), 500):
        yield f"CUS{month}{number:03d}"
