"""Visits to pages by people of each role."""

import gc
import importlib
from collections.abc import Iterator

import pytest

from crm_core.permissions import Actor
from tests.pages.visit import drive

__all__ = ["drive"]


@pytest.fixture(scope="session", autouse=True)
def quick_reruns() -> Iterator[None]:
    """As the server does at its start: what pages import leaves the sight of the collector, which runs after every rerun."""
    for name in ("openpyxl", "pandas", "plotly.graph_objects", "python_calamine", "streamlit_authenticator"):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def by_role(administrator: Actor, manager: Actor, sales: Actor) -> dict[str, Actor]:
    """One person of each built-in role."""
    return {"administrator": administrator, "manager": manager, "sales": sales}
