"""Why a message was not taken: kept as a code with what the server answered, told in the language of who reads it."""

import smtplib
import socket
import ssl

import httpx2

from crm_core.i18n import N_, _

WORDS = {
    "late": N_("The server did not answer in time."),
    "unknown": N_("The network does not know the name of the server. Check it in the settings."),
    "unreachable": N_("Nothing answers at the address of the server. Check host and port in the settings."),
    "unsecured": N_("The encrypted connection did not come about: {answer}"),
    "account": N_("The server refused the account or the password of the settings: {answer}"),
    "receiver": N_("The server refused the receiver: {answer}"),
    "ended": N_("The server ended the connection."),
}
_KINDS: dict[str, tuple[type[Exception], ...]] = {
    "late": (TimeoutError, httpx2.TimeoutException),
    "unknown": (socket.gaierror,),
    "unreachable": (ConnectionRefusedError, httpx2.ConnectError),
    "unsecured": (ssl.SSLError, smtplib.SMTPNotSupportedError),
    "account": (smtplib.SMTPAuthenticationError,),
    "receiver": (smtplib.SMTPRecipientsRefused,),
    "ended": (smtplib.SMTPServerDisconnected, ConnectionResetError),
}


def code_of(problem: Exception) -> str:
    """What is kept of a problem: its code, if it has one, and the answer of the server."""
    code = next((code for code, kinds in _KINDS.items() if isinstance(problem, kinds)), "")
    return ": ".join(part for part in (code, _answer(problem)) if part)


def _answer(problem: Exception) -> str:
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return " · ".join(_written(*refused) for refused in problem.recipients.values())
    if isinstance(problem, smtplib.SMTPResponseException):
        return _written(problem.smtp_code, problem.smtp_error)
    return str(problem) or type(problem).__name__


def _written(number: int, text: bytes | str) -> str:
    return f"{number} {text.decode(errors='replace') if isinstance(text, bytes) else text}"


def tell(kept: str) -> str:
    """What was kept, in words; an answer without a code stands for itself."""
    code, _colon, answer = kept.partition(": ")
    return _(WORDS[code]).format(answer=answer) if code in WORDS else kept
