"""The rule of passwords [001], and which ones keep it but are guessed first."""

from functools import cache

from crm_core.config import REFERENCE_DIR
from crm_core.i18n import _

MIN_PASSWORD = 8
MAX_PASSWORD_BYTES = 72
"""What bcrypt reads."""
SHORTEST_NAME = 3
WALKS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qazwsxedcrfvtgbyhnujmikolp", "abcdefghijklmnopqrstuvwxyz")
"""Letters in the order of the keyboard, row by row and column by column, and of the alphabet."""
_LOOK_ALIKES = str.maketrans("@4310$5!7", "aaeiossit")


@cache
def common_passwords() -> frozenset[str]:
    """The words and patterns of `data/common-passwords.txt`, in lower case."""
    lines = (REFERENCE_DIR / "common-passwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("# "))


def check_password(password: str, *, username: str = "") -> str:
    """Letters, digits and special characters, at least 8 [001]; at most 72 bytes; none that is guessed first.

    Raises `ValueError` with a sentence.
    """
    kinds = (str.isalpha, str.isdigit, lambda one: not one.isalnum() and not one.isspace())
    if len(password) < MIN_PASSWORD or not all(any(kind(one) for one in password) for kind in kinds):
        raise ValueError(_("A password has at least 8 characters, with letters, digits and special characters such as ! or #."))
    if password != password.strip():
        raise ValueError(_("A password cannot begin or end with a blank. Leave it out."))
    if len(password.encode()) > MAX_PASSWORD_BYTES:
        raise ValueError(_("This password is too long. Use at most 72 characters."))
    if is_common(password) or _holds_name(password, username):
        raise ValueError(
            _("This password is guessed easily: it is a common one, or made of a name or of neighbouring keys. Choose another.")
        )
    return password


def is_common(password: str) -> bool:
    """Whether a password, or what is left of it without digits and special characters, is known to everybody who guesses."""
    folded = password.casefold()
    letters = "".join(one for one in folded if one.isalpha())
    return len(set(letters)) == 1 or _is_walk(letters) or not common_passwords().isdisjoint(_forms(folded, letters))


def _forms(folded: str, letters: str) -> set[str]:
    core = folded.strip("".join({one for one in folded if not one.isalpha()}))
    return {folded, letters, "".join(one for one in folded if one.isalnum()), core.translate(_LOOK_ALIKES)}


def _is_walk(letters: str) -> bool:
    return any(letters in way or letters in way[::-1] for way in WALKS)


def _holds_name(password: str, username: str) -> bool:
    return len(username) >= SHORTEST_NAME and username.casefold() in password.casefold()
