"""What counts as a finished sentence in the user's language."""

import re

_HAN = re.compile(r"[\u4e00-\u9fff]")
_RAW = re.compile(r"\{\w*\}|\b[a-z]+[_.][a-z_]+\b|Traceback|Error")


def is_sentence(text: str, *, at_least: int = 6) -> bool:
    """Whether a text is Chinese words for a user, without codes or unfilled places. Sample addresses may stand in it."""
    words = re.sub(r"\S+@\S+|[\w.-]+\.com", "", text)
    return len(_HAN.findall(text)) >= at_least and not _RAW.search(words)
