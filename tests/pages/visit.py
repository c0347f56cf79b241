"""A browser tab without a browser: it opens an address, types, presses and reads what the server would have sent.

Streamlit's AppTest runs the real script. What it lacks is added here: a first request for any address, and reruns of only
the fragment or dialog that a widget stands in, which is how the actions in dialogs are reached.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.scriptrunner import RerunData
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests
from streamlit.runtime.state.session_state import STREAMLIT_INTERNAL_KEY_PREFIX
from streamlit.testing.v1 import AppTest, app_test
from streamlit.testing.v1.element_tree import Widget
from streamlit.testing.v1.local_script_runner import LocalScriptRunner
from streamlit.util import calc_hash

from crm_core import db
from crm_core.clients import Client
from crm_core.config import ROOT
from crm_core.i18n import catalogue, in_language
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import sign_in
from tests.pages.components import press_of, rows_of
from ui import guard, header_tools, pill_bar, row_table
from ui.guard import BROWSER_COOKIE, LANGUAGE_COOKIE
from ui.routes import ROUTES

URLS = {route.file: route.url for route in ROUTES}
FRAME = ROOT / "pages" / "frame.py"
TIMEOUT = 60
BROWSER = "one browser"
ADDRESS = "10.1.2.3"


class _Runner(LocalScriptRunner):
    """AppTest's runner, which here keeps what was sent and can run one fragment."""

    sent: ClassVar[list[ForwardMsg]] = []
    fragment: ClassVar[str] = ""
    pages: ClassVar[dict[str, Any]] = {}
    cookies: ClassVar[dict[str, str]] = {}

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if self.pages:
            self._pages_manager._set_pages(dict(self.pages))
        if self.fragment:
            self.forward_msg_queue._queue = list(self.sent)

    def request_rerun(self, rerun_data: RerunData) -> bool:
        if not self.fragment:
            return super().request_rerun(rerun_data)
        self._requests = ScriptRequests()  # else the whole run that AppTest begins with would swallow this one
        return super().request_rerun(replace(rerun_data, fragment_id=self.fragment))

    def forward_msgs(self) -> list[ForwardMsg]:
        type(self).sent = super().forward_msgs()
        return self.sent


