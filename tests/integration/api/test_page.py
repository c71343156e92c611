"""The operator's page in a real browser, with real workers."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from celery_otel_pipeline.worker import CeleryWorker
from tests.integration.api.browsing import PHONE, SECONDS_MS, chromium, served, visit
from tests.integration.api.conftest import PATIENT, ROOT, Scene
from tests.integration.api.hostile import HOSTILE, HOSTILE_ERROR
from tests.unit.api.fake_prometheus import fake_prometheus

HOSTILE_APPLICATION = "tests.integration.api.page_application:app"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all visits."""
    with chromium() as browser:
        yield browser


def test_it_shows_workers_and_what_they_run(scene: Scene, browser: Browser) -> None:
    """A worker is there with its busy slots, and a running task with how long it runs."""
    worker = scene.worker(concurrency=2)
    task_id, _ = scene.hold()
    with served(scene.client) as url, visit(browser, url) as one:
        one.sees("#running", task_id)
        one.sees("#workers", worker.node_name)
        row = one.row("workers", worker.node_name)
        expect(row).to_contain_text("online")
        expect(row).to_contain_text("1 of 2")
        expect(one.row("running", task_id)).to_contain_text("shop.hold")
        one.sees("#stream", "Live")
        one.sees("#age", "old")


def test_a_running_task_is_terminated_through_the_dialog(scene: Scene, browser: Browser) -> None:
    """The dialog names the task, says who has confirmed, and the task is gone."""
    worker = scene.worker(pool="prefork")
    task_id, _ = scene.hold()
    with served(scene.client, inspect_timeout=PATIENT) as url, visit(browser, url) as one:
        dialog = one.revoke(task_id)
        expect(dialog).to_contain_text("shop.hold")
        expect(dialog).to_contain_text(task_id)
        one.sees("#revoke-answer", "Confirmed")
        one.sees("#revoke-answer", worker.node_name)
        dialog.get_by_role("button", name="Close").click()
        expect(one.row("running", task_id)).to_have_count(0, timeout=30 * SECONDS_MS)


def test_the_dialog_can_be_left_without_doing_anything(scene: Scene, browser: Browser) -> None:
    """Escape, and Enter alone, revoke nothing; the focus goes back to where it was."""
    scene.worker()
    task_id, gate = scene.hold()
    with served(scene.client) as url, visit(browser, url) as one:
        button = one.row("running", task_id).get_by_role("button", name="Revoke")
        for key in ("Escape", "Enter"):
            button.focus()
            one.press("Enter")
            expect(one.page.get_by_role("dialog")).to_be_visible()
            one.press(key)
            expect(one.page.get_by_role("dialog")).to_be_hidden()
            expect(button).to_be_focused()
        assert [] == [address for address in one.requests if "/revoke?" in address]
    gate.touch()
    scene.finished(task_id)
    assert "SUCCESS" == scene.client.AsyncResult(task_id).state


def test_a_task_is_revoked_by_the_keyboard_alone(scene: Scene, browser: Browser) -> None:
    """Tab, Space and Enter do all that the mouse does, and the focus is seen and stays while the numbers change."""
    scene.worker(pool="prefork")
    task_id, _ = scene.hold()
    with served(scene.client, inspect_timeout=PATIENT) as url, visit(browser, url) as one:
        one.sees("#running", task_id)
        button = one.row("running", task_id).get_by_role("button", name="Revoke")
        one.tab_to(button)
        assert "solid" == button.evaluate("element => getComputedStyle(element).outlineStyle")
        shown = one.page.locator("#running td.number").inner_text()
        expect(one.page.locator("#running td.number")).not_to_have_text(shown)
        one.press("Enter")
        one.tab_to(one.page.get_by_role("checkbox"))
        one.press("Space")
        one.tab_to(one.page.get_by_role("button", name="Terminate"))
        one.press("Enter")
        one.sees("#revoke-answer", "Confirmed")
        one.press("Escape")
        expect(one.row("running", task_id)).to_have_count(0, timeout=30 * SECONDS_MS)


@pytest.fixture
def hostile(scene: Scene) -> Iterator[Scene]:
    """A scene with a worker whose tasks have names that attack the page: one runs, one has failed."""
    worker = CeleryWorker(
        f"hostile-{scene.queue}",
        app=HOSTILE_APPLICATION,
        broker_url=scene.broker_url,
        directory=scene.directory,
        pool="threads",
        queues=[scene.queue],
        env={"SHOP_QUEUE": scene.queue},
        cwd=ROOT,
    )
    with worker:
        scene.client.send_task(HOSTILE, [str(scene.directory / "gate")], task_id="<i>id</i>", queue=scene.queue)
        scene.client.send_task(f"{HOSTILE}.fail", queue=scene.queue)
        yield scene
        (scene.directory / "gate").touch()


