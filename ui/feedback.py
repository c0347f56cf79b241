"""How outcomes are told: errors at one place, messages that survive a change of page, empty states."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from crm_core.errors import CrmError, ValidationFailed


class Outcome:
    """What became of an attempted action."""

    error: CrmError | None = None

    @property
    def succeeded(self) -> bool:
        """Whether nothing was refused."""
        return self.error is None

    @property
    def errors(self) -> dict[str, list[str]]:
        """Sentences by field, where the action failed for its values."""
        return self.error.errors if isinstance(self.error, ValidationFailed) else {}


@contextmanager
def attempt(*, show: bool = True) -> Iterator[Outcome]:
    """Run an action; what it refuses is shown here, unless the caller shows it at its fields."""
    outcome = Outcome()
    try:
        yield outcome
    except CrmError as problem:
        outcome.error = problem
        if show:
            refusal("  \n".join([str(problem), *(sentence for sentences in outcome.errors.values() for sentence in sentences)]))


def refusal(sentence: str) -> None:
    """Say why something cannot be done."""
    st.error(escape(sentence), icon=":material/block:")


def later(message: str) -> None:
    """A message for the page that is shown next."""
    st.session_state["message"] = message


def show_message() -> None:
    """Show the message that the page before left."""
    if message := st.session_state.pop("message", None):
        st.toast(escape(message), icon=":material/check_circle:")


def empty_state(icon: str, title: str, hint: str) -> None:
    """Say that there is nothing yet, and what to do first; the caller adds the button."""
    st.markdown(f":material/{icon}: **{escape(title)}**")
    st.caption(escape(hint))


def escape(text: str) -> str:
    """Text from users as plain text inside Markdown."""
    for character in "\\`*_{}[]()#+-!|<>~$:":
        text = text.replace(character, "\\" + character)
    return text
