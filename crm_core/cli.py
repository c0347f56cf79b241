"""The command line: what operators do without a browser. It acts as the system itself and brings the database up to date first."""

import gc
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from crm_core import crypto
from crm_core.background import work_until_stopped
from crm_core.config import settings
from crm_core.db import CrmSession, reading, transaction
from crm_core.errors import CrmError, FileRefused, NotFound, ValidationFailed
from crm_core.i18n import N_, _, join_words
from crm_core.permissions import SYSTEM
from crm_core.schema import upgrade_database
from crm_core.services import second_factor, service_figures
from crm_core.services.amount_check import contracts_in_words, customers_in_words
from crm_core.services.backup import SAVED, restore_backup, write_backup
from crm_core.services.demo.filling import fill_demo
from crm_core.services.imports.failed_rows import failed_rows_workbook
from crm_core.services.imports.kinds import CONTRACT, CUSTOMER, OPPORTUNITY, PRODUCT, USER
from crm_core.services.imports.mapping import guess_mapping, target_labels
from crm_core.services.imports.mapping_files import missing_headings, read_plan
from crm_core.services.imports.plan import ImportPlan, ImportResult, Incomplete, OnDuplicate
from crm_core.services.imports.reading import read_table
from crm_core.services.imports.running import run_import
from crm_core.services.imports.table import Table
from crm_core.services.library import Library, get_library
from crm_core.services.log_check import check_log
from crm_core.services.passwords import hash_password, random_password, reset_password
from crm_core.services.users import list_users

SHOWN_ERRORS = 20

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=_("客脉 Kemai: commands for operators."))
imports = typer.Typer(no_args_is_help=True, help=_("Import records from a file."))
users = typer.Typer(no_args_is_help=True, help=_("Help users who cannot sign in."))
keys = typer.Typer(no_args_is_help=True, help=_("Look after the encryption keys."))
audits = typer.Typer(no_args_is_help=True, help=_("Check the change log."))
app.add_typer(imports, name="import")
app.add_typer(users, name="user")
app.add_typer(keys, name="keys")
app.add_typer(audits, name="audit")
checks = typer.Typer(no_args_is_help=True, help=_("Check stored data."))
app.add_typer(checks, name="check")


def main() -> None:
    """Run the command line; what a user can act on is told in a sentence, with exit code 1."""
    try:
        app()
    except CrmError as error:
        typer.echo(_told(error), err=True)
        sys.exit(1)


def _told(error: CrmError) -> str:
    if isinstance(error, ValidationFailed):
        return " ".join(f"{field}: {sentence}" for field, sentences in error.errors.items() for sentence in sentences)
    return str(error)


@app.command(help=_("Create or migrate the database. Safe to repeat."))
def upgrade() -> None:
    """Bring the database to the present state."""
    upgrade_database()
    typer.echo(_("The database is up to date."))


IMPORTED = {
    "customers": (CUSTOMER, N_("Import customers from csv, xlsx, xls, ods or vCard.")),
    "products": (PRODUCT, N_("Import products from csv, xlsx, xls or ods.")),
    "users": (USER, N_("Import accounts with their teams from csv, xlsx, xls or ods.")),
    "opportunities": (OPPORTUNITY, N_("Import opportunities, closed ones too, from csv, xlsx, xls or ods.")),
    "contracts": (CONTRACT, N_("Import contracts from csv, xlsx, xls or ods.")),
}
"""The commands of `import`, each with its kind of records."""


