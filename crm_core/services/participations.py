"""Who takes part in a campaign, and how far each came: 邀请, 点击, 报名, 到场, 反馈 [001]."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from crm_core import audit, clock
from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, NotFound, ValidationFailed
from crm_core.i18n import _, format_time
from crm_core.models import SCORES, STEPS, Contact, Customer, Participation, Step
from crm_core.models.campaign import REACTIONS
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require
from crm_core.services.bulk_targets import Selection, in_parts, read_targets
from crm_core.services.campaigns import lock_going
from crm_core.services.library import get_library
from crm_core.services.locking import lock_listed
from crm_core.services.notices import notify
from crm_core.services.participant_lines import Line, Problem, find_people
from crm_core.services.tags import MAX_TAGS, give_tags, names_of_tags
from crm_core.validation import check_length, clean_text

MOST = 5_000
"""So many participants are added at once."""
LONGEST_FEEDBACK = 10_000

Wanted = tuple[int, int | None]
"""A customer and one of its contacts, or nobody in particular."""


@dataclass(frozen=True)
class Done:
    """What became of a list: how many were added or moved on, how many were so already, and the lines that say nothing usable."""

    count: int
    already: int = 0
    problems: list[Problem] = field(default_factory=list)


def add_participants(session: CrmSession, actor: Actor, campaign_id: int, wanted: Sequence[Wanted]) -> Done:
    """Invite customers of the actor's scope, in the person of these contacts; whoever takes part already stays as they are.

    Raises `ValidationFailed` for none and for too many, `IllegalTransition` for a campaign that is over, `NotAllowed`, `NotFound`.
    """
    campaign = lock_going(session, actor, campaign_id)
    if not wanted:
        raise ValidationFailed({"customers": [_("Choose at least one customer.")]})
    if len(wanted) > MOST:
        sentence = _("These are more than {count} participants at once. Narrow the filters, or divide the list.")
        raise ValidationFailed({"customers": [sentence.format(count=f"{MOST:,}")]})
    people = _with_names(session, dict.fromkeys(wanted))
    present = _present(session, campaign.id, {customer_id for customer_id, _contact in people})
    new = [
        Participation(campaign=campaign, customer_id=one[0], contact_id=one[1], contact_name=name, invited_by_id=actor.id)
        for one, name in people.items()
        if one not in present
    ]
    session.add_all(new)
    session.flush()
    return Done(len(new), len(people) - len(new))


def add_customer(session: CrmSession, actor: Actor, campaign_id: int, customer_id: int, contact_id: int | None) -> Done:
    """Invite one customer. Raises `IllegalTransition` where it takes part in this person already, and as `add_participants` does."""
    lock_going(session, actor, campaign_id)
    customer = lock_listed(session, customer_id)
    if contact_id is not None and contact_id not in _contacts_of(session, customer.id):
        sentence = _("This person is no contact of {customer}. Choose one of its contacts.").format(customer=customer.name)
        raise ValidationFailed({"contact_id": [sentence]})
    done = add_participants(session, actor, campaign_id, [(customer.id, contact_id)])
    if done.already:
        raise IllegalTransition(_("{name} takes part in this campaign already.").format(name=customer.name))
    return done


def add_selection(session: CrmSession, actor: Actor, campaign_id: int, selection: Selection) -> Done:
    """Invite the primary contacts of selected customers: by codes, or all that a query of the customer list finds. Raises as above."""
    require(actor, Permission.CAMPAIGN_WRITE)
    ids = [target.id for target in read_targets(session, selection)]
    return add_participants(session, actor, campaign_id, _primary_of(session, ids))


def add_lines(session: CrmSession, actor: Actor, campaign_id: int, lines: Sequence[Line]) -> Done:
    """Invite those whom the lines of a list or a file name; what a line lacks is told with its number. Raises as above."""
    require(actor, Permission.CAMPAIGN_WRITE)
    found = find_people(session, actor, lines)
    if not found.people:
        lock_going(session, actor, campaign_id)
        return Done(0, problems=found.problems)
    unnamed = [one.customer_id for one in found.people if one.contact_id is None]
    primary = dict(_primary_of(session, unnamed))
    done = add_participants(
        session, actor, campaign_id, [(one.customer_id, one.contact_id or primary[one.customer_id]) for one in found.people]
    )
    return Done(done.count, done.already, found.problems)


def reach(
    session: CrmSession, actor: Actor, participation_id: int, step: Step, *, score: int | None = None, feedback: str = ""
) -> Participation:
    """Record that somebody came to a step, with the tags that the campaign sets there. Who attends has signed up at the latest then.

    Raises `IllegalTransition` for a step that was recorded already, for feedback of somebody who was not there and for a campaign that is
    over; `ValidationFailed`, `NotAllowed`, `NotFound`.
    """
    row = _lock(session, actor, participation_id)
    move_on(session, row, step, score=score, feedback=feedback)
    if step is Step.ATTENDED:
        tell_owner(session, row, by=actor.id)
    return row


def reach_lines(session: CrmSession, actor: Actor, campaign_id: int, step: Step, lines: Sequence[Line]) -> Done:
    """Record a step for those whom the lines of a list name, such as the clicks that a mailing reports. Raises as `add_lines` does."""
    lock_going(session, actor, campaign_id)
    found = find_people(session, actor, lines)
    problems, moved, already = list(found.problems), 0, 0
    rows = _lock_all(session, campaign_id, {one.customer_id for one in found.people})
    for one in found.people:
        row = next((row for row in rows[one.customer_id] if one.contact_id in (None, row.contact_id)), None)
        if row is None:
            problems.append(Problem(one.number, one.text, _("does not take part in this campaign")))
        elif getattr(row, f"{step}_at"):
            already += 1
        else:
            move_on(session, row, step)
            moved += 1
    return Done(moved, already, sorted(problems, key=lambda one: one.number))


def take_back(session: CrmSession, actor: Actor, participation_id: int, *, seen: Step) -> Participation:
    """Take the last step back that was recorded by mistake; tags that it set stay. `seen` is the step that was meant.

    Raises `Conflict` where another one is the last meanwhile: of two at once, the second takes nothing back. `IllegalTransition`, and as
    `reach` does.
    """
    row = _lock(session, actor, participation_id)
    step = row.step
    if step != seen:
        sentence = _("Somebody changed this participant meanwhile: the last step is “{step}” now. Nothing was taken back.")
        raise Conflict(version=0, theirs={"step": step}, message=sentence.format(step=_(STEPS[step])))
    if step is Step.INVITED:
        raise IllegalTransition(_("Nothing but the invitation is recorded here. Remove the participant instead."))
    setattr(row, f"{step}_at", None)
    if step is Step.ANSWERED:
        row.score = row.feedback = None
    if step is Step.ATTENDED:
        row.is_self_checked = False
    row.settle()
    session.flush()
    return row


def remove_participant(session: CrmSession, actor: Actor, participation_id: int) -> None:
    """Take somebody out who was invited by mistake; the change log keeps it. Raises as `reach` does."""
    session.delete(_lock(session, actor, participation_id))
    session.flush()


def move_on(session: CrmSession, row: Participation, step: Step, *, score: int | None = None, feedback: str = "") -> None:
    """The step itself, for a participation that is locked."""
    now, recorded = clock.now(), getattr(row, f"{step}_at")
    if recorded:
        sentence = _("“{step}” was recorded already, {time}.")
        raise IllegalTransition(sentence.format(step=_(STEPS[step]), time=format_time(recorded)))
    if step is Step.ANSWERED:
        _take_answer(row, score, feedback)
    setattr(row, f"{step}_at", now)
    if step is Step.ATTENDED and row.registered_at is None:
        row.registered_at = now
    row.settle()
    session.flush()
    order = list(Step)
    if order.index(Step(row.campaign.tags_from)) <= order.index(step):
        _set_tags(session, row)


def tell_owner(session: CrmSession, row: Participation, *, by: int | None = None) -> None:
    """Tell the owner of the customer that somebody of theirs arrived, once, unless they recorded it themselves."""
    customer = session.execute(select(Customer).where(Customer.id == row.customer_id)).scalar_one()
    if customer.owner_id not in (None, by):
        data = {"customer": customer.name, "text": row.campaign.name}
        path, key = f"/customer?code={customer.code}", f"attended:{row.id}"
        notify(session, [customer.owner_id], "customer_attended", data, path=path, customer_id=customer.id, key=key)


def _take_answer(row: Participation, score: int | None, feedback: str) -> None:
    if row.attended_at is None:
        raise IllegalTransition(_("Feedback is recorded for those who attended. Record the attendance first."))
    clean, errors = clean_text(feedback, lines=True), dict[str, list[str]]()
    if score is None and not clean:
        errors["score"] = [_("Choose a score, or write what was said.")]
    elif score is not None and score not in SCORES:
        errors["score"] = [_("Choose a score from 1 to 5.")]
    try:
        check_length(clean, LONGEST_FEEDBACK)
    except ValueError as problem:
        errors["feedback"] = [str(problem)]
    if errors:
        raise ValidationFailed(errors)
    row.score, row.feedback = score, clean or None


def _set_tags(session: CrmSession, row: Participation) -> None:
    """Give the customer the tags and interest tags of the campaign that it lacks; as many tags as one customer may have."""
    customer = session.execute(select(Customer).where(Customer.id == row.customer_id)).scalar_one()
    if "interests" in get_library(session).fields and (missing := [one for one in row.campaign.interests if one not in customer.interests]):
        customer.interests = [*customer.interests, *missing]
        bump(session, "customers")
    has = names_of_tags(session, [customer.id]).get(customer.id, [])
    given = [name for name in row.campaign.tags if name not in has][: max(MAX_TAGS - len(has), 0)]
    if given:
        give_tags(session, [customer.id], given)
        audit.record_change(session, customer, field="tags", old=", ".join(has), new=", ".join(sorted([*has, *given])))
        bump(session, "customers")
    session.flush()


def _lock(session: CrmSession, actor: Actor, participation_id: int) -> Participation:
    """A participation of a customer in the library, in a campaign that is not over: campaign, customer and row locked in this order."""
    require(actor, Permission.CAMPAIGN_WRITE)
    found = session.execute(
        select(Participation.campaign_id, Participation.customer_id).where(Participation.id == participation_id)
    ).one_or_none()
    if found is None:
        raise NotFound(_("This participant is gone or not visible to you. Load the page again."))
    lock_going(session, actor, found.campaign_id)
    lock_listed(session, found.customer_id)
    statement = select(Participation).where(Participation.id == participation_id).with_for_update(of=Participation)
    row = session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()
    if row is None:
        raise NotFound(_("This participant is gone or not visible to you. Load the page again."))
    return row


def _lock_all(session: CrmSession, campaign_id: int, ids: Iterable[int]) -> defaultdict[int, list[Participation]]:
    """What these customers have in a campaign, by customer; customers and rows locked."""
    found: defaultdict[int, list[Participation]] = defaultdict(list)
    for part in in_parts(ids):
        session.execute(select(Customer.id).where(Customer.id.in_(part)).order_by(Customer.id).with_for_update()).all()
        own = select(Participation).where(Participation.campaign_id == campaign_id, Participation.customer_id.in_(part))
        for row in session.execute(own.order_by(Participation.id).with_for_update(of=Participation)).scalars():
            found[row.customer_id].append(row)
    return found


def _with_names(session: CrmSession, wanted: Iterable[Wanted]) -> dict[Wanted, str | None]:
    """Those within the actor's scope whose customers are in the library, with the names of the contacts."""
    wanted = list(wanted)
    listed, names = set[int](), dict[int, str]()
    for part in in_parts({customer_id for customer_id, _contact in wanted}):
        listed |= set(session.execute(select(Customer.id).where(Customer.id.in_(part), Customer.is_listed)).scalars())
    for part in in_parts({contact_id for _customer, contact_id in wanted if contact_id}):
        names |= {row.id: row.name for row in session.execute(select(Contact.id, Contact.name).where(Contact.id.in_(part)))}
    return {one: names.get(one[1] or 0) for one in wanted if one[0] in listed}


def _present(session: CrmSession, campaign_id: int, ids: Iterable[int]) -> set[Wanted]:
    found: set[Wanted] = set()
    for part in in_parts(ids):
        own = select(Participation.customer_id, Participation.contact_id).where(
            Participation.campaign_id == campaign_id, Participation.customer_id.in_(part)
        )
        found |= {(row.customer_id, row.contact_id) for row in session.execute(own)}
    return found


def _primary_of(session: CrmSession, ids: Sequence[int]) -> list[Wanted]:
    """The customers in the order given, each with its primary contact."""
    found: dict[int, int] = {}
    for part in in_parts(ids):
        own = select(Contact.customer_id, Contact.id).where(Contact.customer_id.in_(part), Contact.is_primary)
        found |= {row.customer_id: row.id for row in session.execute(own)}
    return [(one, found.get(one)) for one in ids]


def _contacts_of(session: CrmSession, customer_id: int) -> set[int]:
    return set(session.execute(select(Contact.id).where(Contact.customer_id == customer_id)).scalars())


def steps_open(row: Any) -> list[Step]:
    """The steps that can be recorded for somebody now, the nearest first."""
    return [step for step in REACTIONS if not getattr(row, f"{step}_at") and (step is not Step.ANSWERED or row.attended_at)]
