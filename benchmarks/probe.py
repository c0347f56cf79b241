"""Times what a person perceives: from an event (click, key, navigation) until a condition holds on a painted frame.

The event is caught inside the page, so the driver's own latency does not count, and the time survives navigations.
"""

import shutil
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, sync_playwright

CLICKS = 30
PAUSE_SECONDS = 0.15
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
SCRIPT = """(() => {
  if (window.top !== window) return;
  const now = () => performance.timeOrigin + performance.now(), kept = sessionStorage;
  let polling = false;
  const poll = () => { if (polling) return; polling = true; const frame = () => {
    const condition = kept.getItem('probe_condition');
    if (!condition || kept.getItem('probe_end')) { polling = false; return; }
    let holds = false;
    if (kept.getItem('probe_start')) { try { holds = !!eval(condition) } catch (problem) { holds = false } }
    if (holds) { requestAnimationFrame(() => kept.setItem('probe_end', String(now()))); polling = false; return; }
    requestAnimationFrame(frame); }; requestAnimationFrame(frame); };
  window.__arm = (condition, event) => {
    kept.setItem('probe_condition', condition); kept.removeItem('probe_start'); kept.removeItem('probe_end');
    const caught = () => { if (!kept.getItem('probe_start')) kept.setItem('probe_start', String(now()));
      document.removeEventListener(event, caught, true); }; document.addEventListener(event, caught, true);
    poll(); };
  if (kept.getItem('probe_condition') && !kept.getItem('probe_end')) poll();
})();"""
NAVIGATE = """condition => { sessionStorage.removeItem('probe_end'); sessionStorage.setItem('probe_condition', condition);
  sessionStorage.setItem('probe_start', String(performance.timeOrigin + performance.now())) }"""


class Probe:
    """One browser window with the timing script in every page it opens."""

    def __enter__(self) -> "Probe":
        self.driver = sync_playwright().start()
        self.browser = self.driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        self.new_window()
        return self

    def __exit__(self, *problem: object) -> None:
        self.browser.close()
        self.driver.stop()

    def new_window(self, **cookie: Any) -> None:
        """A window that has cached nothing; the timing script evaluates text, which the product's content policy forbids."""
        self.context = self.browser.new_context(viewport={"width": 1366, "height": 800}, bypass_csp=True)
        if cookie:
            self.context.add_cookies([cookie])
        self.context.add_init_script(SCRIPT)
        self.page: Page = self.context.new_page()

    def open(self, url: str, condition: str, timeout: float = 60) -> float:
        """Milliseconds from asking for the address until `condition` (JavaScript) holds on a painted frame."""
        if self.page.url == "about:blank":
            self.page.goto(urljoin(url, "/_stcore/health"), wait_until="commit")
        self.page.evaluate(NAVIGATE, condition)
        self.page.goto(url, wait_until="commit")
        return self._wait(condition, timeout)

    def measure(self, act: Callable[[Page], object], condition: str, event: str = "mousedown", timeout: float = 30) -> float:
        """Milliseconds from the `event` that `act(page)` causes until `condition` holds on a painted frame."""
        self.page.evaluate("([condition, event]) => window.__arm(condition, event)", [condition, event])
        act(self.page)
        return self._wait(condition, timeout)

    def pause(self) -> None:
        """Let the page come to rest, as a person does before the next click."""
        self.page.wait_for_timeout(PAUSE_SECONDS * 1000)

    def _wait(self, condition: str, timeout: float) -> float:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                start, stop = self.page.evaluate("[sessionStorage.getItem('probe_start'), sessionStorage.getItem('probe_end')]")
                if start and stop:
                    return float(stop) - float(start)
            except PlaywrightError as problem:  # the page is navigating: its context is gone for a moment
                if "context" not in str(problem):
                    raise
            time.sleep(0.03)
        raise TimeoutError(f"{condition} — {self.page.inner_text('body')[-500:]}")
