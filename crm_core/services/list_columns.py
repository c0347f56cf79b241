"""The columns of the customer list: what each one reads, which ones a user is offered, and which ones are chosen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crm_core.fields import Field, Widget
from crm_core.i18n import N_, _
from crm_core.permissions import Access, Actor, Permission
from crm_core.services.library import Library

NO_CELL = frozenset({Widget.LONG_TEXT})
"""Values too long for a cell."""


@dataclass(frozen=True)
class Column:
    """One column: the attributes of the customer it reads, or the ones of its primary contact, and the field it shows, if it shows one."""

    name: str
    label: str = ""
    reads: tuple[str, ...] = ()
    contact: tuple[str, ...] = ()
    sensitive: str = ""
    needs: str = ""
    """The field without which there is no such column: an administrator may hide it."""
    field: Field | None = None
    permission: Permission | None = None
    """Who may choose it: those who read what it is made from."""

    @property
    def title(self) -> str:
        """The heading in the language in force."""
        return self.field.title if self.field else _(self.label)


BUILT_IN = {
    column.name: column
    for column in (
        Column("stage", N_("Customer type"), ("stage", "is_incomplete")),
        Column("tier", N_("Tier"), ("tier",), needs="tier"),
        Column("activity", N_("Status"), ("activity",)),
        Column("code", N_("Customer code")),
        Column("industry", N_("Industry"), ("industry", "industry_text"), needs="industry"),
        Column("region", N_("Region"), ("province", "city"), needs="province"),
        Column("contact", N_("Contact"), contact=("name",)),
        Column("phone", N_("Phone"), contact=("phone",), sensitive="phone"),
        Column("email", N_("Email"), contact=("email",), sensitive="email"),
        Column("owner", N_("Owner"), ("owner_id", "pooled_at")),
        Column("amount", N_("Amount"), ("cooperation_amount",), needs="cooperation_amount"),
        Column("complaints", N_("Complaints"), ("complaints",), permission=Permission.TICKET_READ),
        Column("last_service", N_("Latest service"), ("last_service_at",), permission=Permission.TICKET_READ),
        Column("satisfaction", N_("Satisfaction"), ("satisfaction",), permission=Permission.TICKET_READ),
        Column("created", N_("Created"), ("created_at",)),
        Column("updated", N_("Last changed"), ("updated_at",)),
    )
}
"""The columns that show more than one field, or something that is none. A new one is a row here and a cell in `ui/customer_table.py`."""

DEFAULT = ("stage", "tier", "activity", "code", "industry", "region", "contact", "phone", "owner", "amount", "created")
_SHOWN_ELSEWHERE = frozenset({"name", "stage", "tier", "industry", "province", "city", "cooperation_amount"})


def offered_columns(library: Library, actor: Actor) -> dict[str, Column]:
    """The columns that the actor may choose; those of hidden fields and of values hidden from the role are not among them."""
    built_in = [column for column in BUILT_IN.values() if not column.needs or column.needs in library.fields]
    fields = [_of_field(one) for one in library.fields.values() if one.name not in _SHOWN_ELSEWHERE and one.widget not in NO_CELL]
    return {one.name: one for one in (*built_in, *fields) if _is_offered(one, actor)}


def _is_offered(column: Column, actor: Actor) -> bool:
    is_hidden = column.sensitive and actor.access_to(column.sensitive) is Access.HIDDEN
    return not is_hidden and (column.permission is None or actor.can(column.permission))


def _of_field(field: Field) -> Column:
    return Column(field.name, reads=("extra",) if field.custom else (field.name,), sensitive=field.sensitive, field=field)


def choose_columns(offered: Mapping[str, Column], library: Library, names: Iterable[str] = ()) -> tuple[Column, ...]:
    """The named columns in their order; what is not offered (any more) is left out. Without any the list looks as it comes."""
    chosen = tuple(offered[name] for name in dict.fromkeys(names) if name in offered)
    return chosen or tuple(offered[name] for name in default_names(library) if name in offered)


def default_names(library: Library) -> tuple[str, ...]:
    """The columns of a list for which nobody chose any, the ones that an administrator put into it at the end."""
    return (*DEFAULT, *(name for name in library.listed if name not in DEFAULT))
