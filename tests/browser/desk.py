"""A person in front of a browser: what they read, click and type, in the words of the Chinese interface."""

import re
import time

from playwright.sync_api import Browser, Locator, WebSocket, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from crm_core.i18n import catalogue
from crm_core.permissions import Actor

NOTICE, MOMENT = 250, 10
"""Milliseconds within which the page tells the server of what a person did, and between two looks whether it has."""
DRAWING = 80
"""Milliseconds in which the page has drawn the last part of an answer."""
PASSWORD = "Maple#2026"


def zh(text: str) -> str:
    """The Chinese words for a source string."""
    return catalogue("zh_CN").get(text, text)


class Desk:
    """One browser window. It notes what the page asks of other hosts and what the console complains of."""

    def __init__(self, chromium: Browser, url: str, *, width: int = 1440, height: int = 900, dark: bool = False) -> None:
        self.url = url
        self.context = chromium.new_context(
            viewport={"width": width, "height": height}, locale="en-US", color_scheme="dark" if dark else "light"
        )
        self.page = self.context.new_page()
        self.has_asked, self.is_waiting = False, False
        self.page.on("websocket", self._listen)
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)

    def _note(self, url: str) -> None:
        if not url.startswith((self.url, self.url.replace("http", "ws"), "blob:", "data:")):
            self.foreign.append(url)

    def _listen(self, socket: WebSocket) -> None:
        self.has_asked, self.is_waiting = True, True  # a page that has just connected asks at once
        socket.on("close", lambda _socket: self._note_end())
        socket.on("framesent", self._note_question)
        socket.on("framereceived", self._note_answer)

    def _note_question(self, frame: bytes | str) -> None:
        message = BackMsg()
        if isinstance(frame, bytes) and message.ParseFromString(frame) and message.WhichOneof("type") == "rerun_script":
            self.has_asked, self.is_waiting = True, True

    def _note_answer(self, frame: bytes | str) -> None:
        message = ForwardMsg()
        if isinstance(frame, bytes) and message.ParseFromString(frame) and message.WhichOneof("type") == "script_finished":
            self.is_waiting = message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN

    def _note_end(self) -> None:
        self.is_waiting = False

    def leave(self) -> None:
        self.context.close()

    def go(self, path: str) -> "Desk":
        self.page.goto(self.url + path)
        return self.settle()

    def settle(self) -> "Desk":
        """Wait until the script has answered what was done last."""
        patience = NOTICE
        while not self.has_asked and patience > 0:
            self.page.wait_for_timeout(MOMENT)
            patience -= MOMENT
        end = time.monotonic() + 30
        while self.is_waiting:
            assert time.monotonic() < end, "the script does not answer"
            self.page.wait_for_timeout(MOMENT)
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=30_000)
        self.page.wait_for_timeout(DRAWING)
        self.has_asked = False
        return self

    def field(self, label: str) -> Locator:
        return self.page.locator("input,textarea").and_(self.page.get_by_label(re.compile(rf"^{re.escape(zh(label))}( \*)?$"))).first

    def type(self, label: str, text: str) -> None:
        field = self.field(label)
        field.fill(text)
        field.press("Tab")
        self.settle()

    def choice(self, label: str) -> Locator:
        """The input of a choice; its value is what is chosen."""
        box = self.page.locator('[data-testid="stSelectbox"]')
        return box.filter(has=self.page.locator("label", has_text=re.compile(rf"^{re.escape(zh(label))}( \*)?$"))).first.locator("input")

    def choose(self, label: str, text: str) -> None:
        """Type into a choice and take the first match."""
        field = self.choice(label)
        field.click()
        field.fill(text)
        self.page.get_by_role("option").filter(has_text=text).first.click()
        self.settle()

    def click(self, label: str, *, exact: bool = True) -> None:
        self.page.get_by_role("button", name=re.compile(rf"{re.escape(zh(label))}{'$' if exact else ''}")).first.click()
        self.settle()

    def pick(self, label: str) -> None:
        """Press one of several visible choices."""
        choices = self.page.locator("[data-testid=stButtonGroup] button, .pill")
        choices.filter(has_text=re.compile(f"^{re.escape(zh(label))}$")).first.click()
        self.settle()

    def sees(self, text: str) -> None:
        try:
            expect(self.page.get_by_text(text).first).to_be_visible(timeout=15_000)
        except AssertionError:
            raise AssertionError(f"{text!r} is not to be seen, but this: {self._shown()}") from None

    def _shown(self) -> str:
        """What a person has before them: the open dialog, else the end of the page, with what stands in their fields."""
        dialogs = self.page.get_by_role("dialog")
        part = dialogs.last if dialogs.count() else self.page.locator("[data-testid=stMain]")
        entered = part.locator("input,textarea").evaluate_all("(all) => all.map((one) => `${one.ariaLabel}: ${one.value}`)")
        return f"{self.page.url} {' '.join(part.inner_text().split())[-1500:]} {entered}"

    def set_up(self, code: str) -> None:
        """Create the first administrator."""
        self.type("Code from the console", code)
        self.type("Your name", "周敏")
        self.type("Account", "zhoumin")
        self.field("Password").fill(PASSWORD)
        self.field("Password once more").fill(PASSWORD)
        self.click("Create administrator")
        self.page.wait_for_url(re.compile("customers"))
        self.settle()

    def begin(self, person: Actor) -> None:
        """Come to the start page and sign in."""
        self.go("/")
        self.sign_in(person.username)

    def sign_in(self, account: str = "zhoumin", password: str = PASSWORD) -> None:
        self.field("Account").fill(account)
        self.field("Password").fill(password)
        self.page.locator('[data-testid="stFormSubmitButton"] button').click()
        self.page.wait_for_selector(".st-key-navigation", timeout=30_000)
        self.settle()
