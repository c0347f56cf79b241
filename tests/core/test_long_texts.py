"""Whatever somebody pastes into a field for free text is kept, shortened or refused in words, on PostgreSQL, which counts letters."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from crm_core.db import CrmSession, transaction
from crm_core.errors import CrmError
from crm_core.models import Customer
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import (
    aliases,
    archive,
    bulk,
    contacts,
    customer_changes,
    customers,
    field_changes,
    hand_tiers,
    holds,
    industries,
    library,
    merges,
    outlines,
    pool,
    pool_rules,
    profile,
    reveals,
    roles,
    saved_views,
    stage_changes,
    tag_rules,
    tags,
    teams,
    transfers,
    users,
    verification,
)
from crm_core.services.bulk_targets import Selection
from crm_core.services.customer_list import CustomerQuery
from crm_core.services.measures import Condition
from crm_core.services.pool_rules import PoolRules
from tests import factories

TEXTS = ("长😀" * 5_000, "\u202e\u0000\u2028a" * 300)
Action = Callable[[CrmSession, Actor, Customer, str], object]
ACTIONS: dict[str, Action] = {
    "alias": lambda s, a, c, t: aliases.set_alias(s, a, c.id, t),
    "archive": lambda s, a, c, t: archive.archive_customer(s, a, c.id, reason=t),
    "search the archive": lambda s, a, c, t: archive.list_archive(s, a, phrase=t),
    "delete": lambda s, a, c, t: customers.delete_customer(s, a, c.id, reason=t),
    "hold": lambda s, a, c, t: holds.set_hold(s, a, c.id, is_on_hold=True, reason=t),
    "tier": lambda s, a, c, t: hand_tiers.set_tier(s, a, c.id, "A", reason=t, until=None),
    "verify": lambda s, a, c, t: verification.verify_customer(s, a, c.id, checked=["names"], wrong=["names"], note=t),
    "tags": lambda s, a, c, t: tags.set_tags(s, a, c.code, [t]),
    "edit": lambda s, a, c, t: customer_changes.update_customer(s, a, c.id, {"remark": t, "source_detail": t}, version=c.version, reason=t),
    "name": lambda s, a, c, t: customer_changes.update_customer(s, a, c.id, {"name": t}, version=c.version, reason="x"),
    "reveal": lambda s, a, c, t: reveals.reveal(s, a, "customer", c.id, "address", reason=t),
    "release": lambda s, a, c, t: pool.release(s, a, c.id, reason=t),
    "transfer": lambda s, a, c, t: transfers.transfer(s, a, [c.id], to=a.id or 0, reason=t),
    "merge": lambda s, a, c, t: merges.merge_customers(s, a, c.id, _twin(s, a, c).id, {}, versions=(1, 1), reason=t),
    "bulk": lambda s, a, c, t: bulk.run(s, a, "tags_add", Selection((c.code,)), {"tags": [t]}, reason=t, key="k"),
    "view": lambda s, a, c, t: saved_views.save_view(s, a, t, query={"q": [t]}, columns=[t]),
    "search": lambda s, a, c, t: bulk.preview(s, a, "tags_add", Selection(query=CustomerQuery(phrase=t)), {"tags": ["x"]}),
    "role": lambda s, a, c, t: roles.create_role(s, a, name=t),
    "team": lambda s, a, c, t: teams.create_team(s, a, name=t),
    "account": lambda s, a, c, t: users.create_user(s, a, username=t, name=t, password_hash="x", role="sales"),
    "account's name": lambda s, a, c, t: users.update_user(s, a, a.id or 0, name=t, role="administrator", team_id=None, is_active=True),
    "mailbox": lambda s, a, c, t: profile.set_mailbox(s, a, a.id or 0, t),
    "preset": lambda s, a, c, t: library.add_preset(s, a, "source", name=t, name_en=t),
    "preset's English name": lambda s, a, c, t: library.add_preset(s, a, "source", name="行业协会", name_en=t),
    "industry": lambda s, a, c, t: _enter(s, a, industry=t),
    "entry": lambda s, a, c, t: _enter(s, a, **dict.fromkeys(("source_detail", "remark", "address", "website"), t)),
    "entry of a twin": lambda s, a, c, t: customers.create_customer(
        s, a, factories.customer_values(name=c.name), [factories.contact_values()], duplicate_reason=t
    ),
    "contact": lambda s, a, c, t: contacts.add_contact(
        s, a, c.id, factories.contact_values() | dict.fromkeys(("name", "position", "wechat", "phone", "email"), t)
    ),
    "change of type": lambda s, a, c, t: stage_changes.change_stage(
        s, a, c.id, "churned", {"churn_reason": "churn_reason.price", "churn_detail": t}, version=c.version, reason=t, feedback=t
    ),
    "refused industry": lambda s, a, c, t: industries.refuse_suggestion(s, a, _suggested(s, a), remark=t),
    "accepted industry": lambda s, a, c, t: industries.accept_suggestion(s, a, _suggested(s, a), section="C", name_en=t),
    "question": lambda s, a, c, t: outlines.save_question(
        s, a, None, industry="", stage="", position=1, question=t, question_en=t, field="core_need"
    ),
    "tag rule": lambda s, a, c, t: tag_rules.save_rule(s, a, None, tag=t, conditions=[Condition("words", "contains", [t])]),
    "field": lambda s, a, c, t: field_changes.add_custom_field(s, a, "text", field_changes.CustomValues(name=t, name_en=t)),
}


def _enter(session: CrmSession, actor: Actor, **values: str) -> object:
    return customers.create_customer(session, actor, factories.customer_values(**values), [factories.contact_values()])


def _suggested(session: CrmSession, actor: Actor) -> int:
    industries.suggest_industry(session, actor, "低空经济")
    session.flush()
    return industries.list_suggestions(session, actor)[0][0].id


def _twin(session: CrmSession, actor: Actor, customer: Customer) -> Customer:
    return session.query(Customer).filter(Customer.id != customer.id).one()


@pytest.mark.parametrize("text", TEXTS, ids=["long", "controls"])
@pytest.mark.parametrize("action", ACTIONS)
def test_no_text_brings_an_action_down(postgres_database: str, administrator: Actor, action: str, text: str) -> None:
    with transaction(SYSTEM) as session:
        pool_rules.set_rules(session, SYSTEM, PoolRules(is_on=True), version=0)
    customer, _other = factories.make_customer(administrator), factories.make_customer(administrator)
    with suppress(CrmError), transaction(administrator) as session:
        ACTIONS[action](session, administrator, customer, text)