def _add_import(command: str, kind: str, told: str) -> None:
    @imports.command(command, context_settings={"allow_extra_args": True}, help=_(told))
    def import_records(
        context: typer.Context,
        file: Annotated[Path, typer.Argument(help=_("The file to import."))],
        dry_run: Annotated[bool, typer.Option("--dry-run", help=_("Only check; write nothing."))] = False,
        mapping: Annotated[Path | None, typer.Option(help=_("A mapping file: columns, words and values to fill in, kept as JSON."))] = None,
        defaults: Annotated[list[str] | None, typer.Option(metavar="FIELD=VALUE", help=_("Fills a field that a row leaves empty."))] = None,
        columns: Annotated[
            list[str] | None, typer.Option("--map", metavar="HEADING=FIELD", help=_("Says which field a column carries."))
        ] = None,
        incomplete: Annotated[Incomplete | None, typer.Option(help=_("Keep or fail rows that lack required fields."))] = None,
        on_duplicate: Annotated[OnDuplicate | None, typer.Option(help=_("What to do with records that exist already."))] = None,
        failed_rows: Annotated[Path | None, typer.Option(help=_("Write the failed rows to this xlsx, to mend and import again."))] = None,
        as_json: Annotated[bool, typer.Option("--json", help=_("Print the result as one JSON object."))] = False,
    ) -> None:
        """Import records; more pairs may follow the first one of `--defaults`. Options count more than the mapping file."""
        upgrade_database()
        table = read_table(file.name, _content(file), kind)
        with reading() as session:
            library = get_library(session)
        kept = _kept_plan(mapping, kind, table, library)
        plan = replace(
            kept,
            mapping={**kept.mapping, **_mapping(table, columns or [])},
            defaults={**kept.defaults, **_pairs([*(defaults or []), *context.args])},
            incomplete=incomplete or kept.incomplete,
            on_duplicate=on_duplicate or kept.on_duplicate,
        )
        gc.freeze()  # what is loaded stays until the end of this process; looking through it again and again takes a quarter of the time
        result = run_import(SYSTEM, table, plan, dry_run=dry_run)
        if failed_rows and result.failed:
            failed_rows.write_bytes(failed_rows_workbook(table, result, library, kind))
        counted = {"file": file.name, "dry_run": dry_run, **asdict(result)}
        typer.echo(json.dumps(counted, ensure_ascii=False) if as_json else _summary(result, target_labels(library, kind)))


for _command, (_kind, _told_of) in IMPORTED.items():
    _add_import(_command, _kind, _told_of)


def _kept_plan(file: Path | None, kind: str, table: Table, library: Library) -> ImportPlan:
    """The plan of a mapping file, which decides about all columns; without one the columns are guessed."""
    if file is None:
        return ImportPlan(mapping=guess_mapping(table.headings, library, kind), kind=kind)
    plan = read_plan(_content(file), library)
    if plan.kind != kind:
        raise FileRefused(_("The mapping file is for other records: it says “kind”: “{kind}”.").format(kind=plan.kind))
    if missing := missing_headings(plan, table.headings):
        raise FileRefused(
            _("The file has no column “{heading}”, which the mapping file reads. Its headings are: {names}.").format(
                heading=missing[0], names=join_words(table.headings)
            )
        )
    return plan


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise FileRefused(_("The file {name} cannot be read. Check its name and whether you may open it.").format(name=file)) from problem


def _mapping(table: Table, columns: Sequence[str]) -> dict[str, str]:
    chosen = _pairs(columns)
    for heading in chosen.keys() - set(table.headings):
        raise ValidationFailed(
            {heading: [_("The file has no such heading. Its headings are: {names}.").format(names=join_words(table.headings))]}
        )
    return chosen


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    wrong = [text for text in texts if "=" not in text]
    if wrong:
        raise ValidationFailed({wrong[0]: [_("Write a name and a value joined by =, for example source=展会推广.")]})
    return {name.strip(): value for name, _equals, value in (text.partition("=") for text in texts)}


def _summary(result: ImportResult, labels: dict[str, str]) -> str:
    counts = _(
        "{rows} rows: {created} created, {updated} updated, {skipped} skipped, {failed} failed; {incomplete} incomplete; {seconds} seconds."
    )
    lines = [counts.format(**asdict(result))]
    for note in result.errors[:SHOWN_ERRORS]:
        lines.append(_("Row {row}, {field}: {message}").format(row=note.row, field=labels.get(note.field, "-"), message=note.message))
    if len(result.errors) > SHOWN_ERRORS:
        lines.append(
            _("… and {count} more. --json shows all, --failed-rows writes them to a workbook.").format(
                count=len(result.errors) - SHOWN_ERRORS
            )
        )
    return "\n".join(lines)


