"""The dialogs on a customer's page that change its owner: transfer, and release into the pool."""

import streamlit as st

from crm_core.i18n import N_, _, plural
from crm_core.services import owners, pool, transfers
from crm_core.services.bulk_targets import Selection, read_targets
from crm_core.visibility import View
from ui import feedback, forms, guard, routes
from ui.feedback import escape


def may_release(customer: View) -> bool:
    """Whether the entry of the menu makes sense: its owner, or who may transfer, and not in the pool yet."""
    return bool(customer.is_listed) and pool.may_release(guard.actor(), customer.owner_id)


def transfer(customer: View) -> None:
    """Choose the new owner and say why."""
    st.markdown(escape(_("{name} and its open tasks go to the new owner.").format(name=customer.name)))
    with guard.reading() as session:
        people = owners.list_holders(session, guard.actor())
    to, reason = choose_receiver({id: name for id, name in people.items() if id != customer.owner_id}), ask_reason()
    if forms.decide(_("Transfer"), icon=":material/move_up:", is_ready=bool(to)):
        with feedback.attempt() as outcome, guard.acting() as session:
            batch = transfers.transfer(session, guard.actor(), [customer.id], to=to or 0, reason=reason)
        if outcome.succeeded:
            feedback.later(_("The customer has another owner now."))
            st.switch_page(routes.RECEIPT, query_params={"id": str(batch.id)})


def transfer_many(selection: Selection) -> None:
    """The same for customers selected in the list; those that cannot move stand on the receipt."""
    with guard.reading() as session:
        people = owners.list_holders(session, guard.actor())
    st.caption(_("Their open tasks go along. The receipt names the customers that stay, and why, and takes the transfer back."))
    to, reason = choose_receiver(people), ask_reason()
    if forms.decide(_("Transfer"), icon=":material/move_up:", is_ready=bool(to)):
        with st.spinner(_("Handing over…")), feedback.attempt() as outcome, guard.acting() as session:
            ids = [target.id for target in read_targets(session, selection)]
            batch = transfers.transfer(session, guard.actor(), ids, to=to or 0, reason=reason)
        if outcome.succeeded:
            st.session_state["selecting"] = False
            feedback.later(
                plural(batch.done, N_("{count} customer has another owner now."), N_("{count} customers have another owner now.")).format(
                    count=f"{batch.done:,}"
                )
            )
            st.switch_page(routes.RECEIPT, query_params={"id": str(batch.id)})


def choose_receiver(people: dict[int, str]) -> int | None:
    """The choice of the new owner."""
    chosen: int | None = st.selectbox(
        forms.required(_("New owner")),
        list(people),
        index=None,
        format_func=lambda id: people[id],
        key=guard.key("transfer_to"),
        placeholder=_("Choose"),
    )
    return chosen


def ask_reason() -> str:
    """The reason of a change of owner."""
    return st.text_input(forms.required(_("Reason")), key=guard.key("transfer_reason"), max_chars=300)


def release(customer: View) -> None:
    """Say why the customer goes into the pool."""
    sentence = _("{name} loses its owner, and colleagues can claim it from the pool. Its open tasks go to whoever claims it.")
    st.markdown(escape(sentence.format(name=customer.name)))
    reason = st.text_input(forms.required(_("Reason")), key=guard.key("release_reason"), max_chars=300)
    if forms.decide(_("Release"), icon=":material/water:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            pool.release(session, guard.actor(), customer.id, reason=reason)
        if outcome.succeeded:
            feedback.later(_("{name} is in the pool.").format(name=customer.name))
            st.switch_page(routes.CUSTOMERS)
