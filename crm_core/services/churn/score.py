"""The churn score: what speaks for losing a customer, how strongly, and what that comes to from 0 (nothing) to 100. Pure functions.

Each sign has a strength from 0 to 1 and a weight, the most that it can come to by itself. Signs add up as independent causes would
("noisy or", Pearl 1988): score = 100 × (1 − Π (1 − weight × strength)). So one sign alone never says 100, several together come close
to it, and a sign of which nothing is known changes nothing. The weights are a judgement and not fitted; `proof` shows how well the score
did on the team's own past. The score is a measure of risk by which customers are put in order, not a probability.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from crm_core.services.churn.rhythm import Purchases, Rhythm

Numbers = dict[str, float | int | str]
Reason = tuple[str, Numbers]
"""A sign with the numbers that its sentence tells."""
Sign = tuple[float, Numbers | None]
"""A strength from 0 to 1 and the numbers to tell; nothing to tell where it is no reason by itself."""

WEIGHTS: Mapping[str, float] = {
    "contracts": 0.55,
    "contacts": 0.45,
    "amounts": 0.3,
    "complaints": 0.25,
    "satisfaction": 0.25,
    "ending": 0.25,
    "no_step": 0.1,
}
"""The most that each sign comes to by itself."""
TOLD_FROM = 0.03
"""A sign that comes to less is no reason worth a sentence."""
QUIET_TIMES = 4.0
"""After so many of its usual intervals without contact nothing worse is to be feared from the silence."""
MANY_COMPLAINTS = 3
CONTENT, LEAST_CONTENT = 4.0, 1.0
"""A mean satisfaction from which nothing is to be feared, and the lowest one."""
ENDING_DAYS, ENDED_DAYS = 60, 365
"""A contract that ends within so many days without another one, or ended up to so many days ago, is a sign."""
WEEK = 7


@dataclass(frozen=True)
class Facts:
    """What is known of a customer at the end of a day; nothing later than that day may stand in it."""

    day: date
    signings: int = 0
    """Days on which contracts were signed that were in force then."""
    first_signed: date | None = None
    last_signed: date | None = None
    year_amount: float = 0.0
    """Yuan of the contracts signed in the year that ends with the day, and in the one before."""
    before_amount: float = 0.0
    ends_on: date | None = None
    """The latest end of its contracts."""
    contacts: int = 0
    first_contact: date | None = None
    last_contact: date | None = None
    complaints: int = 0
    """Of the year that ends with the day, as well as the scores of satisfaction."""
    ratings: int = 0
    rating_sum: int = 0
    has_step: bool = True

    @property
    def purchases(self) -> Purchases | None:
        """The history of its purchases; nothing for a customer that signed no contract."""
        if self.first_signed is None or self.last_signed is None:
            return None
        last, known = ((day - self.first_signed).days / WEEK for day in (self.last_signed, self.day))
        return Purchases(self.signings - 1, last, known)


@dataclass(frozen=True)
class Usual:
    """What is usual in a team, against which a customer is held as far as too little is known of itself."""

    rhythm: Rhythm = field(default_factory=Rhythm)
    contact_days: float = 60.0
    """Days between two contacts with one customer."""
    horizon_days: int = 365
    """So far ahead a purchase is looked for."""


@dataclass(frozen=True)
class Assessment:
    """The score with its reasons, the weightiest first."""

    score: float
    reasons: tuple[Reason, ...]


def assess(facts: Facts, usual: Usual) -> Assessment:
    """The score of a customer and why."""
    signs: dict[str, Sign] = {
        "contracts": _contracts(facts, usual),
        "contacts": _contacts(facts, usual),
        "amounts": _amounts(facts),
        "complaints": (min(1.0, facts.complaints / MANY_COMPLAINTS), {"count": facts.complaints}),
        "satisfaction": _satisfaction(facts),
        "ending": _ending(facts),
        "no_step": (0.0 if facts.has_step else 1.0, {}),
    }
    staying = 1.0
    told: list[tuple[float, Reason]] = []
    for code, (strength, numbers) in signs.items():
        part = WEIGHTS[code] * strength
        staying *= 1 - part
        if part >= TOLD_FROM and numbers is not None:
            told.append((part, (code, numbers)))
    told.sort(key=lambda one: -one[0])
    return Assessment(100 * (1 - staying), tuple(reason for _part, reason in told))


def _contracts(facts: Facts, usual: Usual) -> Sign:
    """How probably nothing is bought within the horizon: 1 ÷ (1 + what is to be expected), as for counts of which no more than the mean
    is known (geometric). It is told as a reason once the customer is quiet for longer than its interval.
    """
    of = facts.purchases
    if of is None or facts.last_signed is None:
        return 0.0, None
    days = (facts.day - facts.last_signed).days
    own = usual.rhythm.interval(of) * WEEK
    strength = 1 / (1 + usual.rhythm.expected(of, usual.horizon_days / WEEK))
    return strength, {"days": days, "usual": round(own)} if days > own else None


def _contacts(facts: Facts, usual: Usual) -> Sign:
    """How long nobody was in touch, in intervals usual with this customer: nothing up to one, all from `QUIET_TIMES` on."""
    if facts.first_contact is None or facts.last_contact is None:
        return 0.0, None
    days, own = (facts.day - facts.last_contact).days, contact_interval(facts, usual)
    strength = (days / own - 1) / (QUIET_TIMES - 1)
    return min(1.0, max(0.0, strength)), {"days": days, "usual": round(own)}


def contact_interval(facts: Facts, usual: Usual) -> float:
    """Days between two contacts with a customer: the mean of its own intervals, with two of the usual ones added, at least a week."""
    span = (facts.last_contact - facts.first_contact).days if facts.first_contact and facts.last_contact else 0
    own = max(facts.contacts - 1, 0)
    return max(float(WEEK), (span + 2 * usual.contact_days) / (own + 2))


def _amounts(facts: Facts) -> Sign:
    """By which share the contracts of a year are worth less than those of the year before."""
    if facts.before_amount <= 0 or facts.year_amount >= facts.before_amount:
        return 0.0, None
    fall = 1 - facts.year_amount / facts.before_amount
    return fall, {"percent": round(100 * fall)}


def _satisfaction(facts: Facts) -> Sign:
    if not facts.ratings:
        return 0.0, None
    mean = facts.rating_sum / facts.ratings
    return min(1.0, max(0.0, (CONTENT - mean) / (CONTENT - LEAST_CONTENT))), {"score": round(mean, 1)}


def _ending(facts: Facts) -> Sign:
    """The latest contract ends soon, or has ended, and none was signed since that end came near."""
    if facts.ends_on is None or facts.last_signed is None:
        return 0.0, None
    is_renewed = facts.last_signed > facts.ends_on - timedelta(days=ENDING_DAYS)
    left = (facts.ends_on - facts.day).days
    if is_renewed or not -ENDED_DAYS <= left <= ENDING_DAYS:
        return 0.0, None
    return min(1.0, 1 - left / ENDING_DAYS) if left > 0 else 1.0, {"day": facts.ends_on.isoformat(), "left": left}


def band_of(score: float, *, medium_from: float, high_from: float) -> str:
    """The band of a score, as it is shown: rounded, so that what reads 70 counts as 70."""
    shown = round(score)
    return "high" if shown >= high_from else "medium" if shown >= medium_from else "low"
