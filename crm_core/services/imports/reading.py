"""Reading a file into a table, whatever its kind; the content decides, not the name."""

from crm_core.config import MAX_IMPORT_BYTES
from crm_core.errors import FileRefused
from crm_core.i18n import _
from crm_core.services.imports.delimited import decode, read_delimited
from crm_core.services.imports.header import table_from
from crm_core.services.imports.kinds import CUSTOMER
from crm_core.services.imports.table import Table
from crm_core.services.imports.vcards import table_of_cards
from crm_core.services.imports.workbooks import read_workbook

_ZIP = b"PK"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BIFF = (b"\x09\x08", b"\x09\x04", b"\x09\x02")
_MARKUP = (b"<html", b"<!doctype", b"<table", b"<?xml", b"mime-version")
_OTHER_FORMATS = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")


def read_table(filename: str, content: bytes, kind: str = CUSTOMER) -> Table:
    """Read a file of records of a kind: csv and other separated text, xlsx, xlsm, xlsb, xls, ods, or for customers vCard.

    Raises `FileRefused` with the reason and what to do.
    """
    if len(content) > MAX_IMPORT_BYTES:
        raise FileRefused(
            _("The file is larger than {limit} MB. Split it and import the parts one after another.").format(
                limit=MAX_IMPORT_BYTES // 1024 // 1024
            )
        )
    beginning = content[:2_000].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not beginning:
        raise FileRefused(_("The file is empty. Choose a file with a header row and at least one customer."))
    if beginning.startswith(_OTHER_FORMATS) or beginning.lower().startswith(_MARKUP):
        raise FileRefused(_("This is neither a workbook nor a csv file. Open it in the program it comes from and save it as xlsx or csv."))
    if beginning.startswith((_ZIP, _OLE, *_BIFF)):
        return table_from(filename, read_workbook(content), kind)
    if kind == CUSTOMER and beginning[:11].upper() == b"BEGIN:VCARD":
        return table_of_cards(filename, decode(content))
    return table_from(filename, read_delimited(content, kind), kind)
