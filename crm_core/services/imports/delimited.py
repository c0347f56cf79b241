"""Tables in text files: finding encoding and separator, and reading rows with the number of the line they begin on."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

import charset_normalizer

from crm_core.errors import FileRefused
from crm_core.i18n import _
from crm_core.services.imports.header import known_headings_in
from crm_core.services.imports.kinds import CUSTOMER
from crm_core.services.imports.table import MAX_COLUMNS, MAX_ROWS, Cell, Row, count_filled, too_many_columns, too_many_rows

_SEPARATORS = (",", "\t", ";", "|")
_SAMPLE_ROWS = 300
_MAX_CELL = 1_000_000
_MAX_LINES = 5 * MAX_ROWS
_MAX_SEPARATORS = 100 * MAX_COLUMNS
_OTHER_ENCODINGS = ["cp1252", "big5", "shift_jis", "euc_kr", "cp1251", "cp1250"]
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_EVERYDAY = re.compile(r"[\u4e00-\u9fa5\u3000-\u303f\uff00-\uffef]")
_LITERAL = re.compile(r'\s*="(.*)"\s*', re.DOTALL)

csv.field_size_limit(_MAX_CELL)


def read_delimited(content: bytes, kind: str = CUSTOMER) -> list[Row]:
    """The rows of a text file. Raises `FileRefused` if it is no text, cannot be decoded, or leaves a quotation open."""
    text = decode(content).replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > _MAX_LINES:
        raise FileRefused(too_many_rows())
    separator, quote = _dialect(text, kind)
    _refuse_endless_line(text, separator)
    rows: list[Row] = []
    for row in _records(text, separator, quote):
        if len(rows) == MAX_ROWS:
            raise FileRefused(too_many_rows())
        if count_filled(row):
            rows.append(row)
    return rows


def decode(content: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 with its mark, GBK/GB18030, or what else it seems to be. Raises `FileRefused`."""
    for encoding in _likely_encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding != "gb18030" or _reads_as_chinese(text):
            break
    else:
        text = _decode_by_statistics(content)
    if "\x00" in text or 50 * len(_CONTROLS.findall(text[:20_000])) > len(text):
        raise FileRefused(_("This file holds no table that can be read. Save it as xlsx or csv and try again."))
    return text


def _likely_encodings(content: bytes) -> tuple[str, ...]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    return ("utf-8-sig", "gb18030")


def _reads_as_chinese(text: str) -> bool:
    # Most bytes make some text in GB18030; a real one is made of characters in everyday use.
    foreign = [letter for letter in text[:20_000] if ord(letter) > 127]
    return 10 * sum(1 for letter in foreign if _EVERYDAY.match(letter)) >= 7 * len(foreign)


def _decode_by_statistics(content: bytes) -> str:
    best = charset_normalizer.from_bytes(content[:100_000], cp_isolation=_OTHER_ENCODINGS).best()
    try:
        return content.decode(best.encoding if best else "utf-8")
    except UnicodeDecodeError as problem:
        raise FileRefused(_("The characters of this file cannot be read. Save it as “CSV UTF-8” or xlsx and try again.")) from problem


def _dialect(text: str, kind: str) -> tuple[str, str]:
    candidates = [(separator, '"') for separator in _SEPARATORS]
    if re.search(r"[,;\t|]'[^'\n]*'(?:[,;\t|]|$)", text[:5_000], re.MULTILINE):
        candidates += [(separator, "'") for separator in _SEPARATORS]
    return max(candidates, key=lambda candidate: _fitness(text, kind, *candidate))


def _fitness(text: str, kind: str, separator: str, quote: str) -> tuple[int, float, int, int]:
    """How well a separator fits: headings recognised, share of rows of the usual width, that width, fewer quotes left over."""
    rows = [row for row in islice(_records(text[:200_000], separator, quote, check=False), _SAMPLE_ROWS) if count_filled(row)]
    widths = Counter(len(row.cells) for row in rows if len(row.cells) > 1)
    known = max((known_headings_in(row, kind) for row in rows), default=0)
    if not widths:
        return known, 0.0, 0, 0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    left_over = sum(1 for row in rows for cell in row.cells if isinstance(cell, str) and cell[:1] in "'\"")
    return known, round(count / len(rows), 1), width, -left_over


def _refuse_endless_line(text: str, separator: str) -> None:
    # Fifty million commas in a line are fifty million cells; they are counted before they are made.
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if end - start > _MAX_SEPARATORS and text.count(separator, start, end) > _MAX_SEPARATORS:
            raise FileRefused(too_many_columns())
        start = end + 1


def _records(text: str, separator: str, quote: str, *, check: bool = True) -> Iterator[Row]:
    lines = text.split("\n")
    reader = csv.reader((line + "\n" for line in lines), delimiter=separator, quotechar=quote)
    start = 1
    try:
        for cells in reader:
            if check:
                _refuse_open_quotation(lines[start - 1 : reader.line_num], start, separator=separator, quote=quote)
            yield Row(start, tuple(_plain(cell) for cell in cells))
            start = reader.line_num + 1
    except csv.Error as problem:
        raise FileRefused(
            _("A cell that begins in line {line} is too long to be read. Perhaps a quotation mark lacks its counterpart.").format(
                line=start
            )
        ) from problem


def _refuse_open_quotation(lines: Sequence[str], start: int, *, separator: str, quote: str) -> None:
    # A quotation mark too many swallows its neighbours, or the lines that follow; the reader alone would not mind.
    if not any(quote in line for line in lines):
        return
    unpadded = [re.sub(rf"{quote}[ \t]+(?={re.escape(separator)}|$)", quote, line) + "\n" for line in lines]
    try:
        list(csv.reader(unpadded, delimiter=separator, quotechar=quote, strict=True))
    except csv.Error as problem:
        raise FileRefused(_open_quotation(start)) from problem


def _open_quotation(line: int) -> str:
    return _("A quotation mark in line {line} lacks its counterpart. Correct that line and try again.").format(line=line)


def _plain(cell: str) -> Cell:
    # Chinese banks and brokers write ="00123" so that Excel keeps the zeros.
    found = _LITERAL.fullmatch(cell) if cell.lstrip()[:2] == '="' else None
    return found.group(1) if found else cell
