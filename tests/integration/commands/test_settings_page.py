"""What docs/celery-settings.md quotes of `celery otel doctor` is what the doctor says."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from celery import Celery

from celery_otel.doctor.examination import judged
from celery_otel.doctor.facts import Facts
from celery_otel.doctor.finding import Finding, Level
from celery_otel.doctor.gather import Where, gather
from celery_otel.doctor.report import report
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.redis import RedisServer
from tests.integration.commands.conftest import ROOT, Shop

PAGE = (ROOT / "docs" / "celery-settings.md").read_text()
QUOTES = dict(re.findall(r"<!-- doctor: (\w+) -->\n```text\n(.*?)```", PAGE, re.DOTALL))
PYTHON = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
SETTINGS = (
    "task_track_started",
    "task_time_limit",
    "task_soft_time_limit",
    "worker_prefetch_multiplier",
    "task_acks_late",
    "worker_max_tasks_per_child",
)
ON_SETTINGS = ("task_track_started", "visibility_timeout", "task_acks_late", "prefetch of ")
WIDTH = 96
QUICK = {"worker_prefetch_multiplier": 4}
"""Of these the doctor speaks only when tasks wait, and there are none."""


def advised() -> dict[str, Any]:
    """The settings of the page's application."""
    (code,) = PYTHON
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    (update,) = (call for call in calls if ast.unparse(call.func) == "app.conf.update")
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in update.keywords}


def order(number: int) -> int:
    """The page's task."""
    return number


def gathered(url: str, **settings: Any) -> Facts:
    """What the doctor gathers where an application has the page's settings, but for these."""
    with Celery("shop", broker=url, backend=url, set_as_current=False) as app:
        app.conf.update({**advised(), **settings})
        app.task(order, name="shop.order", shared=False)
        facts = gather(app, Where(environ={}))
        app.backend.client.close()
    # Celery gives an application the tasks of all others of its process, which are those of other tests here.
    own = [task for task in facts.conf.tasks if task.name == "shop.order"]
    return replace(facts, conf=replace(facts.conf, tasks=own))


def on_settings(facts: Facts) -> list[Finding]:
    """What the doctor has against settings."""
    bad = [finding for finding in judged(facts) if finding.level in {Level.WARNING, Level.PROBLEM}]
    return [finding for finding in bad if finding.what.startswith(ON_SETTINGS)]


def text(findings: list[Finding]) -> str:
    """The findings as the doctor shows them in a terminal of the page's width, without their number below."""
    return click.unstyle(report(findings, WIDTH)).rpartition("\n\n")[0] + "\n"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker without workers."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


def test_the_page_is_about_the_guides_settings() -> None:
    """Its application has all six, and each has a heading."""
    assert set(SETTINGS) <= set(advised())
    assert list(SETTINGS) == re.findall(r"^## (\w+)$", PAGE, re.MULTILINE)


def test_with_the_advice_followed_the_doctor_has_nothing_against_the_settings(url: str) -> None:
    """The page's own configuration passes."""
    assert [] == on_settings(gathered(url))


@pytest.mark.parametrize(
    ("setting", "changed"),
    [
        ("task_track_started", {"task_track_started": False}),
        ("task_time_limit", {"task_time_limit": 7200, "broker_transport_options": {}}),
        ("task_acks_late", {"task_reject_on_worker_lost": False}),
    ],
    ids=["task_track_started", "task_time_limit", "task_acks_late"],
)
def test_against_the_advice_the_doctor_says_what_is_quoted(url: str, setting: str, changed: dict[str, Any]) -> None:
    """Each change brings the words that the page quotes, and no others."""
    assert QUOTES[setting] == text(on_settings(gathered(url, **changed)))


@pytest.mark.parametrize("setting", ["task_soft_time_limit", "worker_max_tasks_per_child"])
def test_of_two_settings_the_doctor_says_nothing(url: str, setting: str) -> None:
    """With or without them."""
    assert [] == on_settings(gathered(url, **{setting: None}))


def test_of_tasks_that_wait_behind_a_long_one_the_doctor_says_what_is_quoted(shop: Shop, tmp_path: Path) -> None:
    """A real worker holds one task back, seen when those that it runs have done so for a minute and a half."""
    door = tmp_path / "door"
    worker = shop.worker("celery")
    with Celery("client", broker=shop.url, set_as_current=False) as client:
        for _ in range(3):
            client.send_task("tests.integration.commands.application.order", [str(door)])

    def facts() -> Facts:
        found = gathered(shop.url, **QUICK)
        begun = [task.time_start for worker in found.workers for task in worker.tasks if task.time_start]
        return replace(found, now=min(begun, default=found.now) + 90)

    found = wait_until(lambda: on_settings(facts()), deadline=30, message="the doctor has nothing against it")
    door.touch()
    anywhere = [replace(finding, what=finding.what.replace(worker.node_name, "celery@host")) for finding in found]
    assert QUOTES["worker_prefetch_multiplier"] == text(anywhere)
