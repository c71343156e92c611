"""Clusters that are made up, healthy unless told otherwise."""

from dataclasses import replace
from typing import Any

from celery_otel.broker import QueueLength
from celery_otel.doctor.facts import Conf, Facts, Page, Reached, Reply, WorkerSeries
from celery_otel.doctor.finding import Finding, Level
from celery_otel.inspection import HeldTask, WorkerAnswer

NOW = 1_764_000_000.0
NAME = "celery@one"
VERSIONS = {"celery": "5.7.0", "celery-otel": "0.1.0"}


def worker(name: str = NAME, **told: Any) -> WorkerAnswer:
    """A worker to which nothing is wrong."""
    about: dict[str, Any] = {
        "instrumented": True,
        "pool": "prefork",
        "max_concurrency": 4,
        "busy": 1,
        "prefetch_count": 2,
        "prefetch_limit": 16,
        "pid": 100,
        "uptime": 65.0,
        "queues": ("celery",),
        "versions": {**VERSIONS, "python": "3.13.1"},
        "remembers_revokes": True,
        "clock_difference": 0.01,
        "counts": {"active": 1, "reserved": 2, "scheduled": 0},
    }
    return WorkerAnswer(name, **{**about, **told})


def held(state: str = "active", **told: Any) -> HeldTask:
    """A task that the worker holds."""
    about: dict[str, Any] = {"worker": NAME, "task_id": "id-1", "task_name": "shop.order", "queue": "celery"}
    return HeldTask(state=state, **{**about, **told})


def page(*names: str, **told: Any) -> Page:
    """A page that shows these workers, all of which beat ten seconds ago."""
    series = [WorkerSeries(name, {"worker_name": name}, NOW - 10) for name in names]
    return replace(Page(Reached("http://localhost:8889/metrics"), series), **told)


def facts(**told: Any) -> Facts:
    """What is gathered of a cluster to which nothing is wrong."""
    about: dict[str, Any] = {
        "now": NOW,
        "versions": VERSIONS,
        "environ": {},
        "conf": Conf(visibility_timeout=3600.0),
        "broker": Reached("redis://localhost:6379/0", seconds=0.002),
        "backend": Reached("redis://localhost:6379/1", seconds=0.001),
        "replies": [Reply(NAME, 100, NAME)],
        "workers": [worker()],
        "queues": [QueueLength("celery", 3)],
        "collector": Reached("http://localhost:4318/v1/metrics", seconds=0.003, status=200),
        "collector_page": page(NAME),
        "prometheus": page(NAME, targets=("celery_workers at collector:8889",)),
    }
    return Facts(**{**about, **told})


def bad(findings: list[Finding]) -> list[tuple[Level, str, str]]:
    """The level, what and found of all that is not well."""
    return [(finding.level, finding.what, finding.found) for finding in findings if finding.level is not Level.OK]
