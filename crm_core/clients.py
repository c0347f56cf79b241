"""The other end of a connection: its network address, behind trusted proxies too, and its device in words."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from crm_core.config import settings

Address = IPv4Address | IPv6Address

_IPV4_WITH_PORT = re.compile(r"([\d.]+)(?::\d+)?")
_IPV6_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?")
# The first that matches counts: Edge and Opera call themselves Chrome too, Chrome calls itself Safari.
_BROWSERS = (
    ("Edg(?:e|A|iOS)?/", "Edge"),
    ("MicroMessenger/", "WeChat"),
    ("OPR/|Opera", "Opera"),
    ("QQBrowser/", "QQ Browser"),
    ("Firefox/|FxiOS/", "Firefox"),
    ("Chrome/|CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh|Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class Client:
    """Who asks: network address, user agent, and the random cookie of the browser."""

    address: str = ""
    user_agent: str = ""
    browser: str = ""


def client_address(peer: str | None, forwarded_for: str | None) -> str:
    """The address of the browser; empty for an unknown one.

    X-Forwarded-For is believed only from a trusted proxy, and from right to left: what stands left of the first address that is
    not a trusted proxy was written by somebody who may lie.
    """
    found = _parse(peer or "")
    for text in reversed((forwarded_for or "").split(",")):
        if found is None or not _is_trusted(found):
            break
        before = _parse(text)
        if before is None:
            break
        found = before
    return str(found or "")


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in settings().trusted_proxies)


def _parse(text: str) -> Address | None:
    text = text.strip()
    bare = _IPV4_WITH_PORT.fullmatch(text) or _IPV6_WITH_PORT.fullmatch(text)
    try:
        address = ip_address(bare[1] if bare else text)
    except ValueError:
        return None  # a proxy may write "unknown", and anybody may write anything
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))  # without a zone, which means nothing on another host
    return address


def device_of(user_agent: str) -> str:
    """Browser and system, such as `Chrome · Windows`; empty where neither is known."""
    found = (next((name for pattern, name in names if re.search(pattern, user_agent)), "") for names in (_BROWSERS, _SYSTEMS))
    return " · ".join(name for name in found if name)
