"""Speaking to the robots of group chats: what each program's robot is asked, and what its answer means.

All of them answer 200 also where they refuse, with the reason in the answer; see docs/adr/0006-robots-without-apprise.md.
"""

import base64
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import httpx2

from crm_core import clock
from crm_core.config import settings
from crm_core.errors import ValidationFailed
from crm_core.i18n import _

logging.getLogger("httpx2").setLevel(logging.WARNING)  # below that it writes the address of each request, and so the key

PATIENCE = 20
"""Seconds for each step of an exchange; the claim of a message lasts much longer."""
_KEY = re.compile(r"[A-Za-z0-9_-]{8,100}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{8,100}")


class RobotRefused(Exception):
    """The robot did not take a message; the text says why, as far as the program told."""


@dataclass(frozen=True)
class Line:
    """How one program's robots are reached."""

    host: str
    path: str
    parameter: str
    """The parameter that carries the key; empty where the key ends the path."""
    ask: Callable[[str, str], tuple[dict[str, str], dict[str, Any]]]
    """From text and secret to further parameters and the body."""
    code: str
    """Where the answer carries 0 if the message was taken."""
    most_bytes: int
    has_secret: bool = True


def _ask_wecom(text: str, _secret: str) -> tuple[dict[str, str], dict[str, Any]]:
    return {}, {"msgtype": "text", "text": {"content": text}}


def _ask_dingtalk(text: str, secret: str) -> tuple[dict[str, str], dict[str, Any]]:
    body = {"msgtype": "text", "text": {"content": text}}
    if not secret:
        return {}, body
    stamp = str(round(clock.now().timestamp() * 1000))
    return {"timestamp": stamp, "sign": _sign(secret, f"{stamp}\n{secret}")}, body


def _ask_feishu(text: str, secret: str) -> tuple[dict[str, str], dict[str, Any]]:
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
    if secret:
        stamp = str(round(clock.now().timestamp()))
        body |= {"timestamp": stamp, "sign": _sign(f"{stamp}\n{secret}", "")}
    return {}, body


def _sign(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


LINES = {
    "wecom": Line("qyapi.weixin.qq.com", "/cgi-bin/webhook/send", "key", _ask_wecom, "errcode", 2000, has_secret=False),
    "dingtalk": Line("oapi.dingtalk.com", "/robot/send", "access_token", _ask_dingtalk, "errcode", 15_000),
    "feishu": Line("open.feishu.cn", "/open-apis/bot/v2/hook/", "", _ask_feishu, "code", 15_000),
}
"""By the codes of `ROBOTS`."""


def read_address(address: str, secret: str) -> tuple[str, str]:
    """The kind of robot, and its key with its secret as they are kept, from the address that the chat program shows.

    Only addresses of these programs are taken: the server asks no other host for anything. Raises `ValidationFailed`.
    """
    kind, key = next(((kind, key) for kind, line in LINES.items() if (key := _key_in(line, address.strip()))), ("", ""))
    secret, errors = secret.strip(), {}
    if not key:
        errors["address"] = [_("This is not the address of a group robot of WeCom, DingTalk or Feishu. Copy the whole webhook address.")]
    if secret and not _SECRET.fullmatch(secret):
        errors["secret"] = [_("The secret has letters and digits only. Copy it from the security settings of the robot.")]
    elif secret and kind and not LINES[kind].has_secret:
        errors["secret"] = [_("Robots of this program have no secret. Leave the field empty.")]
    if errors:
        raise ValidationFailed(errors)
    return kind, f"{key} {secret}".strip()


def _key_in(line: Line, address: str) -> str:
    beginning = f"https://{line.host}{line.path}"
    if not address.startswith(f"{beginning}?" if line.parameter else beginning):
        return ""
    rest = address.removeprefix(beginning)
    key = parse_qs(rest[1:]).get(line.parameter, [""])[0] if line.parameter else rest.rstrip("/")
    return key if _KEY.fullmatch(key) else ""


def say(kind: str, address: str, text: str) -> None:
    """Have a robot write a text into its group. Raises `RobotRefused`, or `httpx2.HTTPError` where nothing answers in time."""
    line, (key, _blank, secret) = LINES[kind], address.partition(" ")
    parameters, body = line.ask(_cut(text, line.most_bytes), secret)
    base = settings().robots_url or f"https://{line.host}"
    url = f"{base}{line.path}" if line.parameter else f"{base}{line.path}{key}"
    parameters |= {line.parameter: key} if line.parameter else {}
    answer = httpx2.post(url, params=parameters, json=body, timeout=PATIENCE, follow_redirects=False)
    if refusal := _refusal(line, answer):
        raise RobotRefused(refusal)


def _cut(text: str, most: int) -> str:
    encoded = text.encode()
    return text if len(encoded) <= most else encoded[:most].decode(errors="ignore") + "…"


def _refusal(line: Line, answer: httpx2.Response) -> str:
    """Why a message was not taken; empty where it was."""
    try:
        told = answer.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        told = {}
    told = told if isinstance(told, dict) else {}
    if answer.status_code == 200 and told.get(line.code) == 0:
        return ""
    words = told.get("errmsg") or told.get("msg") or answer.reason_phrase
    return f"{told.get(line.code) or answer.status_code}: {words}"
