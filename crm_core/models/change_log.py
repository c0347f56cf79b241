"""变更日志: what was changed, by whom, when and why. Rows are only ever added; triggers in the database see to it."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import clock
from crm_core.i18n import N_
from crm_core.models.base import Base, Key, UtcTime

ACTIONS = {
    "created": N_("created"),
    "changed": N_("changed"),
    "deleted": N_("removed"),
    "viewed": N_("viewed"),
    "imported": N_("imported"),
    "exported": N_("exported"),
    "signed_in": N_("signed in"),
    "sign_in_failed": N_("sign-in failed"),
    "signed_out": N_("signed out"),
    "session_ended": N_("session ended by others"),
    "account_blocked": N_("account blocked by its owner"),
    "password_set": N_("password set"),  # until reset and change were told apart
    "password_changed": N_("password changed"),
    "password_reset": N_("password reset"),
    "second_factor_on": N_("second factor switched on"),
    "second_factor_off": N_("second factor switched off"),
    "second_factor_reset": N_("second factor reset"),
    "recovery_code_used": N_("recovery code used"),
    "recovery_codes_made": N_("recovery codes made anew"),
    "signed_in_by_provider": N_("signed in by the company's provider"),
    "calendar_link_made": N_("calendar link made"),
    "calendar_link_ended": N_("calendar link ended"),
    "picture_set": N_("picture set"),
    "picture_removed": N_("picture removed"),
    "merged": N_("merged"),
    "unmerged": N_("merge undone"),
    "purged": N_("removed for good"),
    "told_apart": N_("said to be no duplicate"),
    "told_together": N_("listed as a possible duplicate again"),
    "retried": N_("message sent again"),
    "job_asked": N_("job run at once"),
    "undone": N_("undone"),
    "submitted": N_("submitted for review"),
    "resubmitted": N_("corrected and submitted again"),
    "returned": N_("returned"),
    "approved": N_("approved"),
    "withdrawn": N_("withdrawn"),
    "escalated": N_("overdue, told to the head"),
    "verified": N_("verified"),
}
"""What can happen to a record, by the code that the log keeps. Nothing else is written."""


OF_SALES_STAGE = "field = 'sales_stage'"


class ChangeLog(Base):
    """One changed field, or one thing that happened to a record (`action`)."""

    __tablename__ = "change_log"
    __table_args__ = (
        Index("ix_change_log_actor_id", "actor_id", "at"),
        Index("ix_change_log_action", "action", "at"),
        Index("ix_change_log_entity", "entity", "at"),
        Index("ix_change_log_at", "at"),
        # How customers moved on in their 跟进状态, which no other table keeps.
        Index("ix_change_log_sales_stage", "at", sqlite_where=text(OF_SALES_STAGE), postgresql_where=text(OF_SALES_STAGE)),
    )

    id: Mapped[Key]
    at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    actor_name: Mapped[str] = mapped_column(String(60))
    address: Mapped[str | None] = mapped_column(String(45))
    """The network address from which the actor worked; none for the system's own work."""
    action: Mapped[str] = mapped_column(String(40))
    entity: Mapped[str] = mapped_column(String(40))
    entity_id: Mapped[str] = mapped_column(String(60))
    customer_id: Mapped[int | None] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(String(200), default="")
    field: Mapped[str | None] = mapped_column(String(40))
    old: Mapped[str | None] = mapped_column(Text())
    new: Mapped[str | None] = mapped_column(Text())
    reason: Mapped[str | None] = mapped_column(String(300))
    feedback: Mapped[str | None] = mapped_column(String(500))
    """What the customer said about it (客户反馈) [002]."""


class LogSeal(Base):
    """What one transaction added to the change log, sealed with the seal before it; see `crm_core.seals`. Rows are only ever added."""

    __tablename__ = "log_seal"

    id: Mapped[Key]
    """The place in the chain, without gaps."""
    at: Mapped[datetime] = mapped_column(UtcTime)
    lines: Mapped[str] = mapped_column(Text())
    """The lines as `id:digest`, separated by blanks."""
    digest: Mapped[str] = mapped_column(String(64))
    """Over this seal and the digest of the one before."""
