"""People who sign in: accounts, roles and teams."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core import clock
from crm_core.checks.contacts import check_mailbox, check_phone
from crm_core.config import settings
from crm_core.fields import always, declared
from crm_core.i18n import N_, _
from crm_core.models.base import Base, Dated, Encrypted, Key, UtcTime, Versioned
from crm_core.permissions import BUILT_IN_ROLES, SCOPES, Scope


class Role(Base, Versioned):
    """A named set of permissions with the scope of rows it sees and its access to sensitive values."""

    __tablename__ = "role"
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = declared(String(60), nullable=False, label=N_("Name"), required=always)
    scope: Mapped[str] = declared(String(10), nullable=False, default=Scope.OWN, label=N_("Whose customers"), choices=SCOPES)
    permissions: Mapped[list[str]] = declared(JSON(), nullable=False, default=list, label=N_("Permissions"))
    access: Mapped[dict[str, int]] = declared(JSON(), nullable=False, default=dict, label=N_("Sensitive values"))
    entry_stages: Mapped[list[str] | None] = declared(JSON(), label=N_("Customer types for entry"))
    needs_second_factor: Mapped[bool] = declared(Boolean(), nullable=False, default=False, label=N_("Second factor required"))

    @property
    def title(self) -> str:
        """The name; that of a built-in role in the language in force, unless it was renamed."""
        template = BUILT_IN_ROLES.get(self.code)
        return _(self.name) if template and template.label == self.name else self.name


class Team(Base):
    """A group of users; teams form a tree, and a head sees the team and all below it."""

    __tablename__ = "team"
    __table_args__ = (UniqueConstraint("name"),)
    audited = True

    id: Mapped[Key]
    name: Mapped[str] = declared(String(60), nullable=False, label=N_("Name"), required=always)
    parent_id: Mapped[int | None] = declared(ForeignKey("team.id"), label=N_("Belongs to"))
    head_id: Mapped[int | None] = declared(ForeignKey("user_account.id", use_alter=True), label=N_("Head of the team"))


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
    is_active: Mapped[bool] = declared(Boolean(), nullable=False, default=True, label=N_("In use"))
    email: Mapped[str | None] = declared(String(254), index=True, label=N_("Email"), check=check_mailbox, sensitive="email")
    phone: Mapped[str | None] = declared(String(40), label=N_("Phone"), check=check_phone, sensitive="phone")
    alert_email: Mapped[str | None] = declared(
        String(254), label=N_("Reserved mailbox"), check=check_mailbox, sensitive="email", help=N_("Warnings about your account go here.")
    )
    avatar: Mapped[str | None] = mapped_column(String(64))
    """The content hash of the picture in the file store."""
    channels: Mapped[dict[str, list[str]]] = mapped_column(JSON, default=dict)
    """By kind of notice, the ways besides the app on which it is sent, such as `{"sign_in": ["mail"]}`; missing kinds go as they come."""
    password_changed_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    totp_secret: Mapped[str | None] = mapped_column(Encrypted)
    totp_confirmed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When the owner proved to hold the secret; the second factor is in force from then on."""
    totp_last_step: Mapped[int | None] = mapped_column()
    """The time step of the code accepted last; codes of it and of earlier ones are refused."""
    blocked_at: Mapped[datetime | None] = declared(UtcTime(), label=N_("Blocked since"))
    """Set by the owner's "this was not me": no sign-in until an administrator gives a new one-time password."""
    last_sign_in_at: Mapped[datetime | None] = mapped_column(UtcTime)

    role: Mapped[Role] = relationship(lazy="raise")
    team: Mapped[Team | None] = relationship(lazy="raise", foreign_keys=team_id)
