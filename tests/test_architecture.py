"""Imports run downwards only. Each rule of the house is a row of a table; the test walks the syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from crm_core.config import ROOT

# Each part of the program may import itself and what is named here, nothing else of the program.
FOUNDATION = {"config", "errors", "i18n", "db"}
BELOW_MODELS = FOUNDATION | {"clock", "crypto", "fields", "normal", "permissions", "pinyin", "checks", "validation", "reference"}
BELOW_MODELS |= {"channels", "clients", "masking", "places", "visibility", "workdays"}
CORE = BELOW_MODELS | {"models", "audit", "cache", "numbering", "paging", "revisions", "scope", "seals", "search"}

MAY_IMPORT: dict[str, set[str]] = {
    "config": set(),
    "i18n": {"config"},
    "errors": {"i18n"},
    "db": {"config", "permissions"},
    "clients": {"config"},
    "clock": {"config"},
    "crypto": {"config"},
    "normal": {"reference"},
    "masking": {"checks"},
    "visibility": {"fields", "i18n", "masking", "permissions"},
    "pinyin": set(),
    "workdays": {"i18n"},
    "reference": {"config", "i18n"},
    "permissions": {"errors", "i18n"},
    "places": {"config", "i18n", "reference"},
    "channels": {"i18n", "permissions"},
    "fields": {"i18n"},
    "checks": {"clock", "config", "fields", "i18n", "pinyin"},
    "validation": {"fields", "i18n"},
    "models": BELOW_MODELS - {"db"},
    "numbering": {"clock", "db", "models"},
    "cache": {"numbering"},
    "paging": set(),
    "scope": {"db", "models", "permissions"},
    "revisions": {"db", "models", "numbering"},
    "seals": {"clock", "config", "crypto", "db", "models"},
    "audit": {"clock", "db", "fields", "masking", "models", "permissions", "seals"},
    "search": {"db", "models", "permissions", "pinyin", "scope"},
    "services": CORE,
    "migrations": {"config", "models", "normal"},
    "background": {"services"},
    "schema": CORE | {"services"},
    "cli": CORE | {"services", "schema", "background"},
    "__main__": {"cli"},
    "ui": BELOW_MODELS | {"models", "paging", "services"},
    "pages": FOUNDATION | {"clock", "fields", "permissions", "services", "ui"},
    "app": CORE | {"services", "schema", "background", "ui", "cli"},
}

# Libraries that only some parts may know.
ONLY_IN = {
    "streamlit": {"app", "pages", "ui"},
    "streamlit_authenticator": {"ui"},
    "sqlalchemy": {*CORE, "services", "schema", "cli", "migrations", "app"},
    "alembic": {"schema", "migrations", "services"},
    "pandas": {"ui", "pages", "services", "cli"},
    "plotly": {"ui", "pages"},
    "pyotp": {"services"},
    "segno": {"ui"},
    "icalendar": {"services"},
    "httpx2": {"services"},
    "starlette": {"app", "ui"},
    "fastapi": {"app", "ui"},
}


@cache
def sources() -> dict[str, Path]:
    """All modules of the program by dotted name."""
    files = [ROOT / "app.py", *(path for folder in ("crm_core", "ui", "pages") for path in sorted((ROOT / folder).rglob("*.py")))]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(sources()[module].read_text(encoding="utf-8"), module)


def part_of(module: str) -> str:
    """The part a module belongs to: crm_core.services.users → services, pages.work.home → pages."""
    names = module.split(".")
    return names[1] if names[0] == "crm_core" and len(names) > 1 else names[0]


def imports(module: str) -> Iterator[tuple[str, int]]:
    """All modules that a module imports, with the line, `from package import module` resolved."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} imports relatively"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from ((name if name in sources() else str(node.module), node.lineno) for name in inner)


def own_imports(module: str) -> Iterator[tuple[str, int]]:
    return ((name, line) for name, line in imports(module) if name in sources())


