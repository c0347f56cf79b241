"""Demo content of marketing: a campaign in every state, with participants at every step, and what they thought of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Campaign, CampaignMove, CampaignState, Customer, Participation, Step
from crm_core.permissions import Actor, Permission
from crm_core.scope import unscoped
from crm_core.services import campaigns, check_in, participations
from crm_core.services.actors import acting_as, list_actors
from crm_core.services.bulk_targets import Selection
from crm_core.services.demo.rows import read_rows

_DAYS = {Step.CLICKED: -6, Step.REGISTERED: -4, Step.ATTENDED: 0, Step.ANSWERED: 0}
"""When people come to the steps, in days from the first one of the campaign."""
_MOVES: dict[str, Sequence[CampaignMove]] = {
    CampaignState.PLANNED: (),
    CampaignState.RUNNING: (CampaignMove.START,),
    CampaignState.CLOSED: (CampaignMove.START, CampaignMove.CLOSE),
    CampaignState.CANCELLED: (CampaignMove.CANCEL,),
}
_SAID = (
    (5, "讲得很实在，案例和我们的情况很接近。"),
    (4, "内容不错，希望多留一些答疑时间。"),
    (3, "场地有点远，资料可以会后再发一份。"),
    (2, "演示时网络断了两次，没有看完整。"),
)
_NOTICE = timedelta(days=12)
"""Invitations went out so long before the first day, or before today where that lies ahead."""


def fill_campaigns(session: CrmSession, actor: Actor) -> None:
    """The campaigns of the demo, run by marketing, or by the actor where nobody of marketing is there."""
    people = [one for one in list_actors(session) if one.can(Permission.CAMPAIGN_WRITE) and not one.can(Permission.CUSTOMER_EDIT)]
    author = people[0] if people else actor
    listed = select(Customer.code).where(Customer.is_listed, Customer.owner_id.is_not(None)).order_by(Customer.id)
    codes = list(session.execute(listed, execution_options=unscoped).scalars())
    if not codes or not author.can(Permission.CAMPAIGN_WRITE):
        return
    with acting_as(session, author):
        for place, row in enumerate(read_rows("campaigns.csv")):
            _fill(session, author, row, [codes[(place * 5 + number) % len(codes)] for number in range(int(row["participants"]))])


def _fill(session: CrmSession, author: Actor, row: dict[str, str], codes: Sequence[str]) -> None:
    first = clock.today() - timedelta(days=int(row["starts_days_ago"]))
    values = {name: row[name] for name in ("name", "place", "budget", "cost", "plan")} | {"result_days": 90, "tags_from": Step.ATTENDED}
    values |= {"channel": f"campaign_channel.{row['channel']}", "interests": [one for one in row["interests"].split(";") if one]}
    values |= {"starts_on": first, "ends_on": first + timedelta(days=int(row["length"]) - 1)}
    made = campaigns.create_campaign(session, author, values, tags=[one for one in row["tags"].split(";") if one])
    participations.add_selection(session, author, made.id, Selection(tuple(dict.fromkeys(codes))))
    _record(session, made, row, clock.start_of_day(first))
    for move in _MOVES[row["state"]]:
        campaigns.move_campaign(session, author, made.id, move, version=made.version)
    if made.state == CampaignState.RUNNING and first == clock.today():
        check_in.open_check_in(session, author, made.id)


def _record(session: CrmSession, campaign: Campaign, row: dict[str, str], start: datetime) -> None:
    """Let the first ones come to each step, at times that fit the days of the campaign."""
    people = select(Participation).where(Participation.campaign_id == campaign.id).order_by(Participation.id)
    for place, one in enumerate(session.execute(people).scalars().all()):
        times = {"invited_at": min(start, clock.now()) - _NOTICE}
        for number, (step, days) in enumerate(_DAYS.items()):
            if place < int(row[step]):
                score, said = _SAID[place % len(_SAID)] if step is Step.ANSWERED else (None, "")
                participations.move_on(session, one, step, score=score, feedback=said)
                times[f"{step}_at"] = min(start + timedelta(days=days, hours=9 + number, minutes=place * 7), clock.now())
        _date(session, one, times)


def _date(session: CrmSession, one: Participation, times: dict[str, datetime]) -> None:
    """Let it have happened then; the change log says nothing of it."""
    values: dict[str, Any] = dict(times)
    if reactions := [time for name, time in times.items() if name != "invited_at"]:
        values |= {"reacted_at": min(reactions), "reacted_on": clock.day_of(min(reactions))}
    dated = update(Participation).where(Participation.id == one.id).values(values)
    session.execute(dated, execution_options={**unscoped, "synchronize_session": False})
    session.expire(one)