def test_names_that_attack_it_stay_text(hostile: Scene, browser: Browser) -> None:
    """A task's name, its id and its error are shown as they are, and nothing of them is taken for HTML."""
    with served(hostile.client) as url, visit(browser, url) as one:
        expect(one.row("running", HOSTILE)).to_contain_text("<i>id</i>")
        expect(one.row("failures", HOSTILE)).to_contain_text(HOSTILE_ERROR)
        one.row("running", HOSTILE).get_by_role("button", name="Revoke").click()
        one.sees("#revoke-name", HOSTILE)
        assert 0 == one.page.locator("main img, main b, main i, main script, dialog img, dialog i").count()
        assert "taken" != one.page.title()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(hostile: Scene, browser: Browser, scheme: str) -> None:
    """At 360 pixels there is nothing to scroll to the side, in the page and in the dialog."""
    with served(hostile.client) as url, visit(browser, url, PHONE, color_scheme=scheme) as one:
        expect(one.row("failures", HOSTILE)).to_be_visible()
        assert 0 >= one.overflow()
        one.row("running", HOSTILE).get_by_role("button", name="Revoke").click()
        assert 0 >= one.overflow()
        box = one.page.get_by_role("dialog").bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= PHONE["width"]


CONTRAST = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour[3] !== 0) return colour;
    }
  };
  const texts = [...document.querySelectorAll("body *")].filter((element) =>
    element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return texts.map((element) => {
    const pair = [light(parts(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
    return [(pair[0] + 0.05) / (pair[1] + 0.05), element.textContent];
  }).sort((a, b) => a[0] - b[0])[0];
}"""
"""The least contrast of any text of the page, by WCAG's formula."""


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(245, 246, 248)"), ("dark", "rgb(18, 21, 26)")])
def test_it_can_be_read_in_the_light_and_in_the_dark(
    hostile: Scene, browser: Browser, scheme: str, ground: str
) -> None:
    """It follows the system, and all text has the contrast that WCAG AA asks for."""
    with served(hostile.client) as url, visit(browser, url, color_scheme=scheme) as one:
        expect(one.row("failures", HOSTILE)).to_be_visible()
        assert ground == one.says("getComputedStyle(document.documentElement).backgroundColor")
        contrast, text = one.says(CONTRAST)
        assert contrast >= 4.5, text


def test_a_task_is_found_by_its_id(scene: Scene, browser: Browser) -> None:
    """The search tells the state, the error, and what to do."""
    scene.worker()
    failed = scene.send("fail", "no more <b>stock</b>")
    scene.finished(failed)
    with served(scene.client) as url, visit(browser, url) as one:
        one.page.get_by_label("Task id").fill(failed)
        one.press("Enter")
        for text in ("FAILURE", "shop.fail", "ValueError: no more <b>stock</b>", "What to do"):
            one.sees("#found", text)
        one.page.get_by_label("Task id").fill("never-sent?#")
        one.press("Enter")
        one.sees("#found", "UNKNOWN")


def test_a_queue_that_nobody_consumes_is_marked(scene: Scene, browser: Browser) -> None:
    """A backlog without a consumer has a warning in words."""
    scene.worker()
    scene.send("add", 1, 2, queue=f"{scene.queue}-forgotten")
    with served(scene.client, queues=(f"{scene.queue}-forgotten",)) as url, visit(browser, url) as one:
        row = one.row("queues", "forgotten")
        expect(row).to_contain_text("nobody takes them", timeout=30 * SECONDS_MS)
        one.sees("#health-status", "degraded")


def test_a_worker_that_was_killed_is_marked(scene: Scene, browser: Browser) -> None:
    """It stays in the list, and says in words that nothing is heard of it."""
    worker = scene.worker()
    with served(scene.client) as url, visit(browser, url) as one:
        one.sees("#workers", "online")
        worker.kill()
        expect(one.row("workers", worker.node_name)).to_contain_text("last heard of", timeout=60 * SECONDS_MS)
        expect(one.row("workers", worker.node_name)).not_to_contain_text("online")


def test_failures_lead_to_their_trace(scene: Scene, browser: Browser) -> None:
    """With Jaeger configured a failure has a link to its trace, and with Grafana the page has one to it."""
    scene.worker(OTEL_TRACES_EXPORTER="console")
    failed = scene.send("fail", "no more stock")
    scene.finished(failed)
    links: dict[str, Any] = {
        "jaeger_url": "http://jaeger.example:16686/",
        "grafana_url": "http://grafana.example/d/celery",
    }
    with served(scene.client, **links) as url, visit(browser, url) as one:
        address = one.row("failures", failed).get_by_role("link", name="trace").get_attribute("href") or ""
        assert address.startswith("http://jaeger.example:16686/trace/")
        assert 32 == len(address.rpartition("/")[2])
        expect(one.page.get_by_role("link", name="Grafana")).to_have_attribute("href", links["grafana_url"])


def test_the_last_hour_is_drawn(scene: Scene, browser: Browser) -> None:
    """With Prometheus configured there are four charts, which say in words what they show."""
    with fake_prometheus() as prometheus:
        points = [[time.time() // 60 * 60 - 60 * minute, str(minute % 7)] for minute in range(60, -1, -1)]
        prometheus.known = {"celery_": [{"metric": {"status": "success", "queue_name": "<b>q</b>"}, "values": points}]}
        with served(scene.client, prometheus_url=f"http://{prometheus.place}") as url, visit(browser, url) as one:
            expect(one.page.locator("#charts figure")).to_have_count(4)
            expect(one.page.get_by_role("img", name="Queue length, tasks: now <b>q</b> 0")).to_be_visible()
            one.sees("#charts", "success")


def test_without_prometheus_it_says_so(scene: Scene, browser: Browser) -> None:
    """In place of the charts there is what to do to see some."""
    with served(scene.client) as url, visit(browser, url) as one:
        one.sees("#charts-empty", "CELERY_OTEL_API_PROMETHEUS_URL")
