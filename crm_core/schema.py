"""Bringing a database to the present state: tables by alembic, then built-in roles and the preset library."""

import csv
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, insert, inspect, select

from crm_core import seals
from crm_core.config import REFERENCE_DIR
from crm_core.db import CrmSession, engine, transaction
from crm_core.models import DEFAULT_STAGES, Industry, LogSeal, OpportunityStage, OutlineQuestion, Preset
from crm_core.numbering import bump
from crm_core.search import fill_empty_index
from crm_core.services.roles import ensure_roles


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for one connection; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade_database() -> None:
    """Create or migrate the tables and fill what a new database needs. Safe to run at every start."""
    with engine().execution_options(writing=True).connect() as connection:
        is_from_before = not inspect(connection).has_table(LogSeal.__tablename__)
        command.upgrade(alembic_config(connection), "head")
        if is_from_before:
            # Only here: were lines without a seal sealed at every start, one that somebody slipped in would be taken for genuine.
            seals.seal_all(connection)
        connection.commit()
    with transaction() as session:
        ensure_roles(session)
        _fill_library(session)
        _fill_stages(session)
        fill_empty_index(session)


def _fill_library(session: CrmSession) -> None:
    if session.execute(select(Preset.code).limit(1)).first():
        return
    session.execute(insert(Preset), [row | {"position": int(row["position"]), "is_active": True} for row in _rows("presets.csv")])
    industries = [row | {"parent": row["parent"] or None} for row in _rows("industries.csv")]
    session.execute(insert(Industry), sorted(industries, key=lambda row: row["parent"] is not None))
    session.execute(insert(OutlineQuestion), [row | {"position": int(row["position"])} for row in _rows("outlines.csv")])
    bump(session, "library")


def _fill_stages(session: CrmSession) -> None:
    if not session.execute(select(OpportunityStage.id).limit(1)).first():
        rows = [stage | {"position": position} for position, stage in enumerate(DEFAULT_STAGES)]
        session.execute(insert(OpportunityStage), rows)


def _rows(filename: str) -> list[dict[str, Any]]:
    with (REFERENCE_DIR / filename).open(encoding="utf-8") as file:
        return [dict(row) for row in csv.DictReader(file)]