def is_type_checking_only(module: str, line: int) -> bool:
    """Whether an import serves annotations alone."""
    blocks = (node for node in ast.walk(tree(module)) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    return any(node.lineno <= line <= (node.end_lineno or line) for node in blocks)


@pytest.mark.parametrize("module", sources())
def test_imports_run_downwards_only(module: str) -> None:
    part = part_of(module)
    if module == "crm_core":
        return
    assert part in MAY_IMPORT, f"{module} belongs to no layer yet: give it a row in MAY_IMPORT"
    wrong = [
        f"line {line}: {name}"
        for name, line in own_imports(module)
        if part_of(name) not in MAY_IMPORT[part] | {part, "crm_core"} and not is_type_checking_only(module, line)
    ]
    assert wrong == []


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_stays_in_its_layers(library: str) -> None:
    wrong = [
        f"{module}:{line}"
        for module in sources()
        for name, line in imports(module)
        if name.split(".")[0] == library and part_of(module) not in ONLY_IN[library]
    ]
    assert wrong == []


def test_pages_import_no_page_and_no_model() -> None:
    wrong = [
        f"{module}:{line} imports {name}"
        for module in sources()
        if part_of(module) == "pages"
        for name, line in imports(module)
        if name.split(".")[0] in ("pages", "sqlalchemy") or name.startswith("crm_core.models")
    ]
    assert wrong == []


def calls(module: str, *names: str) -> Iterator[ast.Call]:
    """Calls of functions or methods by their last name."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in names:
            yield node


def test_no_service_ends_the_transaction_it_works_in() -> None:
    wrong = [
        f"{module}:{call.lineno}"
        for module in sources()
        if part_of(module) in ("services", "models", "pages", "ui")
        for call in calls(module, "commit", "rollback")
    ]
    assert wrong == []


def test_pages_read_records_only_as_their_viewer_may_see_them() -> None:
    """`load_customer` and `lock_customer` give out records with every value whole; they are for services."""
    wrong = [
        f"{module}:{call.lineno}"
        for module in sources()
        if part_of(module) in ("pages", "ui")
        for call in calls(module, "load_customer", "lock_customer", "get_one", "scalars")
    ]
    assert wrong == []


def test_markup_never_meets_data() -> None:
    """`unsafe_allow_html` may stand beside a constant string only."""
    wrong = [
        f"{module}:{node.lineno}"
        for module in sources()
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call)
        and any(keyword.arg == "unsafe_allow_html" for keyword in node.keywords)
        and not all(isinstance(argument, ast.Constant) for argument in node.args)
    ]
    assert wrong == []


def test_a_page_catches_no_error_and_compares_no_role_or_stage() -> None:
    wrong = []
    for module in sources():
        if part_of(module) != "pages" or module == "pages.frame":
            continue
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.Try):
                wrong.append(f"{module}:{node.lineno} try")
            if isinstance(node, ast.Compare) and any(name in ast.unparse(node) for name in (".role", ".stage ==", "['stage']", "scope")):
                wrong.append(f"{module}:{node.lineno} {ast.unparse(node)}")
    assert wrong == []


def test_every_module_says_what_it_owns() -> None:
    assert [module for module in sources() if not ast.get_docstring(tree(module))] == []


def test_every_button_has_a_name() -> None:
    """Where only an icon is to be seen, the label is there for those who hear the page (see the style sheet)."""
    wrong = [
        f"{module}:{call.lineno}"
        for module in sources()
        if part_of(module) in ("ui", "pages")
        for call in calls(module, "button", "download_button", "form_submit_button", "menu_button", "popover")
        if call.args and isinstance(call.args[0], ast.Constant) and not str(call.args[0].value).strip()
    ]
    assert wrong == []


INPUTS = {"checkbox", "date_input", "multiselect", "number_input", "pills", "radio", "selectbox", "text_area", "text_input", "toggle"}


def calls_in(node: ast.AST) -> Iterator[ast.Call]:
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))


@cache
def dialogs() -> frozenset[tuple[str, str]]:
    """Module and name of every function that is handed to `guard.dialog`, or to a row of a table of actions."""
    found = set()
    for module in sources():
        for call in calls_in(tree(module)):
            if ast.unparse(call.func) in {"guard.dialog", "Action"}:
                found |= {(module, one.id) for one in call.args if isinstance(one, ast.Name)}
                found |= {(f"ui.{ast.unparse(one.value)}", one.attr) for one in call.args if isinstance(one, ast.Attribute)}
    return frozenset(found)


def drawn_in_dialogs(module: str) -> list[ast.FunctionDef]:
    """The functions of a module that draw a dialog, and those that they call."""
    functions = {node.name: node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef)}
    wanted, found = {name for place, name in dialogs() if place == module} & functions.keys(), set[str]()
    while left := wanted - found:
        found |= left
        wanted |= {ast.unparse(call.func) for name in left for call in calls_in(functions[name])} & functions.keys()
    return [functions[name] for name in sorted(found)]


def test_what_is_entered_in_a_dialog_is_not_shown_in_the_next_one() -> None:
    """A browser shows again what was typed under a key that stays the same, for another record too (see `guard.key`)."""
    inputs = (
        (module, call)
        for module in sources()
        for function in drawn_in_dialogs(module)
        for call in calls_in(function)
        if isinstance(call.func, ast.Attribute) and call.func.attr in INPUTS
    )
    keys = ((module, keyword.value) for module, call in inputs for keyword in call.keywords if keyword.arg == "key")
    assert [f"{module}:{key.lineno} {key.value}" for module, key in keys if isinstance(key, ast.Constant)] == []
