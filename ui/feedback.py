"""How outcomes are told: errors at one place, messages that survive a change of page, empty states."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from crm_core import db
from crm_core.errors import CrmError, NotAllowed, ValidationFailed
from crm_core.i18n import _, join_words
from crm_core.services import users


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
            explain(problem)


def explain(problem: CrmError) -> None:
    """Say why something was refused: every sentence, and for a missing permission whom to ask."""
    sentences = [str(problem)]
    if isinstance(problem, ValidationFailed):  # its own sentence sends to the fields, but here all is told at once
        sentences = [sentence for field in problem.errors.values() for sentence in field] or sentences
    if isinstance(problem, NotAllowed):
        with db.reading() as session:
            names = users.administrator_names(session)
        sentences.append(_("Administrators: {names}.").format(names=join_words(names)))
    refusal("  \n".join(sentences))


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


_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-!|<>~$:&])")
_AUTOMATIC = re.compile(r"(https?|www|:material|mailto)(?=[:.\\/])|(?=@)", re.IGNORECASE)
_NUMBERED = re.compile(r"^(\s*\d+)([.)])", re.MULTILINE)
_WORD_JOINER = "\u2060"


def escape(text: str) -> str:
    """Text from users as plain text inside Markdown: no markup, and no links, icons or lists made from what only looks like them.

    Links are made from plain addresses after escapes are resolved, so an invisible joiner breaks those up.
    """
    plain = _AUTOMATIC.sub(lambda found: found.group(0) + _WORD_JOINER, text)
    return _NUMBERED.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", plain))


def badge(text: str, **look: Any) -> None:
    """`st.badge` for text from users; it takes care of brackets itself."""
    st.badge(escape(text).replace("\\[", "[").replace("\\]", "]"), **look)
