"""Every sentence of the program is in the Chinese catalogue, with the same places to fill, and nothing else is."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import streamlit
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po

from crm_core.config import LOCALE_DIR, ROOT

KEYWORDS = {"_": None, "N_": None}
FOLDERS = ("crm_core", "pages", "ui")
_PLACES = re.compile(r"\{(\w*)[^}]*\}")


@cache
def extracted() -> dict[str, str]:
    """All marked strings of the program with the file that holds them."""
    found = {
        str(message): f"{folder}/{filename}"
        for folder in FOLDERS
        for filename, _line, message, _comments, _context in extract_from_dir(ROOT / folder, [("**.py", "python")], keywords=KEYWORDS)
    }
    for _line, message, _comments, _context in extract_from_file("python", ROOT / "app.py", keywords=KEYWORDS):
        found[str(message)] = "app.py"
    return found


@cache
def catalogue(language: str) -> Catalog:
    with (LOCALE_DIR / language / "LC_MESSAGES" / "kemai.po").open("rb") as file:
        return read_po(file, locale=language)


def translations() -> dict[str, str]:
    """The Chinese catalogue."""
    return {str(message.id): str(message.string) for message in catalogue("zh_CN") if message.id}


def places(text: str) -> list[str]:
    return sorted(_PLACES.findall(text))


def test_there_are_strings_to_translate() -> None:
    assert len(extracted()) > 150


def test_every_string_has_a_chinese_translation() -> None:
    known = translations()
    assert [f"{where}: {text}" for text, where in extracted().items() if not known.get(text, "").strip()] == []


def test_no_string_hides_in_an_f_string_where_it_is_not_collected() -> None:
    files = [ROOT / "app.py", *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))]
    hidden = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in files
        for text in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KEYWORDS
    ]
    assert hidden == []


def test_no_translation_is_left_over_from_a_string_that_is_gone() -> None:
    assert [text for text in translations() if text not in extracted()] == []
    assert list(catalogue("zh_CN").obsolete) == []


def test_no_translation_is_a_guess() -> None:
    assert [message.id for language in ("zh_CN", "en") for message in catalogue(language) if message.id and message.fuzzy] == []


def test_a_translation_has_the_places_of_its_source() -> None:
    assert [text for text, chinese in translations().items() if chinese and places(text) != places(chinese)] == []


def test_a_translation_is_chinese() -> None:
    english = [
        text for text, chinese in translations().items() if re.search("[a-z]{4}", text) and not re.search("[\u4e00-\u9fff]", chinese)
    ]
    assert english == []


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_a_catalogue_can_be_read(language: str) -> None:
    assert catalogue(language).charset.lower() == "utf-8"


@pytest.mark.parametrize(
    "part",
    ["DateInput", "DateTimeInput", "TimeInput", "ReorderedSegments", "TextInput", "NumberInput", "Selectbox", "Multiselect", "Pagination"],
)
def test_what_streamlit_calls_the_buttons_of_a_field_is_worded_in_chinese(part: str) -> None:
    (script,) = (Path(streamlit.__file__).parent / "static" / "static" / "js").glob(f"{part}.*.js")
    named = set(re.findall(r'"aria-label":`([A-Z][^`$]+)`', script.read_text(encoding="utf-8")))
    worded = (ROOT / "ui" / "web" / "boot.js").read_text(encoding="utf-8")
    assert named
    assert [name for name in named if f'"{name}": "' not in worded] == []
