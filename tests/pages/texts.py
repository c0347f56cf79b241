"""Every word that a visit sends to the screen: labels, options, hints, text, table cells, headings and charts."""

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from google.protobuf.message import Message
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df

from tests.pages.visit import Visit

_NOT_WORDS = {
    "id",
    "form_id",
    "key",
    "icon",
    "user_key",
    "url",
    "css_class",
    "language",
    "color",
    "element_hash",
    "element_type",
    "fragment_id",
    "group_id",
    "type",
    "mime",
    "query_param_key",
    "query_string",
    "theme",
    "config",
    "selection_mode",
    "component_name",
    "js_content",
    "css_content",
    "json",
    "format",
    "min",
    "max",
    "app_id",
    "autocomplete",
    "page",
    "page_script_hash",
    "url_pathname",
    "icon_image",
    "image",
    "markup",
}
_NOT_SHOWN = {"keys", "key", "look", "view", "icon", "path", "picture", "current"}
"""What components are given besides words: names of parts of the page, where links lead, and how things look."""
_ESCAPES = re.compile(r"\\(?=[^\w\s])")
_NOT_READ = re.compile(r":material/\w+:|:[a-z]+(-badge|-background)?\[|\(/files/\d+\)|[\w-]+(?: [\w-]+)*\.(?:pdf|csv)|\b[0-9a-f]{32}\b")


def texts_of(visit: Visit) -> Iterator[str]:
    """What can be read, without icons, colours, escapes and the names of files, which are data."""
    for message in visit.messages:
        kind = message.WhichOneof("type")
        if kind == "delta":
            for text in _of_delta(message.delta):
                yield _NOT_READ.sub("", _ESCAPES.sub("", text))
        elif kind == "navigation":
            for page in message.navigation.app_pages:
                yield from (page.page_name, page.section_header)


def _of_delta(delta: Any) -> Iterator[str]:
    if delta.WhichOneof("type") == "add_block":
        yield from _strings(delta.add_block)
        return
    element = delta.new_element
    kind = element.WhichOneof("type")
    if kind == "dataframe":
        yield from _of_table(element.dataframe)
    elif kind == "plotly_chart":
        yield from _of_chart(json.loads(element.plotly_chart.spec))
    elif kind == "table":
        frame = convert_arrow_bytes_to_pandas_df(element.table.arrow_data.data)
        headings = [] if element.table.hide_header else [*frame.columns]
        yield from (str(cell) for cell in [*frame.index, *headings, *frame.to_numpy().ravel()] if isinstance(cell, str))
    elif kind == "html":
        yield from _of_html(element.html.body)
    elif kind == "bidi_component":
        yield from words_of(element.bidi_component)
    elif kind != "code":
        yield from _strings(element)


def figures_of(visit: Visit) -> dict[str, str]:
    """The most important values of a record, by their labels."""
    words = [word for node in visit.tab.get("html") if 'class="figures"' in node.proto.body for word in _of_html(node.proto.body)]
    return dict(zip(words[::2], words[1::2], strict=True))


def _of_html(body: str) -> Iterator[str]:
    without_style = re.sub(r"<style>.*?</style>|</?time>", "", body, flags=re.DOTALL)
    yield from (unescape(text) for text in re.split(r"<[^>]+>", without_style) if text)


def _of_table(table: Any) -> Iterator[str]:
    frame = convert_arrow_bytes_to_pandas_df(table.arrow_data.data)
    columns = json.loads(table.columns or "{}")
    for name in frame.columns:
        yield columns.get(name, {}).get("label", name)
        for cell in () if frame[name].dtype == bool else frame[name]:  # those are painted as boxes
            parts = cell if not isinstance(cell, str) and hasattr(cell, "__iter__") else [cell]
            yield from (str(part) for part in parts if part is not None and part == part)


def _of_chart(chart: dict[str, Any]) -> Iterator[str]:
    for trace in chart["data"]:
        for name in ("labels", "x", "y", "name", "customdata", "text"):
            yield from (one for one in trace.get(name, ()) if isinstance(one, str)) if isinstance(trace.get(name), list) else ()


def words_of(component: Any) -> Iterator[str]:
    """The words that a component of our own was given to show."""
    yield from _of_component(json.loads(component.bytes or "null"))


def _of_component(given: Any, name: str = "") -> Iterator[str]:
    if isinstance(given, dict):
        for key, value in given.items():
            yield from _of_component(value, key)
    elif isinstance(given, list):
        for one in given:
            yield from _of_component(one, name)
    elif isinstance(given, str) and name not in _NOT_SHOWN:
        yield given


def _strings(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.name in _NOT_WORDS:
            continue
        values = list(value) if field.is_repeated else [value]
        for one in values:
            if isinstance(one, Message):
                yield from _strings(one)
            elif isinstance(one, str):
                yield one
