"""A real mail server that keeps what it takes."""

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.browser.conftest import free_port


class MailBox:
    """Everything that was sent to anybody; it can be closed and opened again at the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"
        self.hangs = 0.0
        """So many seconds it keeps whoever sends waiting, in the middle of the exchange."""
        self.drops = False
        """Whether it takes the next mail and hangs up without a word."""
        self._controller: Controller | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The settings with which the product sends here."""
        return {
            "CRM_SMTP_HOST": "127.0.0.1",
            "CRM_SMTP_PORT": str(self.port),
            "CRM_SMTP_FROM": "kemai@example.com",
            "CRM_SMTP_TLS": "none",
        }

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        content: Any = envelope.content
        await asyncio.sleep(self.hangs)
        if self.answer.startswith("250"):
            self.mails.append(message_from_bytes(content, policy=policy.default))
        if self.drops and server.transport:
            self.drops = False
            server.transport.abort()
        return self.answer

    def open(self) -> "MailBox":
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()
        return self

    def close(self) -> None:
        if self._controller:
            self._controller.stop()
            self._controller = None