@pytest.fixture(autouse=True)
def drive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let AppTest run as described above, with the cookies of the visit."""
    monkeypatch.setattr(app_test, "LocalScriptRunner", _Runner)
    monkeypatch.setattr(guard, "client", lambda: Client(ADDRESS, "a test", _Runner.cookies[BROWSER_COOKIE]))
    monkeypatch.setattr(guard, "cookie", lambda name: _Runner.cookies.get(name, ""))


def zh(text: str) -> str:
    """The Chinese words for a source string."""
    return catalogue("zh_CN").get(text, text)


def open_session(username: str) -> str:
    """The token that the cookie of a freshly signed-in browser holds."""
    with db.transaction(SYSTEM) as session:
        ticket = sign_in.open_session(session, username, client=Client(browser=BROWSER))
        token = sign_in.redeem_ticket(session, ticket, browser=BROWSER)
    assert token
    return token


def _is_keyed(node: Widget, name: str) -> bool:
    """Whether a widget has this key, be it one that counts (name~3)."""
    return (node.key or "").partition("~")[0] == name


class Visit:
    """One tab; `who` is signed in, or nobody."""

    def __init__(self, who: Actor | None = None, *, language: str = "zh_CN", browser: str = BROWSER) -> None:
        self.cookies = {BROWSER_COOKIE: browser, LANGUAGE_COOKIE: language} | ({guard.COOKIE: open_session(who.username)} if who else {})
        self.language = language
        self.tab = self._new_tab()
        self.messages: list[ForwardMsg] = []

    def _new_tab(self) -> AppTest:
        tab = AppTest.from_file(FRAME, default_timeout=TIMEOUT)
        tab._bidi_component_manager = BidiComponentManager()  # its search through all installed packages took most of a test
        return tab

    def go(self, file: str, **query: str | list[str]) -> "Visit":
        """Type an address: a new session of the script at this page."""
        self.tab = self._new_tab()
        self.tab.context = {"url": f"http://localhost/{URLS[file]}"}
        self.tab._page_hash = calc_hash(URLS[file])
        self.tab.query_params = dict(query)
        return self._run()

    def open_tab(self, key: str, name: str) -> "Visit":
        """Open one of the tabs under a key."""
        self.tab.session_state[key] = zh(name) if self.language == "zh_CN" else name
        return self._run()

    def open_bell(self) -> "Visit":
        """Open the notices in the header."""
        return self.tell(header_tools.NAME, "pressed", {"key": "notices"})

    def rerun(self) -> "Visit":
        """Whatever makes the whole script run again."""
        return self._run()

    def _run(self, fragment: str = "") -> "Visit":
        _Runner.sent, _Runner.fragment, _Runner.pages = self.messages, fragment, self.tab._registered_pages
        _Runner.cookies = self.cookies
        with in_language(self.language):  # AppTest asks for the words of options itself
            self.tab.run()
        _Runner.fragment = ""
        self.tab._page_hash = ""
        self.messages = _Runner.sent
        assert not self.tab.exception, [problem.message for problem in self.tab.exception]
        return self

    @property
    def page(self) -> str:
        """The file of the page that is shown."""
        pages = self.tab._registered_pages
        shown: str = pages[self.tab._finished_page_script_hash]["url_pathname"]
        return next(file for file, url in URLS.items() if url == shown)

    @property
    def query(self) -> dict[str, Any]:
        return dict(self.tab.query_params)

    @property
    def redirect(self) -> str:
        """Where the browser was sent, if it was."""
        return next((message.auth_redirect.url for message in self.messages if message.HasField("auth_redirect")), "")

    def elements(self, kind: str = "") -> Iterator[Any]:
        """Everything on the screen, the sidebar and dialogs included."""
        return (node for node in self.tab if hasattr(node, "proto") and (not kind or node.type == kind))

    def fields(self) -> list[str]:
        """The labels of everything that can be filled in."""
        return [node.label for node in self.elements() if isinstance(node, Widget) and node.type != "button"]

    def widget(self, name: str, kind: str = "") -> Any:
        """The widget with this key, or with this English label (a star behind it or not)."""
        found = [
            node for node in self.elements(kind) if isinstance(node, Widget) and (_is_keyed(node, name) or self._is_called(node, name))
        ]
        assert found, f"nothing is called {name}: {[(node.key, node.label) for node in self.elements() if isinstance(node, Widget)]}"
        return found[-1]  # a dialog stands after what lies beneath it

    def _is_called(self, node: Widget, name: str) -> bool:
        words = zh(name) if self.language == "zh_CN" else name
        return getattr(node, "label", "").removesuffix(" *") == words

    def has(self, name: str) -> bool:
        """Whether something to enter or press has this key or English label, be it an entry of a menu."""
        return self._has_widget(name) or self._entry_of_menu(name) is not None or self._press_of(name) is not None

    def _entry_of_menu(self, name: str) -> tuple[Any, int] | None:
        words = zh(name) if self.language == "zh_CN" else name
        entries = ((menu, place, entry) for menu in self.elements("menu_button") for place, entry in enumerate(menu.options))
        return next(((menu, place) for menu, place, entry in entries if entry.rpartition(": ")[2] == words), None)

    def _press_of(self, name: str) -> tuple[Any, str] | None:
        """What is pressed in a component of our own, by its key or words, and in which."""
        words = zh(name) if self.language == "zh_CN" else name
        return press_of(self._components(), name, words)

    def _has_widget(self, name: str) -> bool:
        return any(isinstance(node, Widget) and (_is_keyed(node, name) or self._is_called(node, name)) for node in self.elements())

    def enter(self, name: str, value: Any) -> "Visit":
        """Type or choose a value, as when the field is left."""
        widget = self.widget(name)
        widget.set_value(value)
        return self._run(self._fragment_of(widget))

    def fill(self, **values: Any) -> "Visit":
        """Fill several fields, by their keys (a double underscore stands for the dot)."""
        for name, value in values.items():
            self.widget(name.replace("__", ".")).set_value(value)
        return self

    def upload(self, name: str, content: bytes) -> "Visit":
        """Choose a file."""
        uploader = self.tab.file_uploader[0]
        uploader.upload(name, content)
        return self._run(self._fragment_of(uploader))

    def press(self, name: str) -> "Visit":
        """Press a button by its key or English label, or choose that entry of a menu, or press what a component offers."""
        if not self._has_widget(name) and (found := self._entry_of_menu(name)):
            menu, place = found
            menu.click_index(place)
            return self._run(self._fragment_of(menu))
        if not self._has_widget(name) and (pressed := self._press_of(name)):
            return self._tell_event(pressed[0], "pressed", {"key": pressed[1]})
        button = self.widget(name, "button")
        button.click()
        return self._run(self._fragment_of(button))

    def pick(self, menu: str, code: str) -> "Visit":
        """Choose an entry of a menu, be it one of a component."""
        if not self._has_widget(menu):
            return self.press(f"{menu}_{code}")
        widget = self.widget(menu, "menu_button")
        widget.set_value(code)
        return self._run(self._fragment_of(widget))

    @property
    def headings(self) -> list[str]:
        """What stands above the columns of the table of records."""
        return [one["title"] for one in self._table()["headings"]]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table of records as it is read: for each its key, its link, and the words of each column by heading."""
        return rows_of(self._table())

    def _table(self) -> Any:
        drawn = [node.proto for node in self.tab.get("bidi_component") if node.proto.component_name == row_table.NAME]
        return json.loads(drawn[-1].bytes) if drawn else {"headings": [], "rows": []}

    def choose_rows(self, *keys: str) -> "Visit":
        """Tick these rows of the table, and no others."""
        component = self._component(row_table.NAME)
        return self._tell(component, WidgetState(id=component.id, json_value=json.dumps({"chosen": keys})))

    def choose_pills(self, *codes: str) -> "Visit":
        """Choose these of several things, and no others."""
        return self.tell(pill_bar.NAME, "chosen", {"codes": codes})

    def open_row(self, key: object) -> "Visit":
        """Press the name of the record with this key."""
        return self.tell(row_table.NAME, "opened", {"key": str(key)})

    def component(self, name: str) -> Any:
        """What a component of our own was given to show, as its script reads it."""
        return self.components(name)[-1]

    def components(self, name: str) -> list[Any]:
        """The same of all with this name."""
        return [json.loads(one.bytes) for one in self._components() if one.component_name == name]

    def _component(self, name: str) -> Any:
        return next(one for one in reversed(self._components()) if one.component_name == name)

    def _components(self) -> list[Any]:
        elements = (message.delta.new_element for message in self.messages if message.HasField("delta"))
        shown = (one.bidi_component for one in elements if one.WhichOneof("type") == "bidi_component")
        return list({one.id: one for one in shown}.values())  # as it was drawn last

    def tell(self, name: str, event: str, value: dict[str, Any]) -> "Visit":
        """What the script of a component tells the server when somebody does something in it."""
        return self._tell_event(self._component(name), event, value)

    def _tell_event(self, component: Any, event: str, value: dict[str, Any]) -> "Visit":
        told = WidgetState(id=f"{STREAMLIT_INTERNAL_KEY_PREFIX}_{component.id}__events")
        told.json_trigger_value = json.dumps([{"event": event, "value": value}])
        return self._tell(component, told)

    def _tell(self, component: Any, told: WidgetState) -> "Visit":
        states = self.tab._tree.get_widget_states()
        states.widgets.append(told)
        self.tab._tree.get_widget_states = lambda: states  # type: ignore[method-assign]
        return self._run(self._fragment_of(component))

    def _fragment_of(self, widget: Any) -> str:
        for message in self.messages:
            if message.HasField("delta") and message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                if getattr(getattr(element, element.WhichOneof("type")), "id", None) == widget.id:
                    return message.delta.fragment_id
        return ""

    @property
    def titles(self) -> list[str]:
        return [node.value for node in self.tab.title]

    @property
    def refusals(self) -> list[str]:
        return [node.value for node in self.tab.error]

    @property
    def toasts(self) -> list[str]:
        return [node.value for node in self.tab.toast]
