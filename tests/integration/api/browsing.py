"""The page in a real browser, and the real service behind it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from celery import Celery
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, ViewportSize, expect, sync_playwright

from celery_otel_api.application import application
from celery_otel_api.settings import ApiSettings
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port

CHROMIUM = "/usr/bin/chromium"
SECONDS_MS = 1000
DESKTOP = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=360, height=740)


@contextmanager
def served(app: Celery, port: int = 0, **settings: Any) -> Iterator[str]:
    """Serves an application's page; gives its address."""
    port = port or free_port()
    options = ApiSettings.read(**{"port": port, "refresh_interval": 0.3, **settings})
    config = uvicorn.Config(
        application(app, options), host=LOOPBACK, port=port, log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), deadline=30, message="the service does not start")
        yield f"http://{LOOPBACK}:{port}/"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's browser."""
    if not Path(CHROMIUM).is_file():
        pytest.fail(f"{CHROMIUM} is not there: run `make servers`, which installs it on Debian and its relatives")
    # Five seconds is what playwright waits for what is expected, unless it is told otherwise.
    expect.set_options(timeout=30 * SECONDS_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """A visit to the page.

    Args:
        page: The browser's page.
        url: Where it leads.

    Attributes:
        page: The browser's page.
        errors: What the page's console has complained about.
        requests: Every address that was asked for.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.set_default_timeout(30 * SECONDS_MS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(url)

    def _hear(self, message: ConsoleMessage) -> None:
        # The browser itself reports every answer of 503, which is how health says that there is no worker.
        if message.type == "error" and not message.location["url"].endswith("/health"):
            self.errors.append(message.text)

    def row(self, table: str, text: str) -> Locator:
        """The row of a table with a text."""
        return self.page.locator(f"#{table} tr").filter(has_text=text)

    def revoke(self, task_id: str) -> Locator:
        """Terminates a running task through the dialog, which is left open."""
        self.row("running", task_id).get_by_role("button", name="Revoke").click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("checkbox").check()
        dialog.get_by_role("button", name="Terminate").click()
        return dialog

    def sees(self, place: str, text: str) -> None:
        """Waits until a place has a text."""
        expect(self.page.locator(place)).to_contain_text(text, timeout=30 * SECONDS_MS)

    def says(self, script: str) -> Any:
        """The value of an expression in the page."""
        return self.page.evaluate(script)

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.says("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def press(self, *keys: str) -> None:
        """Presses keys."""
        for key in keys:
            self.page.keyboard.press(key)

    def tab_to(self, target: Locator) -> None:
        """Presses Tab until an element has the focus."""
        for _ in range(60):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.press("Tab")
        pytest.fail("60 times Tab have not reached it")


@contextmanager
def visit(browser: Browser, url: str, viewport: ViewportSize = DESKTOP, **context: Any) -> Iterator[Visit]:
    """Visits the page, and checks at the end that it asked nobody else and complained about nothing."""
    with browser.new_context(viewport=viewport, **context) as opened:
        one = Visit(opened.new_page(), url)
        yield one
        assert [] == [address for address in one.requests if not address.startswith(url)]
        assert [] == one.errors
