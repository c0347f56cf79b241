"""What can be pressed in components of our own, and what follows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ui.component import sent


@dataclass(frozen=True)
class Press:
    """Something to press and what follows: a link where it has a path, else a button.

    `spoken` is its name where its words alone do not tell.
    """

    key: str
    label: str
    follow: Callable[[], None]
    icon: str = ""
    path: str = ""
    spoken: str = ""
    look: str = ""

    @property
    def shown(self) -> dict[str, str]:
        """What the browser needs of it."""
        said = {name: getattr(self, name) for name in ("key", "label", "icon", "path", "spoken", "look")}
        return {name: value for name, value in said.items() if value}


def follow(result: Any, presses: Iterable[Press]) -> None:
    """Do what was pressed: what is not offered any more, since somebody else has done it meanwhile, leads nowhere."""
    asked = sent(result, "pressed", "key")
    press = next((one for one in presses if one.key == asked), None)
    if press:
        press.follow()
