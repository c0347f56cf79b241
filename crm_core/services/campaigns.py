"""市场活动: planning and editing campaigns, and moving them on. Who takes part stands in `participations`."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, NotFound, ValidationFailed
from crm_core.fields import fields_of
from crm_core.i18n import _
from crm_core.models import CAMPAIGN_STATES, Campaign, CampaignMove, CampaignState
from crm_core.models.campaign import GOING
from crm_core.numbering import campaign_code
from crm_core.permissions import Actor, Permission, require
from crm_core.services.actors import names_of_able
from crm_core.services.library import get_library
from crm_core.services.tags import MAX_TAGS, clean_tags
from crm_core.validation import clean_values

Errors = dict[str, list[str]]


def create_campaign(
    session: CrmSession,
    actor: Actor,
    values: Mapping[str, Any],
    *,
    owner_id: int | None = None,
    tags: Sequence[str] = (),
    key: str | None = None,
) -> Campaign:
    """Plan a campaign; without `owner_id` it is the actor's own.

    `key` is that of the form: a second submission returns the campaign of the first. Raises `ValidationFailed`, `NotAllowed`.
    """
    require(actor, Permission.CAMPAIGN_WRITE)
    if key and (made := session.execute(select(Campaign).where(Campaign.key == key)).scalar_one_or_none()):
        return made
    clean = _checked(session, values, owner_id=owner_id or actor.id, tags=tags)
    campaign = Campaign(**clean, code=campaign_code(session), key=key, state=CampaignState.PLANNED, created_by_id=actor.id)
    session.add(campaign)
    session.flush()
    return campaign


def edit_campaign(
    session: CrmSession,
    actor: Actor,
    campaign_id: int,
    values: Mapping[str, Any],
    *,
    owner_id: int | None,
    tags: Sequence[str],
    version: int,
) -> Campaign:
    """Correct a campaign, in any state: costs come late. The change log keeps what stood there.

    Raises `ValidationFailed`, `NotAllowed`, `NotFound`, `Conflict`.
    """
    campaign = lock_campaign(session, actor, campaign_id, version=version)
    for name, value in _checked(session, values, owner_id=owner_id, tags=tags, present=campaign).items():
        setattr(campaign, name, value)
    session.flush()
    return campaign


def move_campaign(session: CrmSession, actor: Actor, campaign_id: int, move: CampaignMove, *, version: int) -> Campaign:
    """Start, close, cancel a campaign or open it again. Once nobody can take part the check-in by code ends for good.

    Raises `IllegalTransition`, `NotAllowed`, `NotFound`, `Conflict`.
    """
    campaign = lock_campaign(session, actor, campaign_id, version=version)
    campaign.move(move)
    campaign.closed_at = None if campaign.state in GOING else clock.now()
    if campaign.closed_at:
        campaign.link = campaign.link_hash = None
    session.flush()
    return campaign


def lock_campaign(session: CrmSession, actor: Actor, campaign_id: int, *, version: int | None = None) -> Campaign:
    """A campaign, locked; with `version` as it was seen. Raises `NotAllowed`, `NotFound`, `Conflict`."""
    require(actor, Permission.CAMPAIGN_WRITE)
    statement = select(Campaign).where(Campaign.id == campaign_id).with_for_update().execution_options(populate_existing=True)
    campaign = session.execute(statement).scalar_one_or_none()
    if campaign is None:
        raise not_found()
    if version is not None and campaign.version != version:
        raise Conflict(version=campaign.version, theirs={"state": campaign.state}, message=meanwhile(campaign.state))
    return campaign


def lock_going(session: CrmSession, actor: Actor, campaign_id: int) -> Campaign:
    """A campaign in which people can take part, locked. Raises `IllegalTransition` once it is over, and as `lock_campaign`."""
    campaign = lock_campaign(session, actor, campaign_id)
    if campaign.state not in GOING:
        sentence = _("This campaign is in the state “{state}”: nothing is recorded for its participants any more. Open it again first.")
        raise IllegalTransition(sentence.format(state=_(CAMPAIGN_STATES[CampaignState(campaign.state)])))
    return campaign


def not_found() -> NotFound:
    """That there is no such campaign."""
    return NotFound(_("There is no such campaign. Go back to the list of campaigns."))


def meanwhile(state: str) -> str:
    """The sentence for somebody who looks at a campaign that has changed."""
    sentence = _("Somebody changed this campaign meanwhile: it is in the state “{state}” now. Look at it as it is.")
    return sentence.format(state=_(CAMPAIGN_STATES[CampaignState(state)]))


def leaders(session: CrmSession) -> dict[int, str]:
    """Who can lead a campaign, by id: those who run campaigns."""
    return names_of_able(session, Permission.CAMPAIGN_WRITE)


def _checked(
    session: CrmSession, values: Mapping[str, Any], *, owner_id: int | None, tags: Sequence[str], present: Campaign | None = None
) -> dict[str, Any]:
    clean, errors = clean_values(fields_of(Campaign), values)
    errors |= _not_offered(session, clean, errors, present)
    words = clean_tags(tags)
    if len(words) > MAX_TAGS:
        errors["tags"] = [_("A customer has at most {count} tags. Take some off first.").format(count=MAX_TAGS)]
    if owner_id != (present.owner_id if present else None) and owner_id not in leaders(session):
        errors["owner_id"] = [_("This person does not run campaigns. Choose another one.")]
    if errors:
        raise ValidationFailed(errors)
    return {**clean, "owner_id": owner_id, "tags": words}


def _not_offered(session: CrmSession, clean: Mapping[str, Any], errors: Errors, present: Campaign | None) -> Errors:
    """What is chosen has to be in the library still, unless it stood there before."""
    found: Errors = {}
    for name, category in (("channel", "campaign_channel"), ("interests", "interest")):
        was, now = (_listed(one) for one in (getattr(present, name, None), clean.get(name)))
        offered = {one.code for one in get_library(session).active(category)}
        if name not in errors and not now <= offered | was:
            found[name] = [_("This entry is not offered any more. Choose another one.")]
    return found


def _listed(value: Any) -> set[str]:
    return set(value) if isinstance(value, list) else {value} if value else set()
