"""Several rows that are one record: those with one code or number, wherever in the file they stand. They come in together or not at all."""

from collections.abc import Callable, Sequence
from typing import Any

from crm_core.i18n import _, join_words
from crm_core.services.imports.plan import ImportResult
from crm_core.services.imports.records import Errors, Record, Values, word

OF_ROWS = ("product", "quantity", "price", "amount", "remark")
"""What each row says for itself; all else is one for all of them."""


def put_together(entries: Sequence[Record], key: str) -> list[Record]:
    """The records of these rows: those that say the same for `key` are one, under the first of them."""
    known: dict[str, Record] = {}
    records = []
    for entry in entries:
        text = word(entry.given.get(key)) if key else ""
        if text in known:
            known[text].further.append(entry)
            continue
        records.append(entry)
        if text:
            known[text] = entry
    return records


def drop_repeated(result: ImportResult, entry: Record) -> None:
    """Skip the rows of a record that say the same as one further up: they add nothing."""
    kept = [entry]
    for row in entry.further:
        if any(row.given == other.given for other in kept):
            result.skip(row.number, _("The same stands further up in the file."))
        else:
            kept.append(row)
    entry.further = kept[1:]


def whole_of(entry: Record, meaning: Callable[[str, Any], Any]) -> Values:
    """What the rows say of the record as a whole: each thing as the first row that names it; a row that means something else is wrong.

    Remarks of several rows are all kept.
    """
    said: dict[str, Record] = {}
    for row in entry.rows:
        for name, value in row.given.items():
            before = said.setdefault(name, row).given[name]
            if name not in OF_ROWS and word(before) != word(value) and meaning(name, before) != meaning(name, value):
                row.errors[name] = [_differing(name, said[name], row)]
    remarks = dict.fromkeys(str(row.given["remark"]) for row in entry.rows if "remark" in row.given)
    of_all = {name: row.given[name] for name, row in said.items() if name not in OF_ROWS}
    return entry.values | of_all | ({"remark": "\n".join(remarks)} if remarks else {})


def lacks_product() -> str:
    """The sentence for one of several rows that names no product."""
    return _("Several rows are one record here. Write in each of them which product it adds.")


def fail_rows(result: ImportResult, entry: Record, errors: Errors) -> None:
    """Count a record that failed, with all its rows: those that are wrong say why, the others wait for them."""
    entry.errors |= errors
    wrong = join_words(str(row.number) for row in entry.rows if row.errors)
    waits = _("It is one record with other rows, which come in together or not at all. These failed: {rows}.").format(rows=wrong)
    for row in entry.rows:
        result.fail(row.number, row.errors or {"": [waits]})


def skip_rows(result: ImportResult, entry: Record, message: str) -> None:
    """Count all rows of a record as skipped."""
    for row in entry.rows:
        result.skip(row.number, message)


def _differing(name: str, first: Record, row: Record) -> str:
    sentence = _("Row {first} says “{one}”, row {row} says “{other}”, and both are one record. Correct one of the two.")
    return sentence.format(first=first.number, one=str(first.given[name])[:60], row=row.number, other=str(row.given[name])[:60])
