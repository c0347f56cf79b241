"""What is of no more use after a time: ended sessions, tickets and links, failures of long ago, old reports."""

from datetime import timedelta

from sqlalchemy import delete, not_

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import AccountLink, Report, SignInFailure, SignInTicket, UserSession
from crm_core.services.sessions import is_alive

FAILURES_KEPT = timedelta(days=7)
REPORTS_KEPT = timedelta(days=30)


def remove_expired(session: CrmSession) -> None:
    """Delete what can never count again. Safe to repeat."""
    now = clock.now()
    session.execute(delete(UserSession).where(not_(is_alive())))
    session.execute(delete(SignInTicket).where(SignInTicket.expires_at < now))
    session.execute(delete(AccountLink).where(AccountLink.expires_at < now))
    is_over = SignInFailure.locked_until.is_(None) | (SignInFailure.locked_until < now)
    session.execute(delete(SignInFailure).where(SignInFailure.last_at < now - FAILURES_KEPT, is_over))
    # The file store removes their files, since no row names them any more.
    session.execute(delete(Report).where(Report.finished_at < now - REPORTS_KEPT))
