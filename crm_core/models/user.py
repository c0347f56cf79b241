"""People who sign in: accounts, roles, teams, their sessions and sign-in tickets."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core import clock
from crm_core.config import settings
from crm_core.fields import always, declared
from crm_core.i18n import N_, _
from crm_core.models.base import Base, Dated, Key, UtcTime
from crm_core.permissions import BUILT_IN_ROLES, Scope


class Role(Base):
    """A named set of permissions with the scope of rows it sees."""

    __tablename__ = "role"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    scope: Mapped[str] = mapped_column(String(10), default=Scope.OWN)
    permissions: Mapped[list[str]] = mapped_column(JSON, default=list)

    @property
    def title(self) -> str:
        """The name in the language in force; built-in roles are translated."""
        template = BUILT_IN_ROLES.get(self.code)
        return _(template.label) if template else self.name


class Team(Base):
    """A group of users; teams form a tree."""

    __tablename__ = "team"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(60), unique=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))


class User(Base, Dated):
    """An account. The table is called user_account, since `user` is a reserved word of PostgreSQL."""

    __tablename__ = "user_account"
    __table_args__ = (UniqueConstraint("username"),)
    audited = True

    id: Mapped[Key]
    username: Mapped[str] = declared(String(40), nullable=False, label=N_("Account"), required=always)
    name: Mapped[str] = declared(String(60), nullable=False, label=N_("Full name"), required=always)
    password_hash: Mapped[str] = mapped_column(String(100))
    must_change_password: Mapped[bool] = mapped_column(default=False)
    role_id: Mapped[int] = declared(ForeignKey("role.id"), nullable=False, label=N_("Role"))
    team_id: Mapped[int | None] = declared(ForeignKey("team.id"), label=N_("Team"))
    language: Mapped[str] = declared(String(10), nullable=False, default=lambda: settings().language, label=N_("Language"))
    is_active: Mapped[bool] = declared(Boolean(), nullable=False, default=True, label=N_("Active"))
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcTime)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(UtcTime)

    role: Mapped[Role] = relationship(lazy="raise")
    team: Mapped[Team | None] = relationship(lazy="raise")

    def is_locked(self) -> bool:
        """Whether sign-in is refused for now after repeated failures."""
        return self.locked_until is not None and self.locked_until > clock.now()


class UserSession(Base):
    """A signed-in browser. Only the hash of its token is stored."""

    __tablename__ = "user_session"

    id: Mapped[Key]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    last_used_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)

    user: Mapped[User] = relationship(lazy="raise")


class SignInTicket(Base):
    """A ticket, good once and for a minute, that the browser trades for its session cookie."""

    __tablename__ = "sign_in_ticket"

    id: Mapped[Key]
    ticket_hash: Mapped[str] = mapped_column(String(64), unique=True)
    session_token: Mapped[str] = mapped_column(String(400))
    browser_hash: Mapped[str] = mapped_column(String(64))
    """Of the random cookie of the browser in which the password was entered; a ticket is worth nothing in another one."""
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
