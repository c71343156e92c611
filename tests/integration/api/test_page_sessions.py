"""The page over time: tokens and sessions, a service that goes away, and one that is stopped."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from celery_otel_api.operation import Scope
from celery_otel_api.tokens import new_token
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from tests.integration.api.browsing import SECONDS_MS, Visit, chromium, served, visit
from tests.integration.api.conftest import PATIENT, ROOT, Scene


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all visits."""
    with chromium() as browser:
        yield browser


def test_it_says_when_the_stream_is_broken_and_comes_back(scene: Scene, browser: Browser) -> None:
    """While the service is away the page says that its data is old; later it goes on by itself."""
    scene.worker()
    port = free_port()
    with browser.new_context() as context:
        page = context.new_page()
        with served(scene.client, port) as url:
            page.goto(url)
            expect(page.locator("#stream")).to_have_text("Live", timeout=30 * SECONDS_MS)
        expect(page.locator("#stream")).to_contain_text("what is shown is old", timeout=30 * SECONDS_MS)
        with served(scene.client, port):
            expect(page.locator("#stream")).to_have_text("Live", timeout=60 * SECONDS_MS)


HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_nobody_is_asked_for_a_page_that_nobody_sees(scene: Scene, browser: Browser) -> None:
    """A hidden page lets the stream go, and takes it up again when it is seen."""
    with served(scene.client) as url, visit(browser, url) as one:
        one.sees("#stream", "Live")
        one.page.evaluate(HIDE, arg=True)
        # Each age is shown for a second, and a page that is held up skips one.
        expect(one.page.locator("#age")).to_contain_text(re.compile(r"Data ([3-9]|\d\d) s old"))
        one.page.evaluate(HIDE, arg=False)
        expect(one.page.locator("#age")).to_contain_text(re.compile(r"Data [01] s old"))
        assert 2 == len([address for address in one.requests if address.endswith("/live")])


def _tokens(*scopes: Scope) -> tuple[str, dict[str, Any]]:
    secret, token = new_token("ann", scopes)
    return secret, {"tokens": token.line}


def test_a_token_opens_it(scene: Scene, browser: Browser) -> None:
    """With tokens configured the page asks for one, refuses a wrong one, and can be left again."""
    scene.worker(pool="prefork")
    task_id, _ = scene.hold()
    secret, settings = _tokens(Scope.READ, Scope.CONTROL)
    with served(scene.client, inspect_timeout=PATIENT, **settings) as url, visit(browser, url) as one:
        field = one.page.get_by_label("Token")
        expect(field).to_be_focused()
        expect(one.page.locator("#board")).to_be_hidden()
        field.fill("wrong")
        one.press("Enter")
        one.sees("#login-answer", "not valid")
        field.fill(secret)
        one.press("Enter")
        expect(one.row("running", task_id)).to_be_visible(timeout=30 * SECONDS_MS)
        assert secret not in one.says("document.documentElement.outerHTML + document.cookie")
        one.revoke(task_id)
        one.sees("#revoke-answer", "Confirmed")
        one.press("Escape")
        # What is on its way when the session ends is answered 401, too.
        with one.page.expect_response("**/queues/status"):
            pass
        one.page.get_by_role("button", name="Log out ann").click()
        expect(field).to_be_focused()
        assert task_id not in one.page.content()
        # The browser itself reports the one answer to the wrong token.
        assert 1 == len(one.errors)
        one.errors.clear()


def test_a_session_that_has_ended_leads_back_to_the_door(scene: Scene, browser: Browser) -> None:
    """When the service does not know the browser any more, the page asks for the token again."""
    secret, settings = _tokens(Scope.READ)
    with served(scene.client, **settings) as url, visit(browser, url) as one:
        one.page.get_by_label("Token").fill(secret)
        one.press("Enter")
        one.sees("#stream", "Live")
        one.page.context.clear_cookies()
        expect(one.page.get_by_label("Token")).to_be_visible(timeout=30 * SECONDS_MS)
        one.sees("#stream", "Not logged in")
        one.errors.clear()


SHOWN = """() => {
  window.shown = [];
  const watch = (changes) => changes.forEach((one) => one.addedNodes.forEach((node) => shown.push(node.textContent)));
  new MutationObserver(watch).observe(document.getElementById("queues"), { childList: true, subtree: true });
}"""
"""Keeps the text of all that is ever shown as a queue."""


