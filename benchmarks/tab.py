"""A browser tab without the browser: a websocket that sends reruns as Streamlit's own front end does, and reads what comes."""

import json
import time
from urllib.parse import urlsplit

import websocket
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.state.session_state import STREAMLIT_INTERNAL_KEY_PREFIX

from ui import row_table

FINISHED = {ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY}
EARLY = ForwardMsg.FINISHED_EARLY_FOR_RERUN


class Tab:
    """One open page. Widgets are known by their key without its number (or label), with the fragment they stand in."""

    def __init__(self, url: str, *, cookie: str | None = None) -> None:
        parts = urlsplit(url)
        self.page, self.query = parts.path.strip("/"), parts.query
        self.hash = ""
        self.hashes: dict[str, str] = {}
        self.widgets: dict[str, tuple[str, str]] = {}
        self.texts: list[str] = []
        self.tables = self.charts = 0
        origin = f"{parts.scheme}://{parts.netloc}"
        self.socket = websocket.create_connection(
            f"ws://{parts.netloc}/_stcore/stream", subprotocols=["streamlit"], origin=origin, cookie=cookie, timeout=60
        )
        self.rerun()

    def close(self) -> None:
        """Close the page."""
        self.socket.close()

    def open(self, page: str, query: str = "") -> float:
        """Go to a page by its address, as a click on a link does: the whole script runs."""
        self.page, self.query, self.hash, self.widgets = page, query, self.hashes[page], {}
        return self.rerun()

    def set(self, key: str, field: str, value: object) -> float:
        """Change one widget: where it stands in a fragment, only that runs again."""
        message = BackMsg()
        widget, fragment = self.widgets[key]
        state = message.rerun_script.widget_states.widgets.add()
        state.id = widget
        if isinstance(value, list):
            getattr(state, field).data.extend(value)
        else:
            setattr(state, field, value)
        message.rerun_script.fragment_id = fragment
        return self._run(message)

    def tell(self, key: str, event: str, value: object) -> float:
        """What a component of our own tells when something is done in it."""
        widget, fragment = self.widgets[key]
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add()
        state.id = f"{STREAMLIT_INTERNAL_KEY_PREFIX}_{widget}__events"
        state.json_trigger_value = json.dumps([{"event": event, "value": value}])
        message.rerun_script.fragment_id = fragment
        return self._run(message)

    def rerun(self) -> float:
        """Run the whole script again."""
        return self._run(BackMsg())

    def _run(self, message: BackMsg) -> float:
        """Milliseconds until the script has finished, with the reruns that it asked for itself."""
        request = message.rerun_script
        request.query_string = self.query
        if self.hash:
            request.page_script_hash = self.hash
        else:
            request.page_name = self.page
        self.texts, self.tables, self.charts = [], 0, 0
        begun = time.perf_counter()
        self.socket.send_binary(message.SerializeToString())
        while not self._read():
            pass
        return (time.perf_counter() - begun) * 1000

    def _read(self) -> bool:
        forward = ForwardMsg()
        forward.ParseFromString(self.socket.recv())
        kind = forward.WhichOneof("type")
        if kind == "delta":
            self._take(forward.delta)
        elif kind == "navigation":
            self.hashes = {page.url_pathname: page.page_script_hash for page in forward.navigation.app_pages}
            self.hash = forward.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = forward.page_info_changed.query_string
        elif kind == "script_finished" and forward.script_finished != EARLY:
            if forward.script_finished not in FINISHED:
                raise RuntimeError(f"the script ended with {forward.script_finished}")
            return True
        return False

    def _take(self, delta) -> None:
        if delta.WhichOneof("type") != "new_element":
            return
        element = delta.new_element
        name = element.WhichOneof("type")
        content = getattr(element, name)
        if name in ("markdown", "heading") or name == "html":
            self.texts.append(content.body)
        elif name == "metric":
            self.texts.append(f"{content.label} {content.body}")
        elif name in ("exception", "alert"):
            raise RuntimeError(getattr(content, "message", "") or content.body)
        elif name == "bidi_component":
            self.texts.append(content.bytes.decode())
            self.tables += content.component_name == row_table.NAME
        elif name == "plotly_chart":
            self.charts += 1
        if getattr(content, "id", ""):
            key = content.id.split("-", 2)[-1]
            name = content.label if key == "None" else key.rstrip("0123456789").rstrip("_")
            self.widgets[name] = (content.id, delta.fragment_id)

    def expect(self, text: str) -> None:
        """Raise unless the last run showed this text."""
        if not any(text in shown for shown in self.texts):
            raise RuntimeError(f"{text!r} is not on the page: {self.texts}")
