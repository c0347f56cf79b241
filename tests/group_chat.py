"""A real HTTP server in the place of the chat programs: what their robots are told, and answers good and bad."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

TAKEN = {"errcode": 0, "errmsg": "ok", "code": 0, "msg": "success"}


@dataclass
class Said:
    """One request of a robot."""

    path: str
    query: dict[str, str]
    body: dict[str, Any]

    @property
    def text(self) -> str:
        content: dict[str, str] = self.body.get("text") or self.body["content"]
        return content.get("content") or content["text"]


@dataclass
class GroupChat:
    """Keeps what it takes; `answer`, `status` and `waits` (seconds) say how it answers."""

    url: str = ""
    said: list[Said] = field(default_factory=list)
    answer: Any = field(default_factory=lambda: dict(TAKEN))
    status: int = 200
    waits: float = 0

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.said]


@contextmanager
def group_chat() -> Iterator[GroupChat]:
    """A server for the length of a block."""
    chat = GroupChat()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            time.sleep(chat.waits)
            if chat.status == 200 and chat.answer == TAKEN:
                chat.said.append(Said(parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}, body))
            content = chat.answer if isinstance(chat.answer, bytes) else json.dumps(chat.answer).encode()
            self.send_response(chat.status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    chat.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield chat
    server.shutdown()
    server.server_close()
