"""Visits to pages by people of each role."""

import gc
import importlib

import pytest

from crm_core.permissions import BUILT_IN_ROLES, Actor
from tests import factories
from tests.pages.visit import drive

__all__ = ["drive"]


@pytest.fixture(scope="session", autouse=True)
def quick_reruns() -> None:
    """As the server does at its start: what pages import leaves the sight of the collector, which runs after every rerun."""
    for name in ("openpyxl", "pandas", "plotly.graph_objects", "python_calamine", "streamlit_authenticator"):
        importlib.import_module(name)
    gc.freeze()


@pytest.fixture
def by_role(administrator: Actor, manager: Actor, sales: Actor, teams: dict[str, int]) -> dict[str, Actor]:
    """One person of each built-in role."""
    others = [role for role in BUILT_IN_ROLES if role not in ("administrator", "manager", "sales")]
    return {"administrator": administrator, "manager": manager, "sales": sales} | {
        role: factories.make_user(role=role, team_id=teams["east"]) for role in others
    }
