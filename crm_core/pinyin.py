"""Pinyin of names, for search and for comparing mail domains."""

from functools import lru_cache
from typing import Any, cast

from pypinyin import Style, lazy_pinyin


@lru_cache(maxsize=4096)
def _syllables(text: str) -> tuple[str, ...]:
    # pypinyin documents that `errors` may return a list; its annotation does not.
    return tuple(lazy_pinyin(text, style=Style.NORMAL, errors=cast(Any, lambda rest: list(rest.lower()))))


def pinyin_of(text: str) -> str:
    """The text spelled in pinyin without tones or blanks: 恒远 → hengyuan."""
    return "".join(_syllables(text))


def initials_of(text: str) -> str:
    """The first letter of every syllable: 恒远 → hy."""
    return "".join(syllable[:1] for syllable in _syllables(text))
