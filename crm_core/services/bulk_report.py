"""The customers that a bulk action, or its undo, left as they were: a workbook with the reason for each."""

from io import BytesIO

from openpyxl import Workbook

from crm_core.db import reading
from crm_core.i18n import _, in_language
from crm_core.permissions import Actor, Permission
from crm_core.services.bulk import get_receipt, reason_of
from crm_core.services.imports.failed_rows import safe_cell


def refused_workbook(actor: Actor, batch_id: int) -> bytes:
    """An xlsx file; names only for those who may export, so that no bulk action becomes a way around that. Opens its own session."""
    with in_language(actor.language), reading(actor) as session:
        receipt = get_receipt(session, actor, batch_id)
        workbook = Workbook(write_only=True)
        sheet = workbook.create_sheet(_("Left as they were"))
        sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width, sheet.column_dimensions["C"].width = 18, 40, 60
        sheet.append([_("Customer code"), _("Customer name"), _("Reason")])
        for one in (*receipt.refused, *receipt.left):
            name = one["name"] if actor.can(Permission.CUSTOMER_EXPORT) else ""
            sheet.append([safe_cell(one["code"]), safe_cell(name), safe_cell(reason_of(one))])
    file = BytesIO()
    workbook.save(file)
    return file.getvalue()
