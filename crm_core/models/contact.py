"""The people to talk to at a customer."""

from sqlalchemy import Boolean, String
from sqlalchemy.orm import Mapped, mapped_column, validates

from crm_core.checks.contacts import check_email, check_phone
from crm_core.checks.names import check_person_name
from crm_core.fields import always, declared
from crm_core.i18n import N_
from crm_core.models.base import Base, CustomerKey, Dated, Key, Versioned
from crm_core.normal import email_key, phone_key


class Contact(Base, Dated, Versioned):
    """A contact person; one of a customer's contacts is the primary one."""

    __tablename__ = "contact"
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    customer_id: Mapped[CustomerKey]
    name: Mapped[str] = declared(
        String(60),
        nullable=False,
        label=N_("Contact name"),
        group="contacts",
        required=always,
        check=check_person_name,
        aliases=("联系人", "主要联系人", "主联系人姓名", "姓名", "contact", "contact name", "full name"),
    )
    position: Mapped[str | None] = declared(
        String(60), label=N_("Position"), group="contacts", aliases=("职务", "岗位", "position", "job title", "title")
    )
    phone: Mapped[str | None] = declared(
        String(40),
        label=N_("Phone"),
        group="contacts",
        required=always,
        check=check_phone,
        sensitive="phone",
        help=N_("An 11-digit mobile number, or a landline with area code such as 0571-87654321."),
        aliases=("电话", "手机", "手机号", "手机号码", "联系电话", "电话号码", "联系方式", "固话", "phone", "mobile", "tel", "telephone"),
    )
    email: Mapped[str | None] = declared(
        String(120),
        label=N_("Email"),
        group="contacts",
        required=always,
        check=check_email,
        sensitive="email",
        help=N_("A mailbox, or 未提供 if the customer gave none."),
        aliases=("电子邮箱", "邮箱地址", "邮件", "email", "e-mail", "mail"),
    )
    wechat: Mapped[str | None] = declared(String(60), label=N_("WeChat"), group="contacts", sensitive="phone", aliases=("微信号", "wechat"))
    is_primary: Mapped[bool] = mapped_column(Boolean(), default=False)

    phone_key: Mapped[str | None] = mapped_column(String(40), index=True)
    email_key: Mapped[str | None] = mapped_column(String(120), index=True)

    @validates("phone")
    def _derive_phone_key(self, _attribute: str, phone: str | None) -> str | None:
        self.phone_key = phone_key(phone)
        return phone

    @validates("email")
    def _derive_email_key(self, _attribute: str, email: str | None) -> str | None:
        self.email_key = email_key(email)
        return email
