"""Pinyin of names, for search and for comparing mail domains."""

from functools import lru_cache
from itertools import chain
from typing import Any, cast

from pypinyin import Style, lazy_pinyin
from pypinyin.core import Pinyin

_segmenter = Pinyin()


@lru_cache(maxsize=20_000)
def _spelled(word: str) -> tuple[str, ...]:
    # pypinyin documents that `errors` may return a list; its annotation does not.
    return tuple(lazy_pinyin(word, style=Style.NORMAL, errors=cast(Any, lambda rest: list(rest.lower()))))


@lru_cache(maxsize=4096)
def _syllables(text: str) -> tuple[str, ...]:
    # Word by word, since the words of company names (有限公司, 科技) come again and again.
    return tuple(chain.from_iterable(map(_spelled, _segmenter.seg(text))))


def pinyin_of(text: str) -> str:
    """The text spelled in pinyin without tones or blanks: 恒远 → hengyuan."""
    return "".join(_syllables(text))


def initials_of(text: str) -> str:
    """The first letter of every syllable: 恒远 → hy."""
    return "".join(syllable[:1] for syllable in _syllables(text))
