"""Who is asking over the network: what the server knows of a browser before it knows the person."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    """A browser: its network address, how it names itself, and the random cookie by which it is known."""

    address: str = ""
    user_agent: str = ""
    browser: str = ""