@app.command(help=_("Do the jobs and send the messages, until stopped. Of several workers and servers one leads."))
def worker() -> None:
    """Work until stopped, with what goes wrong on standard error."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    upgrade_database()
    typer.echo(_("The worker has begun. Stop it with Ctrl+C."))
    work_until_stopped()


@app.command(help=_("Fill an empty database with fictional customers and an account for each role."))
def demo() -> None:
    """Fill the configured database with demo content and print its accounts."""
    upgrade_database()
    with transaction(SYSTEM) as session:
        accounts = fill_demo(session, SYSTEM, users=True)
    for account in accounts:
        typer.echo(f"{account.username:<16} {account.password:<16} {account.role}")


@app.command(help=_("Save database, keys and attachments to one file (SQLite)."))
def backup(file: Annotated[Path, typer.Argument(help=_("The file to write."))]) -> None:
    """Write a backup; the server may go on working."""
    size = write_backup(file)
    typer.echo(_("{file} was written: {size} MB. It holds the keys; keep it safe.").format(file=file, size=round(size / 1024 / 1024, 1)))


@app.command(help=_("Put a backup in the place of the present data (SQLite). Stop the server first."))
def restore(file: Annotated[Path, typer.Argument(help=_("The backup to read."))]) -> None:
    """Restore a backup and migrate it to the present version."""
    restore_backup(file)
    upgrade_database()
    typer.echo(_("The backup was restored. What was here before is in {file}.").format(file=settings().data_dir / SAVED))


@users.command("reset-password", help=_("Give an account a one-time password."))
def reset_user_password(username: Annotated[str, typer.Argument(help=_("The account."))]) -> None:
    """Print a one-time password; the account's sessions end and a lock is lifted."""
    upgrade_database()
    password = random_password()
    password_hash = hash_password(password)
    with transaction(SYSTEM) as session:
        reset_password(session, SYSTEM, _user_id(session, username), password_hash=password_hash)
    typer.echo(password)


@users.command("reset-second-factor", help=_("End the two-step verification of an account whose app was lost."))
def reset_user_second_factor(username: Annotated[str, typer.Argument(help=_("The account."))]) -> None:
    """The account signs in with its password alone, until a second factor is enrolled again."""
    upgrade_database()
    with transaction(SYSTEM) as session:
        second_factor.reset(session, SYSTEM, _user_id(session, username))
    typer.echo(_("Two-step verification was reset."))


@keys.command("rotate", help=_("Begin a new encryption key. Older ones stay, so that everything can still be read."))
def rotate_keys() -> None:
    """Add a key, with which a server encrypts from its next start on."""
    crypto.add_key()
    typer.echo(_("A new key was added. Restart the server so that it uses it, and back up {file}.").format(file=settings().key_file))


@audits.command("verify", help=_("Look for changed, missing and added lines of the change log. Exit code 1 where there are some."))
def verify_log(
    head: Annotated[str, typer.Option(help=_("The newest seal of an earlier check, noted outside of this system."))] = "",
    as_json: Annotated[bool, typer.Option("--json", help=_("Print the result as one JSON object."))] = False,
) -> None:
    """Walk the chain of seals and tell the first fault."""
    upgrade_database()
    with reading(SYSTEM) as session:
        check = check_log(session, SYSTEM, head=head)
    if as_json:
        found = {"is_intact": check.fault is None, "fault": check.fault, "number": check.number, "sentence": check.sentence}
        typer.echo(json.dumps({**found, "seals": check.seals, "lines": check.lines, "head": check.head}, ensure_ascii=False))
    else:
        sealed = _("{lines} lines under {seals} seals are as they were written. Newest seal: {head}")
        typer.echo(check.sentence or sealed.format(lines=check.lines, seals=check.seals, head=check.head))
    if check.fault:
        raise typer.Exit(1)


@checks.command("service", help=_("Compare the service figures of all customers with their tickets. Exit code 1 where they differ."))
def check_service() -> None:
    """Tell each customer whose figures are wrong."""
    upgrade_database()
    with reading(SYSTEM) as session:
        wrong = service_figures.find_wrong(session)
        customers, tickets = service_figures.count_checked(session)
    for one in wrong:
        for name, (kept, right) in one.figures.items():
            typer.echo(
                _("{code}: {figure} is {kept}, by the tickets it is {right}").format(code=one.code, figure=name, kept=kept, right=right)
            )
    if wrong:
        raise typer.Exit(1)
    typer.echo(
        _("The service figures of {customers} customers are what their {tickets} tickets say.").format(customers=customers, tickets=tickets)
    )


@checks.command("amounts", help=_("Compare the cooperation of every customer with its contracts. Exit code 1 where they differ."))
def check_amounts() -> None:
    """Name each customer whose figures are not what was entered and its contracts, and each contract whose parts do not fit."""
    upgrade_database()
    with reading(SYSTEM) as session:
        found = [*customers_in_words(session), *contracts_in_words(session)]
    for sentence in found:
        typer.echo(sentence)
    if found:
        raise typer.Exit(1)
    typer.echo(_("The figures of all customers are those of their contracts."))


def _user_id(session: CrmSession, username: str) -> int:
    for user in list_users(session, SYSTEM):
        if user.username == username.strip().lower():
            return user.id
    raise NotFound(_("There is no account “{name}”. Check its spelling.").format(name=username))
