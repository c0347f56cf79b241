"""What words of a file mean: a customer, a product, a person, a stage. Each is found, or there is a sentence that says why not."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import or_, select

from crm_core.db import CrmSession
from crm_core.i18n import LANGUAGES, _, catalogue, join_words
from crm_core.models import OUTCOMES, Customer, OpportunityStage, Outcome, Product, User
from crm_core.normal import name_key
from crm_core.permissions import Actor
from crm_core.services.actors import list_actors
from crm_core.services.imports.records import Record, word
from crm_core.services.opportunity_stages import list_stages
from crm_core.services.owners import visible_people

T = TypeVar("T")


class Unclear(ValueError):
    """A word that means nothing here, or more than one thing; the text is a finished sentence."""


@dataclass(frozen=True)
class Party:
    """A customer that a row may mean, with who has it."""

    id: int
    name: str
    owner_id: int | None
    team_id: int | None


@dataclass(frozen=True)
class Person:
    """An account that a row may mean."""

    actor: Actor
    is_active: bool


class Words(Generic[T]):
    """Things by the words that mean them, the surest way first: a code counts more than a name."""

    def __init__(self) -> None:
        self._ways: dict[str, list[T]] = defaultdict(list)

    def add(self, thing: T, *words: str | None) -> None:
        """Remember what these words mean."""
        for one in dict.fromkeys(filter(None, map(word, words))):
            self._ways[one].append(thing)

    def find(self, text: Any) -> list[T]:
        """Everything that a word means."""
        return self._ways.get(word(text), [])


def customers_named(session: CrmSession, records: Iterable[Record], *, lock: bool) -> dict[str, list[Party]]:
    """The listed customers in the actor's scope that these records name, by code and by the key of their name."""
    texts = {str(text) for record in records if (text := record.values.get("customer"))}
    codes, names = {text.strip().upper() for text in texts}, {name_key(text) for text in texts}
    columns = select(Customer.id, Customer.code, Customer.name, Customer.name_key, Customer.owner_id, User.team_id)
    columns = columns.outerjoin(User, User.id == Customer.owner_id)
    wanted = columns.where(Customer.is_listed, or_(Customer.code.in_(codes), Customer.name_key.in_(names))).order_by(Customer.id)
    found: dict[str, list[Party]] = defaultdict(list)
    for row in session.execute(wanted.with_for_update(of=Customer) if lock else wanted):
        party = Party(row.id, row.name, row.owner_id, row.team_id)
        found[row.code].append(party)
        found[row.name_key].append(party)
    return found


def find_customer(known: Mapping[str, Sequence[Party]], text: Any) -> Party:
    """The customer that a text names. Raises `Unclear`."""
    found = known.get(str(text).strip().upper()) or known.get(name_key(str(text))) or ()
    if not found:
        sentence = _("No customer that you see is called “{name}”. Import or enter it first, or write its code.")
        raise Unclear(sentence.format(name=str(text)[:60]))
    if len(found) > 1:
        raise Unclear(_("Several customers are called “{name}”. Write the code of the one that is meant.").format(name=str(text)[:60]))
    return found[0]


def list_catalogue(session: CrmSession) -> Words[Any]:
    """The products, retired ones too, by code and name."""
    known: Words[Any] = Words()
    for row in session.execute(select(Product.id, Product.code, Product.name, Product.unit, Product.price).order_by(Product.id)):
        known.add(row, row.code, row.name)
    return known


def find_product(known: Words[Any], text: Any) -> Any:
    """The product that a text names. Raises `Unclear`."""
    found = known.find(text)
    if not found:
        raise Unclear(_("No product is called “{name}”. Check its spelling, or add it to the catalogue first.").format(name=str(text)[:60]))
    if len(found) > 1:
        raise Unclear(_("Several products are called “{name}”. Write the code of the one that is meant.").format(name=str(text)[:60]))
    return found[0]


def list_people(session: CrmSession, actor: Actor) -> Words[Person]:
    """The accounts in the actor's view, disabled ones too, by account and full name."""
    active = set(session.execute(select(User.id).where(User.is_active)).scalars())
    known: Words[Person] = Words()
    for one in list_actors(session, visible_people(actor)):
        known.add(Person(one, one.id in active), one.username, one.name)
    return known


def find_person(known: Words[Person], text: Any) -> Person:
    """The account that a text names. Raises `Unclear`."""
    found = known.find(text)
    if not found:
        sentence = _("No account that you see is called “{name}”. Check its spelling, or import the accounts first.")
        raise Unclear(sentence.format(name=str(text)[:60]))
    if len(found) > 1:
        raise Unclear(_("Several people are called “{name}”. Write the account of the one who is meant.").format(name=str(text)[:60]))
    return found[0]


class Stages:
    """The stages in use, by their names in every language; won and lost by these words too."""

    def __init__(self, session: CrmSession) -> None:
        self.all = list_stages(session)
        self.first = next(stage for stage in self.all if stage.outcome == Outcome.OPEN)
        self._known: dict[str, OpportunityStage] = {}
        for stage in self.all:
            label = OUTCOMES[Outcome(stage.outcome)]
            closing = () if stage.outcome == Outcome.OPEN else (label, *(catalogue(code).get(label, label) for code in LANGUAGES))
            for name in (stage.name, stage.name_en, *closing):
                if name:
                    self._known.setdefault(word(name), stage)

    def find(self, text: Any) -> OpportunityStage:
        """The stage that a text names. Raises `Unclear`."""
        stage = self._known.get(word(text))
        if stage is None:
            names = join_words(one.label for one in self.all)
            raise Unclear(_("There is no stage “{name}”. The stages are: {names}.").format(name=str(text)[:60], names=names))
        return stage
