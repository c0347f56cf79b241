"""The second factor: time-based codes of an app (RFC 6238) that a user enrols, and recovery codes that stand in for them once.

Guesses are counted by the caller before they are checked (`crm_core/services/lockout.py`).
"""

import secrets

import pyotp
from sqlalchemy import delete, func, or_, select, update

from crm_core import audit, clock, crypto
from crm_core.db import CrmSession
from crm_core.errors import IllegalTransition, ValidationFailed
from crm_core.i18n import _
from crm_core.models import RecoveryCode, User
from crm_core.permissions import Actor
from crm_core.services import devices, lockout
from crm_core.services.users import get_manageable, get_user

ISSUER = "Kemai"
STEP_SECONDS = 30
DRIFT = (0, -1, 1)
"""The steps that count: the present one, then one to each side, for clocks that differ."""
RECOVERY_CODES = 10
RECOVERY_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def is_asked(session: CrmSession, user: User, browser: str) -> bool:
    """Whether a sign-in to this account needs a code in this browser."""
    return user.totp_confirmed_at is not None and not devices.is_trusted(session, user.id, browser)


def accept(session: CrmSession, user: User, code: str) -> bool:
    """Take a code of the app, or a recovery code, for an account; each is taken once."""
    plain = "".join(one for one in code.upper() if one.isascii() and one.isalnum())
    return _accept_totp(session, user, plain) if plain.isdigit() and len(plain) == 6 else _accept_recovery(session, user, plain)


def _accept_totp(session: CrmSession, user: User, code: str) -> bool:
    step = _step_of(user.totp_secret or "", code)
    if step is None:
        return False
    # One statement: of two browsers that send the same code at once, one is let in.
    is_new = or_(User.totp_last_step.is_(None), User.totp_last_step < step)
    taken = update(User).where(User.id == user.id, is_new).values(totp_last_step=step).returning(User.id)
    return session.execute(taken, execution_options={"synchronize_session": False}).first() is not None


def _step_of(secret: str, code: str) -> int | None:
    now = int(clock.now().timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    return next((now + drift for drift in DRIFT if secrets.compare_digest(totp.generate_otp(now + drift), code)), None) if secret else None


def _accept_recovery(session: CrmSession, user: User, code: str) -> bool:
    unused = (RecoveryCode.user_id == user.id, RecoveryCode.code_hash == _recovery_hash(user.id, code), RecoveryCode.used_at.is_(None))
    taken = update(RecoveryCode).where(*unused).values(used_at=clock.now()).returning(RecoveryCode.id)
    if session.execute(taken, execution_options={"synchronize_session": False}).first() is None:
        return False
    audit.record(session, "recovery_code_used", user)
    return True


def _recovery_hash(user_id: int, code: str) -> str:
    return crypto.keyed_hash(f"recovery:{user_id}:{code}")


def begin(session: CrmSession, actor: Actor) -> str:
    """A new secret for one's own app, in force only once a code of it confirmed it: nobody who saw an earlier one knows it."""
    user = get_user(session, actor.id or 0)
    if user.totp_confirmed_at is not None:
        raise ValidationFailed({"code": [_("Two-step verification is on already. Switch it off first to change the app.")]})
    user.totp_secret = pyotp.random_base32()
    return user.totp_secret


def address_of(actor: Actor, secret: str) -> str:
    """What the QR code holds, as apps expect it."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=actor.username, issuer_name=ISSUER)


def confirm(session: CrmSession, actor: Actor, code: str) -> list[str]:
    """Put one's own second factor in force with a first code; returns the recovery codes, which are shown this once.

    Raises `ValidationFailed` for a wrong code.
    """
    user = get_user(session, actor.id or 0)
    if user.totp_confirmed_at is not None or not accept(session, user, code):
        raise ValidationFailed({"code": [wrong_code()]})
    user.totp_confirmed_at = clock.now()
    lockout.take_back_confirmation(session, actor)
    audit.record(session, "second_factor_on", user)
    return _new_codes(session, user)


def wrong_code() -> str:
    """What to say of a code that is not right."""
    return _("This code is not right or was used before. Enter the one that your app shows now.")


def renew_codes(session: CrmSession, actor: Actor, code: str) -> list[str]:
    """Ten new recovery codes in place of the old ones, against a code. Raises `ValidationFailed`."""
    user = _confirmed_by(session, actor, code)
    audit.record(session, "recovery_codes_made", user)
    return _new_codes(session, user)


def switch_off(session: CrmSession, actor: Actor, code: str) -> None:
    """End one's own second factor against a code; the password was checked before.

    Raises `IllegalTransition` where the role requires it, `ValidationFailed` for a wrong code.
    """
    user = _confirmed_by(session, actor, code)
    if user.role.needs_second_factor:
        raise IllegalTransition(_("Your role requires two-step verification. An administrator can reset it for you."))
    _clear(session, user, "second_factor_off")


def _confirmed_by(session: CrmSession, actor: Actor, code: str) -> User:
    user = get_user(session, actor.id or 0)
    if user.totp_confirmed_at is None or not accept(session, user, code):
        raise ValidationFailed({"code": [wrong_code()]})
    lockout.take_back_confirmation(session, actor)
    return user


def reset(session: CrmSession, actor: Actor, user_id: int) -> None:
    """End the second factor of somebody who lost it. Raises `NotAllowed`, `NotFound`."""
    _clear(session, get_manageable(session, actor, user_id), "second_factor_reset")


def _clear(session: CrmSession, user: User, action: str) -> None:
    user.totp_secret, user.totp_confirmed_at, user.totp_last_step = None, None, None
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    devices.end_trust(session, user.id)
    audit.record(session, action, user)


def _new_codes(session: CrmSession, user: User) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = ["".join(secrets.choice(RECOVERY_ALPHABET) for _place in range(10)) for _number in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user.id, code_hash=_recovery_hash(user.id, code)) for code in codes)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def count_codes(session: CrmSession, actor: Actor) -> int:
    """How many recovery codes of one's own are left."""
    left = select(func.count(RecoveryCode.id)).where(RecoveryCode.user_id == actor.id, RecoveryCode.used_at.is_(None))
    return session.execute(left).scalar_one()


def is_on(session: CrmSession, actor: Actor) -> bool:
    """Whether the actor's own second factor is in force."""
    return get_user(session, actor.id or 0).totp_confirmed_at is not None
