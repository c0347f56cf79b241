"""The command line, as an operator runs it: a process of its own with its own data folder."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from crm_core.config import ROOT
from crm_core.permissions import BUILT_IN_ROLES
from tests.copies import run_copy

COMMANDS = ("upgrade", "import", "demo", "backup", "restore", "user", "keys", "audit", "check")
LINES = "客户名称,手机\n杭州恒远机械有限公司,13800001234\n王总,13900001234\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes.txt").write_text("Call them on Monday.", encoding="utf-8")
    (tmp_path / "customers.csv").write_text(LINES, encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str, is_cold: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command; a cold one is a new interpreter, as an operator starts it."""
    environment = {**os.environ, "CRM_DATA_DIR": str(folder / "var"), "CRM_DATABASE_URL": "", "CRM_LANGUAGE": "en", "COLUMNS": "160"}
    if not is_cold:
        return run_copy(folder, environment, arguments)
    command = [sys.executable, "-m", "crm_core", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def import_customers(folder: Path, *arguments: str) -> dict[str, object]:
    done = run(folder, "import", "customers", str(folder / "customers.csv"), "--json", *arguments)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    result: dict[str, object] = json.loads(done.stdout)
    return result


def test_help_lists_every_command_with_a_sentence(folder: Path) -> None:
    done = run(folder, "--help", is_cold=True)
    assert done.returncode == 0
    for command in COMMANDS:
        line = next(line for line in done.stdout.splitlines() if command in line.split())
        assert line.rstrip("│ ").endswith(".")


def test_upgrade_makes_a_database_and_can_be_repeated(folder: Path) -> None:
    assert run(folder, "upgrade", is_cold=True).returncode == 0
    assert run(folder, "upgrade").returncode == 0
    assert (folder / "var" / "crm.db").exists()


def test_rotating_keys_adds_one_and_keeps_the_others(folder: Path) -> None:
    assert run(folder, "upgrade").returncode == 0
    for _time in range(2):
        done = run(folder, "keys", "rotate")
        assert (done.returncode, "secret.key" in done.stdout) == (0, True)
    first, second, *more = (folder / "var" / "secret.key").read_text().split()
    assert (first != second, len(more)) == (True, 1)


def test_an_import_reports_counts_and_errors_as_one_json_object_and_creates_nothing_twice(folder: Path) -> None:
    first = import_customers(folder, "--defaults", "source=其他", "source_detail=工商登记", "--defaults", "segment=新客户")
    assert (first["rows"], first["created"], first["failed"], first["incomplete"]) == (2, 1, 1, 1)
    assert isinstance(first["errors"], list)
    assert {(error["row"], error["field"]) for error in first["errors"]} == {(3, "name")}
    again = import_customers(folder, "--on-duplicate", "skip")
    assert (again["created"], again["skipped"], again["failed"]) == (0, 1, 1)


def test_a_dry_run_writes_nothing_and_failed_rows_go_to_a_workbook(folder: Path) -> None:
    mended = folder / "failed.xlsx"
    assert import_customers(folder, "--dry-run", "--failed-rows", str(mended))["created"] == 1
    assert import_customers(folder)["created"] == 1
    assert mended.read_bytes()[:2] == b"PK"


def test_other_records_are_imported_with_a_mapping_file_which_has_to_fit(folder: Path) -> None:
    (folder / "deals.csv").write_text("Kunde,Wert\n杭州恒远机械有限公司,5万\n", encoding="utf-8")
    plan = {"kind": "opportunity", "mapping": {"Kunde": "customer", "Wert": "amount"}, "defaults": {"expected_on": "2030-01-01"}}
    (folder / "deals.json").write_text(json.dumps(plan), encoding="utf-8")
    import_customers(folder)
    command = ["import", "opportunities", str(folder / "deals.csv"), "--mapping", str(folder / "deals.json")]
    assert json.loads(run(folder, *command, "--json").stdout)["created"] == 1
    other = run(folder, "import", "products", *command[2:])
    assert (other.returncode, "opportunity" in other.stderr) == (1, True)
    (folder / "deals.csv").write_text("Kunde,Preis\n杭州恒远机械有限公司,5万\n", encoding="utf-8")
    missing = run(folder, *command)
    assert (missing.returncode, "“Wert”" in missing.stderr) == (1, True)


def test_without_json_the_result_is_told_in_words(folder: Path) -> None:
    done = run(folder, "import", "customers", str(folder / "customers.csv"), is_cold=True)
    assert "2 rows: 1 created" in done.stdout
    assert "Row 3, Customer name" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", "customers", "nothing.csv"),
        ("import", "customers", "notes.txt"),
        ("import", "customers", "customers.csv", "--defaults", "source=天上掉的"),
        ("import", "customers", "customers.csv", "--defaults", "nonsense"),
        ("import", "customers", "customers.csv", "--map", "手机=nothing"),
        ("import", "customers", "customers.csv", "--map", "电话=contact.phone"),
        ("user", "reset-password", "nobody"),
        ("user", "reset-second-factor", "nobody"),
        ("restore", "customers.csv"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence_without_a_traceback(folder: Path, arguments: tuple[str, ...]) -> None:
    done = run(folder, *(str(folder / one) if one in ("customers.csv", "notes.txt") else one for one in arguments))
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_demo_prints_accounts_once_and_refuses_a_database_in_use(folder: Path) -> None:
    done = run(folder, "demo")
    accounts = [line.split() for line in done.stdout.splitlines()]
    assert {role for _username, _password, role in accounts} == set(BUILT_IN_ROLES)
    again = run(folder, "demo")
    assert (again.returncode, again.stdout) == (1, "")
    assert "users already" in again.stderr
    password = run(folder, "user", "reset-password", accounts[0][0]).stdout.strip()
    assert len(password) >= 8
    assert password != accounts[0][1]


def test_a_backup_is_written_and_restored(folder: Path) -> None:
    import_customers(folder)
    file = folder / "backup.zip"
    assert run(folder, "backup", str(file)).returncode == 0
    (folder / "var" / "crm.db").unlink()
    assert run(folder, "restore", str(file)).returncode == 0
    assert import_customers(folder)["skipped"] == 1


def test_a_log_that_was_tampered_with_ends_the_check_with_code_1_and_the_line(folder: Path) -> None:
    import_customers(folder)
    intact = run(folder, "audit", "verify", "--json")
    found = json.loads(intact.stdout)
    assert (intact.returncode, found["is_intact"], found["fault"]) == (0, True, None)
    assert found["head"] in run(folder, "audit", "verify").stdout
    assert run(folder, "audit", "verify", "--head", found["head"]).returncode == 0
    assert run(folder, "audit", "verify", "--head", f"{found['seals']}:0").returncode == 1
    with closing(sqlite3.connect(folder / "var" / "crm.db")) as connection:
        connection.execute("DROP TRIGGER change_log_no_update")
        connection.execute("UPDATE change_log SET subject = 'x' WHERE id = 3")
        connection.commit()
    broken = run(folder, "audit", "verify", "--json")
    assert (broken.returncode, json.loads(broken.stdout)["fault"], json.loads(broken.stdout)["number"]) == (1, "line_changed", 3)
    told = run(folder, "audit", "verify")
    assert (told.returncode, told.stdout.strip()) == (1, "Line 3 was changed after it was written.")


def test_after_a_backup_came_back_the_log_is_whole(folder: Path) -> None:
    import_customers(folder)
    file = folder / "backup.zip"
    assert run(folder, "backup", str(file)).returncode == 0
    for _time in range(2):
        import_customers(folder, "--on-duplicate", "create")
    assert run(folder, "restore", str(file)).returncode == 0
    assert run(folder, "audit", "verify").returncode == 0


def test_figures_that_differ_from_their_contracts_are_named(folder: Path) -> None:
    import_customers(folder)
    assert run(folder, "check", "amounts").returncode == 0
    with closing(sqlite3.connect(folder / "var" / "crm.db")) as database:
        database.execute("UPDATE customer SET cooperation_amount = 5000 WHERE name = '杭州恒远机械有限公司'")
        database.commit()
    done = run(folder, "check", "amounts")
    assert (done.returncode, "杭州恒远机械有限公司" in done.stdout, "¥50" in done.stdout) == (1, True, True)
