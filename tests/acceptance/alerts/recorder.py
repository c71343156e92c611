"""Looks again and again at what Prometheus fires and what Alertmanager holds, so that nothing passes unseen."""

import http.client
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self

from celery_otel_pipeline.alertmanager import AlertmanagerServer
from celery_otel_pipeline.fetching import FetchError, fetch
from celery_otel_pipeline.prometheus import PrometheusServer

#: Seconds between two looks; asking amtool takes some of the machine.
INTERVAL = 0.7
_SUBJECTS = ("task_name", "worker_name", "queue_name", "entry")


class Key(NamedTuple):
    """An alert of a rule: the rule's name, and which task, worker, queue or entry it is about, if any."""

    name: str
    subject: str = ""


def key(labels: Mapping[str, str]) -> Key:
    """Which alert has these labels."""
    return Key(labels["alertname"], next((labels[name] for name in _SUBJECTS if name in labels), ""))


@dataclass(frozen=True)
class Look:
    """What was there at one moment of the monotonic clock.

    Attributes:
        at: The moment.
        firing: What Prometheus fires.
        held: What Alertmanager holds and notifies.
        inhibited: What it holds and keeps quiet about.
    """

    at: float
    firing: frozenset[Key]
    held: frozenset[Key]
    inhibited: frozenset[Key]


class Recorder:
    """Looks on a thread of its own.

    Args:
        prometheus: Is asked by its API; one that is away fires nothing.
        alertmanager: Is asked by amtool.
    """

    def __init__(self, prometheus: PrometheusServer, alertmanager: AlertmanagerServer) -> None:
        self._prometheus = prometheus
        self._alertmanager = alertmanager
        self._looks: list[Look] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder")

    @property
    def looks(self) -> list[Look]:
        """All so far, oldest first."""
        return list(self._looks)

    def since(self, moment: float) -> list[Look]:
        """Those since a moment of the monotonic clock, oldest first."""
        return [look for look in self.looks if look.at >= moment]

    def _run(self) -> None:
        while not self._ending.wait(INTERVAL):
            self._looks.append(self._look())

    def _look(self) -> Look:
        now = time.monotonic()
        firing, alerts = self._firing(), self._alertmanager.alerts()
        return Look(
            now,
            firing,
            frozenset(key(alert.labels) for alert in alerts if not alert.inhibited),
            frozenset(key(alert.labels) for alert in alerts if alert.inhibited),
        )

    def _firing(self) -> frozenset[Key]:
        try:
            alerts = json.loads(fetch(f"{self._prometheus.url}/api/v1/alerts"))["data"]["alerts"]
        except (OSError, http.client.HTTPException, FetchError):
            # Away, or not ready yet.
            return frozenset()
        return frozenset(key(alert["labels"]) for alert in alerts if alert["state"] == "firing")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
