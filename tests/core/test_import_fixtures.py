"""Real and hostile files: each is imported or refused with a sentence; none crashes, hangs or eats the memory."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter, process_time

import pytest

from crm_core.config import ROOT
from crm_core.errors import FileRefused
from crm_core.permissions import SYSTEM
from crm_core.services.imports.mapping import guess_mapping
from crm_core.services.imports.plan import ImportPlan
from crm_core.services.imports.reading import read_table
from crm_core.services.imports.running import run_import

SAMPLES = ROOT.parent / "shared" / "sample-data"
FIXTURES = SAMPLES / "import-fixtures"
SECONDS = 20
MEGABYTES = 1024

# The command line, and then the most memory that it held. `ru_maxrss` would not do: a process inherits it from the one that started it.
WITH_ITS_PEAK = """
import pathlib, sys
from crm_core.cli import main
try:
    main()
finally:
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    print(next(line.split()[1] for line in lines if line.startswith("VmHWM")), file=sys.stderr)
"""

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="needs ../shared/sample-data, which is not part of the repository")


def fixture_files() -> list[str]:
    return sorted(str(path.relative_to(FIXTURES)) for path in FIXTURES.rglob("*") if path.is_file())


def read_fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def import_or_refuse(name: str) -> str | None:
    """Try a file through to a result; the sentence if it is refused."""
    try:
        table = read_table(Path(name).name, read_fixture(name))
    except FileRefused as refusal:
        return str(refusal)
    mapping = guess_mapping(table.headings)
    if "name" not in mapping.values():
        mapping[table.headings[0]] = "name"
    result = run_import(SYSTEM, table, ImportPlan(mapping), dry_run=True)
    assert result.rows == len(table.rows) == result.created + result.skipped + result.failed > 0
    assert {note.row for note in result.errors} <= {row.number for row in table.rows}
    return None


def peak_megabytes(whose: int) -> int:
    return resource.getrusage(whose).ru_maxrss // 1024


@needs_samples
@pytest.mark.parametrize("name", fixture_files())
def test_every_file_is_imported_or_refused_in_time(name: str, sqlite_database: str) -> None:
    begun = perf_counter()
    told = import_or_refuse(name)
    assert told is None or told[-1] in ".。"
    assert perf_counter() - begun < SECONDS
    assert max(peak_megabytes(resource.RUSAGE_SELF), peak_megabytes(resource.RUSAGE_CHILDREN)) < MEGABYTES


@needs_samples
def test_a_gbk_file_with_a_preamble_is_read() -> None:
    table = read_table("alipay.csv", read_fixture("cn_bill_exports/example-alipay-records.csv"))
    assert table.headings[:3] == ("交易时间", "交易分类", "交易对方")
    assert (len(table.rows), table.rows[0].number) == (10, 26)


@needs_samples
def test_a_text_file_that_calls_itself_xls_is_read() -> None:
    table = read_table("records.xls", read_fixture("cn_bill_exports/example-hxsec-records.xls"))
    assert table.headings[:2] == ("交收日期", "成交时间")
    assert table.rows[0].cells[0] == "20230212"


@needs_samples
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("csv_spectrum/csvs/comma_in_quotes.csv", 1),
        ("csv_spectrum/csvs/newlines_crlf.csv", 3),
        ("csv_spectrum/csvs/quotes_and_newlines.csv", 2),
        ("pollock_polluted/source.csv", 83),
        ("pollock_polluted/file_record_delimiter_0xD.csv", 83),
        ("pollock_polluted/file_preamble.csv", 83),
        ("pollock_polluted/file_header_multirow_2.csv", 83),
        ("spreadsheets_calamine/merged_range.xlsx", 3),
        ("vcards_ezvcard/John_Doe_ANDROID.vcf", 4),
    ],
)
def test_every_row_of_a_sound_file_is_there(name: str, rows: int) -> None:
    assert len(read_table(Path(name).name, read_fixture(name)).rows) == rows


@needs_samples
@pytest.mark.parametrize(
    "name",
    [
        "pollock_polluted/file_no_header.csv",
        "pollock_polluted/file_no_payload.csv",
        "pollock_polluted/file_header_only.csv",
        "pollock_polluted/file_quotation_char_0x27.csv",
        "pollock_polluted/row_extra_quote1_col3.csv",
        "pollock_polluted/row_extra_quote1_col8.csv",
        "csv_test_data_sineemore/csv/bad-missing-quote.csv",
        "peer_crm/google_contacts_header_only.csv",
        "spreadsheets_calamine/pass_protected.xlsb",
        "spreadsheets_calamine/issue252.xlsx",
        "spreadsheets_calamine/OOM_alloc3.xls",
        "spreadsheets_calamine/too_small.xls",
    ],
)
def test_a_file_that_would_be_read_wrongly_is_refused(name: str) -> None:
    with pytest.raises(FileRefused):
        read_table(Path(name).name, read_fixture(name))


@needs_samples
def test_thousands_of_real_companies_come_in_quickly_and_only_once(sqlite_database: str) -> None:
    content = (SAMPLES / "companies.csv").read_bytes()
    table = read_table("companies.csv", content)
    plan = ImportPlan(guess_mapping(table.headings), defaults={"source": "其他", "source_detail": "工商登记"})
    begun = process_time()
    first = run_import(SYSTEM, table, plan)
    seconds = process_time() - begun
    again = run_import(SYSTEM, table, plan)
    assert (first.rows, first.created, first.failed) == (8_800, 8_800, 0)
    assert (again.created, again.skipped) == (0, 8_800)
    # Processor time, and half the rate of an idle machine: what else runs beside the test must not fail it.
    assert first.rows / seconds > 1_000


@needs_samples
def test_thousands_of_companies_come_in_with_little_memory(tmp_path: Path) -> None:
    """In a process of its own: the one of the tests holds what other tests loaded."""
    command = [sys.executable, "-c", WITH_ITS_PEAK, "import", "customers", str(SAMPLES / "companies.csv"), "--incomplete", "keep", "--json"]
    defaults = ["--defaults", "source=其他", "--defaults", "source_detail=工商登记"]
    environment = {**os.environ, "CRM_DATA_DIR": str(tmp_path), "CRM_DATABASE_URL": ""}
    done = subprocess.run([*command, *defaults], cwd=ROOT, env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout)["created"] == 8_800
    peak_kilobytes = int(done.stderr.split()[-1])
    assert peak_kilobytes // 1024 < 600