def _held(one: Visit, address: str) -> list[Route]:
    """What the page asks there from now on, to be answered by the test."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    one.page.route(address, hold)
    return held


def test_what_an_earlier_session_has_asked_is_nobodys(scene: Scene, browser: Browser) -> None:
    """Its answers come when somebody else has logged in: they throw nobody out, and are not shown."""
    secret, settings = _tokens(Scope.READ)
    with served(scene.client, **settings) as url, visit(browser, url) as one:
        held = _held(one, "**/queues/status")
        one.says(SHOWN)

        def logs_in_and_asks() -> Route:
            one.says("true")
            before = len(held)
            one.page.get_by_label("Token").fill(secret)
            # What is on its way when the session ends is answered 401, too.
            with one.page.expect_response("**/charts"):
                one.press("Enter")
            expect(one.page.locator("#board")).to_be_visible()
            # What the page asks reaches us while we ask it something.
            wait_until(lambda: one.says("true") and len(held) > before, deadline=30, message="the queues are not asked")
            return held[before]

        first = logs_in_and_asks()
        one.page.get_by_role("button", name="Log out ann").click()
        second = logs_in_and_asks()
        one.page.get_by_role("button", name="Log out ann").click()
        third = logs_in_and_asks()
        first.fulfill(status=401, json={})
        second.fulfill(json={"queues": [{"name": "of the one before"}]})
        third.fulfill(json={"queues": [{"name": "of this one"}]})
        expect(one.row("queues", "of this one")).to_be_visible()
        assert not [text for text in one.says("shown") if "of the one before" in text]
        expect(one.page.get_by_label("Token")).to_be_hidden()
        # The browser itself reports the 401.
        assert 1 == len(one.errors)
        one.errors.clear()


def test_what_was_looked_for_in_a_session_that_has_ended_is_nobodys(scene: Scene, browser: Browser) -> None:
    """The answer comes when the door is shown already; whoever logs in next finds nothing."""
    secret, settings = _tokens(Scope.READ)
    with served(scene.client, **settings) as url, visit(browser, url) as one:
        field = one.page.get_by_label("Token")
        field.fill(secret)
        one.press("Enter")
        held = _held(one, "**/tasks/looked-for/status")
        one.page.locator("#search-id").fill("looked-for")
        one.press("Enter")
        wait_until(lambda: one.says("true") and held, deadline=30, message="it is not looked for")
        one.page.context.clear_cookies()
        expect(field).to_be_visible()
        held[0].fulfill(json={"id": "looked-for", "state": "SUCCESS", "result": "hush"})
        field.fill(secret)
        one.press("Enter")
        one.sees("#stream", "Live")
        expect(one.page.locator("#found")).to_be_empty()
        one.errors.clear()


def test_who_may_only_read_is_offered_no_more(scene: Scene, browser: Browser) -> None:
    """Without the scope control there are no buttons that revoke."""
    scene.worker()
    task_id, gate = scene.hold()
    secret, settings = _tokens(Scope.READ)
    with served(scene.client, **settings) as url, visit(browser, url) as one:
        one.page.get_by_label("Token").fill(secret)
        one.press("Enter")
        expect(one.row("running", task_id)).to_be_visible(timeout=30 * SECONDS_MS)
        expect(one.page.get_by_role("button", name="Revoke")).to_have_count(0)
    gate.touch()


def test_the_service_ends_although_somebody_listens(scene: Scene, browser: Browser, tmp_path: Path) -> None:
    """SIGTERM ends the service with a stream open, and nothing has to be killed."""
    port = free_port()
    target = "tests.integration.api.page_application:service"
    argv = [sys.executable, "-m", "uvicorn", "--factory", target, "--host", LOOPBACK, "--port", str(port)]
    service = Process("service", argv, directory=tmp_path, env={"SHOP_BROKER": scene.broker_url}, cwd=ROOT)
    with service, browser.new_context() as context:
        wait_until(lambda: "running on" in service.log, deadline=30, message=lambda: service.log_tail)
        page = context.new_page()
        page.goto(f"http://{LOOPBACK}:{port}/")
        expect(page.locator("#stream")).to_have_text("Live", timeout=30 * SECONDS_MS)
        service.signal(15)
        service.wait(timeout=20)
        assert "Application shutdown complete" in service.log
        assert "Traceback" not in service.log
