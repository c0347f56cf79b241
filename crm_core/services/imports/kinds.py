"""What can be imported: for each kind its fields, who may, and what may happen to a record that exists already."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from crm_core.checks.dates import check_date
from crm_core.checks.money import check_money
from crm_core.checks.numbers import check_quantity
from crm_core.fields import Field, Widget, always, fields_of, never
from crm_core.i18n import N_
from crm_core.models import Contact, Contract, Customer, Opportunity, Product, ProductPrice, User
from crm_core.permissions import Actor, Permission
from crm_core.services.custom_fields import YES_NO
from crm_core.services.imports.plan import OnDuplicate
from crm_core.services.library import Library

CUSTOMER, PRODUCT, USER, OPPORTUNITY, CONTRACT = "customer", "product", "user", "opportunity", "contract"
CONTACT = "contact."


@dataclass(frozen=True)
class Kind:
    """One kind of records: `fields` are its targets, of which `key` has to be carried by a column."""

    label: str
    permissions: tuple[Permission, ...]
    fields: Callable[[Library | None], dict[str, Field]]
    key: str
    on_duplicate: tuple[OnDuplicate, ...] = (OnDuplicate.SKIP,)
    prefixes: tuple[str, ...] = ()
    """What may stand before the name of a field in a heading."""


def _customer(library: Library | None) -> dict[str, Field]:
    contact = {CONTACT + name: field for name, field in fields_of(Contact).items()}
    return {**(library.fields if library else fields_of(Customer)), **contact}


def _named(fields: Mapping[str, Field]) -> dict[str, Field]:
    return {name: replace(field, name=name) for name, field in fields.items()}


_IS_ACTIVE = Field(N_("In use"), widget=Widget.CHOICE, choices=YES_NO, aliases=("启用", "在用", "active", "enabled"))
_CUSTOMER = Field(
    N_("Customer"),
    required=always,
    help=N_("Its code, or its whole name."),
    aliases=("客户名称", "客户编号", "公司名称", "account", "account name", "customer name", "customer code", "company"),
)
_DAY = Field("", widget=Widget.DATE, check=check_date)
_PRODUCT = Field(N_("Product"), help=N_("Its code, or its whole name."), aliases=("产品名称", "产品编号", "product name", "product code"))
_SOLD = {
    "product": _PRODUCT,
    "quantity": Field(
        N_("Quantity"),
        widget=Widget.NUMBER,
        check=check_quantity,
        help=N_("Of the product in this row. Empty: one."),
        aliases=("件数", "数目", "qty", "units", "number of units"),
    ),
    "price": Field(
        N_("Price"),
        widget=Widget.MONEY,
        check=check_money,
        help=N_("For one piece. Empty: what the amount comes to for each, or else the price of the product."),
        aliases=("价格", "售价", "成交单价", "unit price", "sales price"),
    ),
}
"""The product of a row; rows with one code or number are one record with several."""
_OWNER = Field(
    N_("Owner"),
    help=N_("The account, or the full name."),
    aliases=("归属人", "销售", "销售代表", "业务员", "owner name", "sales agent", "sales rep", "salesperson", "opportunity owner"),
)


def _product(_library: Library | None) -> dict[str, Field]:
    price = fields_of(ProductPrice)
    named = replace(price["price"], aliases=("价格", "单价", "售价", "price", "sales price", "unit price"))
    return _named({**fields_of(Product), "price": named, **_rest_of(price, "price"), "is_active": _IS_ACTIVE})


def _rest_of(fields: Mapping[str, Field], *names: str) -> dict[str, Field]:
    return {name: field for name, field in fields.items() if name not in names}


def _user(_library: Library | None) -> dict[str, Field]:
    own = fields_of(User)
    return _named(
        {
            "name": replace(own["name"], aliases=("姓名", "员工", "name", "employee", "sales agent", "sales rep")),
            "username": replace(own["username"], required=never, help=N_("Empty: made from the name.")),
            "role": replace(own["role_id"], required=always, help=N_("A role that allows no more than your own.")),
            "team": replace(own["team_id"], aliases=("部门", "区域", "department", "office", "region")),
            "email": replace(own["email"], sensitive="", aliases=("邮箱", "mail", "e-mail")),
            "is_active": _IS_ACTIVE,
        }
    )


def _opportunity(_library: Library | None) -> dict[str, Field]:
    own = fields_of(Opportunity)
    code = Field(
        N_("Opportunity code"),
        max_length=20,
        help=N_(
            "Of your former system. What is there already is not taken twice; rows with one code are one opportunity with several products."
        ),
        aliases=("商机编号", "opportunity id", "deal id", "deal code"),
    )
    return _named(
        {
            "code": code,
            "customer": _CUSTOMER,
            "name": replace(own["name"], help=N_("Empty: that of the product or customer.")),
            **_SOLD,
            "stage": Field(
                N_("Stage"), help=N_("Its name. Empty: the first stage."), aliases=("商机阶段", "deal stage", "sales stage", "status")
            ),
            "amount": replace(own["amount"], aliases=("金额", "成交金额", "amount", "deal value", "value")),
            "owner": _OWNER,
            "opened_on": replace(_DAY, label=N_("Opened on"), aliases=("创建日期", "开始日期", "created", "create date")),
            "expected_on": replace(own["expected_on"], aliases=("预计成交日期", "expected close date")),
            "closed_on": replace(_DAY, label=N_("Closed on"), aliases=("成交日期", "关闭日期", "结束日期", "close date", "closed date")),
            **{name: own[name] for name in ("probability", "competitors", "loss_reason", "loss_note", "remark")},
        }
    )


def _contract(_library: Library | None) -> dict[str, Field]:
    own = fields_of(Contract)
    said = {
        "number": replace(own["number"], help=N_("Rows with one number are one contract with several products.")),
        "product": replace(
            own["product"],
            help=N_("A product of the catalogue, by code or whole name. A contract of one row may say it in other words."),
            aliases=("产品", "产品或服务", "产品名称", "product", "service"),
        ),
        **_rest_of(_SOLD, "product"),
        "amount": replace(
            own["amount"],
            required=never,
            help=N_("Of this row; the contract is worth the sum of its rows. Empty: the price of the product."),
            aliases=("金额", "amount", "value"),
        ),
        "signed_on": replace(own["signed_on"], aliases=("签订日期", "签署日期", "signing date", "signed")),
    }
    return _named({"number": own["number"], "customer": _CUSTOMER, **_rest_of(own, "number"), **said, "owner": _OWNER})


EVERYTHING = (OnDuplicate.SKIP, OnDuplicate.UPDATE, OnDuplicate.CREATE)
_NO_TWINS = EVERYTHING[:2]
_IMPORTING = Permission.CUSTOMER_IMPORT

KINDS: dict[str, Kind] = {
    CUSTOMER: Kind(
        N_("Customers"), (_IMPORTING,), _customer, "name", EVERYTHING, ("客户", "公司", "企业", "单位", "customer", "company", "account")
    ),
    PRODUCT: Kind(N_("Products"), (Permission.PRODUCT_EDIT,), _product, "name", _NO_TWINS, ("产品", "product")),
    USER: Kind(N_("Accounts and teams"), (Permission.USER_EDIT,), _user, "name", prefixes=("用户", "员工", "user", "account")),
    OPPORTUNITY: Kind(
        N_("Opportunities"),
        (_IMPORTING, Permission.OPPORTUNITY_WRITE),
        _opportunity,
        "customer",
        prefixes=("商机", "opportunity", "deal"),
    ),
    CONTRACT: Kind(N_("Contracts"), (_IMPORTING, Permission.CONTRACT_WRITE), _contract, "customer", _NO_TWINS, ("合同", "contract")),
}
"""Every kind that an import takes. A new one is a row here, one of `INTAKES` in running.py, and one of `WAYS` in taking_back.py."""


def offered_kinds(actor: Actor) -> list[str]:
    """The kinds of records that the actor may import."""
    return [code for code, kind in KINDS.items() if all(map(actor.can, kind.permissions))]
