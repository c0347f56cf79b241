"""The teams and people whom tests ask for by the names of fixtures.

Making them takes longer than many a test does. So each staff is made once for each kind of database, and its rows are there when a test
with the same people begins.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from crm_core import clock, db
from crm_core.permissions import SYSTEM, Actor
from crm_core.services.teams import create_team
from tests import factories

PEOPLE = {
    "administrator": {"role": "administrator", "name": "管理员甲"},
    "manager": {"role": "manager", "name": "主管乙", "team": "east"},
    "sales": {"role": "sales", "name": "销售丙", "team": "below"},
    "colleague": {"role": "sales", "name": "销售丁", "team": "east"},
    "stranger": {"role": "sales", "name": "销售戊", "team": "west"},
}
"""Whom fixtures are called after: role, name and team. Their accounts have the same names."""


@dataclass(frozen=True)
class Staff:
    """The teams by their names in tests, and the people of a test."""

    teams: dict[str, int] = field(default_factory=dict)
    people: dict[str, Actor] = field(default_factory=dict)


def asked_for(fixtures: Iterable[str]) -> frozenset[str]:
    """Which of the fixtures of a test are people, or the teams."""
    return frozenset(fixtures) & {"teams", *PEOPLE}


def make_staff(names: frozenset[str]) -> Staff:
    """Make these people through the services, at the time that it is, whatever clock the test sets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "datetime", datetime)
        teams = _make_teams() if names - {"administrator"} else {}
        people = {}
        for name, person in PEOPLE.items():
            if name in names:
                team = teams.get(person.get("team", ""))
                people[name] = factories.make_user(role=person["role"], username=name, name=person["name"], team_id=team)
    return Staff(teams, people)


def _make_teams() -> dict[str, int]:
    with db.transaction(SYSTEM) as session:
        east = create_team(session, SYSTEM, name="华东组")
        west = create_team(session, SYSTEM, name="华西组")
        below = create_team(session, SYSTEM, name="华东一组", parent_id=east)
    return {"east": east, "west": west, "below": below}
