"""The outbox: messages that leave the house, written in the same transaction as their cause and sent afterwards."""

from email.utils import make_msgid

from crm_core.db import CrmSession, insert_unless_there
from crm_core.models import OutboxMessage


def enqueue_mail(
    session: CrmSession, *, recipient: str, subject: str, body: str, user_id: int | None = None, key: str | None = None
) -> None:
    """Put a mail into the outbox; one with the key of an earlier one is left out."""
    insert_unless_there(
        session,
        OutboxMessage,
        user_id=user_id,
        channel="mail",
        recipient=recipient,
        subject=subject[:200],
        body=body,
        message_id=make_msgid(domain="kemai"),
        key=key,
    )
