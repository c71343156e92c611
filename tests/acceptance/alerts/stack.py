"""All that alerts are made of, running: broker, collector, Prometheus with rules, Alertmanager, the API, a producer."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from celery import Celery

from celery_otel_pipeline.alertmanager import AlertmanagerServer
from celery_otel_pipeline.beat import CeleryBeat
from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.notifications import NotificationReceiver
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.prometheus import PrometheusServer
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.rules import Changes, write_rules
from celery_otel_pipeline.worker import CeleryWorker
from tests.acceptance.alerts.api_server import ApiServer
from tests.without_spans import instrumented

ROOT = Path(__file__).parents[3]
APPLICATION = "tests.acceptance.alerts.application:app"
#: How often everybody exports, in milliseconds.
EXPORT_INTERVAL = "1000"
#: After how long the collector drops a series that nobody sends: fifteen exports.
EXPIRATION = "15s"
#: Causes come in one moment with their consequences: waiting a little is what lets the one inhibit the other.
WAITS = {"group_wait": "3s", "group_interval": "1s", "repeat_interval": "1h"}
#: Seconds that a process may take to be seen.
PATIENCE = 60.0


class Stack:
    """The servers, with the rules of this repository of which windows, thresholds and `for` are shortened.

    Args:
        directory: Where all of them keep data and logs.
        changes: What is shortened, as `write_rules` takes it.
        queues: Queues that the API watches whoever consumes them.
        collector: More of the collector's arguments.
    """

    def __init__(self, directory: Path, changes: Changes, *, queues: Sequence[str] = (), **collector: Any) -> None:
        self.directory = directory
        self.redis = RedisServer(directory)
        self.collector = Collector(directory, **{"metric_expiration": EXPIRATION, **collector})
        self.receiver = NotificationReceiver()
        self.alertmanager = AlertmanagerServer(directory, receiver_url=self.receiver.url, waits=WAITS)
        rules = directory / "rules"
        write_rules(rules, changes)
        self.prometheus = PrometheusServer(
            directory,
            targets={
                "celery_workers": self.collector.metrics_target,
                "otel_collector": self.collector.telemetry_target,
            },
            rules=rules,
            alertmanager=self.alertmanager.target,
            # Else an alert that is over without a word, as when Prometheus dies, is held for minutes.
            arguments=["--rules.alert.resend-delay=1s"],
        )
        env = {"CELERY_OTEL_API_QUEUES": ",".join(queues), "CELERY_OTEL_API_REFRESH_INTERVAL": "1"}
        self.api = ApiServer(app=APPLICATION, directory=directory, env={**self.environment(), **env}, cwd=ROOT)
        self._stack = ExitStack()

    def environment(self, **settings: Any) -> dict[str, str]:
        """What every process of Celery finds in its environment.

        Args:
            settings: More of Celery's settings.
        """
        return {
            "FAULTS_SETTINGS": json.dumps({"broker_url": self.redis.url, **settings}),
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.otlp_http_endpoint,
            "OTEL_METRIC_EXPORT_INTERVAL": EXPORT_INTERVAL,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("", "instrumentation", "api", "collector")),
        }

    def worker(
        self,
        name: str,
        *queues: str,
        pool: str = "threads",
        concurrency: int = 1,
        arguments: Sequence[str] = (),
        settings: Mapping[str, Any] | None = None,
        **env: str,
    ) -> CeleryWorker:
        """A worker, not started, which is killed at the end of the module."""
        worker = CeleryWorker(
            name,
            app=APPLICATION,
            broker_url=self.redis.url,
            directory=self.directory,
            pool=pool,
            concurrency=concurrency,
            queues=queues,
            env={**self.environment(**(settings or {})), **env},
            arguments=arguments,
            cwd=ROOT,
        )
        self._stack.callback(worker.kill)
        return worker

    def beat(self, **settings: Any) -> CeleryBeat:
        """Beat, not started, with more of Celery's settings."""
        beat = CeleryBeat(
            "beat",
            app=APPLICATION,
            broker_url=self.redis.url,
            directory=self.directory,
            env=self.environment(**settings),
            cwd=ROOT,
        )
        self._stack.callback(beat.kill)
        return beat

    def send(self, task: str, *arguments: object, times: int = 1, **options: Any) -> None:
        """Publish a task by the last part of its name, so many times."""
        for _ in range(times):
            self.producer.send_task(f"faults.{task}", arguments, **options)

    def value(self, expr: str) -> float | None:
        """The one value of a PromQL expression now; None where there is none."""
        samples = self.prometheus.query(expr)
        return samples[0].value if samples else None

    def shows(self, expr: str, value: float) -> None:
        """Wait until a PromQL expression has a value."""
        wait_until(
            lambda: self.value(expr) == value,
            deadline=PATIENCE,
            message=lambda: f"{expr} is to be {value:g} and is {self.value(expr)}",
        )

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            # Nobody else would: a context manager that fails to enter is never left.
            self._stack.close()
            raise
        return self

    def _open(self) -> None:
        for server in (self.redis, self.receiver, self.collector, self.alertmanager, self.api):
            self._stack.enter_context(server)
        # Last: at its first look nothing is missing.
        wait_until(self._api_is_seen, deadline=PATIENCE, message="the API's series do not reach the collector")
        self._stack.enter_context(self.prometheus)
        self.producer = self._stack.enter_context(_producer(self.redis.url))

    def _api_is_seen(self) -> bool:
        return "\ncelery_broker_up{" in fetch(self.collector.metrics_url)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


@contextmanager
def _producer(broker_url: str) -> Iterator[Celery]:
    """An application that only sends, instrumented as a web application's is."""
    app = Celery("faults-producer", broker=broker_url, set_as_current=False)
    app.conf.task_ignore_result = True
    with app, instrumented(app):
        yield app
