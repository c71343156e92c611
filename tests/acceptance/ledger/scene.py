"""A run's surroundings: servers, two workers, and a producer, each under names that only this run uses."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.prometheus import PrometheusServer
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.samples import Series
from celery_otel_pipeline.worker import CeleryWorker, start_together
from tests.acceptance.ledger import span_plan
from tests.acceptance.ledger.balance import Reading, differences
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import Stage
from tests.acceptance.ledger.journal import Journal
from tests.acceptance.ledger.plan import Plan
from tests.acceptance.ledger.producer import producer
from tests.acceptance.ledger.tap import ExportTap

ROOT = Path(__file__).parents[3]
APPLICATION = "tests.acceptance.ledger.application:app"
#: How long numbers may take from a worker into Prometheus: an export, a scrape, and a busy machine, in seconds.
SETTLING = 25.0
#: How long some scrapes may take, of which a busy machine fails many for being late, in seconds.
SCRAPING = 90.0
#: How often an export fails is up to the machine and to when a server dies: the next one carries all of it. How many
#: spans were exported is compared with the spans themselves: see `span_differences`.
BEYOND_PLANNING = {"celery_otel_export_failures_total", "celery_otel_spans_exported_total"}


class Pipeline:
    """A collector, a Prometheus that scrapes it every second, and a tap that sees what reaches it.

    Not more often: a scrape may not take longer than the interval, and on a busy machine the collector needs more than
    half a second for a page of so many series, so that Prometheus would have none of them.

    Args:
        directory: Where both keep their data and logs.
        scrape_interval: How often Prometheus scrapes.
        collector: More of the collector's arguments.
    """

    def __init__(self, directory: Path, *, scrape_interval: str = "1s", **collector: Any) -> None:
        self.collector = Collector(directory, **collector)
        targets = {"celery_workers": self.collector.metrics_target}
        self.prometheus = PrometheusServer(directory, targets=targets, scrape_interval=scrape_interval)
        self.tap = ExportTap(self.collector.otlp_http_endpoint)

    def wait_for_scrapes(self, number: int = 3) -> None:
        """Return when so many more scrapes have succeeded: what was exported before is then visible."""
        before = self.scrapes()
        wait_until(lambda: self.scrapes() >= before + number, deadline=SCRAPING, message="Prometheus does not scrape")

    def scrapes(self) -> float:
        """How many scrapes have succeeded."""
        return sum(up for series in self._ups() for _, up in series.points)

    def _ups(self) -> list[Series]:
        # All that there ever were: a sum over a window stands still once that is full.
        return self.prometheus.series('up{job="celery_workers"}', window="1d")

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._stack.enter_context(self.collector)
        self._stack.enter_context(self.prometheus)
        self._stack.enter_context(self.tap)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


class Scene:
    """Two workers on one queue, each with a queue of its own beside it, and what is needed to drive and read them.

    Args:
        pipeline: Where the workers export to, and Prometheus.
        conditions: How the workers run.
        directory: Where logs and data go; its name makes the run's names.
        broker_url: A broker other than the run's own Redis.
        wire_url: How the workers reach the broker, if not directly as the producer does.
        arguments: More of the workers' command line.
        env: More of their environment.
        python: Their interpreter.
        unplannable: Counters of which only a run itself can tell how often they count.
        application: What the workers run, as `celery -A` takes it.
    """

    def __init__(  # noqa: PLR0913 - a run has these degrees of freedom
        self,
        pipeline: Pipeline,
        conditions: Conditions,
        directory: Path,
        *,
        broker_url: str = "",
        wire_url: str = "",
        arguments: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        python: str = sys.executable,
        unplannable: frozenset[str] = frozenset(),
        application: str = APPLICATION,
    ) -> None:
        self.pipeline = pipeline
        self.conditions = conditions
        self.directory = directory
        self.job = conditions.queue
        self.redis = RedisServer(directory)
        self.broker_url = broker_url or self.redis.url
        self._wire_url = wire_url or self.broker_url
        self._arguments = arguments
        self.env = dict(env or {})
        self._python = python
        self.unplannable = unplannable
        self._application = application
        #: How many children the two pools start with.
        self.first_children = 2 * conditions.slots

    def worker(self, name: str, *queues: str) -> CeleryWorker:
        """A worker of this run, not started, that consumes these queues."""
        return CeleryWorker(
            f"{name}-{self.conditions.queue}",
            app=self._application,
            broker_url=self._wire_url,
            directory=self.directory,
            pool=self.conditions.pool,
            concurrency=self.conditions.concurrency,
            queues=queues,
            env={**self.environment(), **self.of_worker(name)},
            arguments=self._arguments,
            python=self._python,
            cwd=ROOT,
            # Nothing of Celery is left out where every message is counted.
            mingle=True,
        )

    def environment(self) -> dict[str, str]:
        """What workers find in their environment."""
        return {
            "LEDGER_BROKER_URL": self._wire_url,
            "LEDGER_RESULT_BACKEND": self._database(1),
            "LEDGER_JOURNAL": self._database(2),
            "LEDGER_QUEUE": self.conditions.queue,
            "LEDGER_ACKS_LATE": "1" if self.conditions.acks_late else "0",
            "OTEL_SERVICE_NAME": self.job,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.pipeline.tap.endpoint,
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "instrumentation")]),
            **self.env,
        }

    def of_worker(self, name: str) -> dict[str, str]:
        """What one worker alone finds in its environment."""
        return {"LEDGER_WORKER": name}

    @property
    def tasks(self) -> list[str]:
        """The registered names of the application's own tasks."""
        return [name for name in self.producer.tasks if not name.startswith("celery.")]

    def reading(self) -> Reading:
        """What Prometheus has of this run now."""
        return Reading.of(self.pipeline.prometheus, self.job)

    def gauges(self, names: Mapping[str, str]) -> dict[str, dict[str, float]]:
        """The newest values of some gauges by worker; asked again and again, and therefore not all of a reading."""
        selector = f'{{__name__=~"{"|".join(names.values())}", job="{self.job}"}}'
        reading = Reading(self.pipeline.prometheus.series(selector), [])
        return {short: reading.latest(name) for short, name in names.items()}

    def comparable(self, reading: Reading) -> Plan:
        """What was counted, without the series that are beyond planning, here or everywhere."""
        beyond = self.unplannable | BEYOND_PLANNING
        return Plan({key: value for key, value in reading.totals().items() if key.metric not in beyond})

    def settled(self, plan: Callable[[], Plan]) -> tuple[Reading, Plan]:
        """What Prometheus has some exports after it and the spans have first shown the plan, or had time enough.

        So a number that is right for a moment and then too high is found out.

        Args:
            plan: What must be there; asked again while the numbers settle, since a part of the truth is still being
                made: Celery kills and replaces a child that has not reported within 4 s of its birth.

        Returns:
            The reading and the plan that it has to equal.
        """
        deadline = time.monotonic() + SETTLING
        while True:
            self._give_time(lambda: not differences(plan(), self.comparable(self.reading())))
            self._give_time(lambda: not self.span_differences(plan()))
            planned = plan()
            self.pipeline.wait_for_scrapes(3)
            reading = self.reading()
            if planned == plan() or time.monotonic() > deadline:
                return reading, planned

    def _give_time(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SETTLING
        while not condition() and time.monotonic() < deadline:
            self.pipeline.wait_for_scrapes(1)

    def span_differences(self, plan: Plan) -> list[str]:
        """What is not as planned in the spans that the collector has taken."""
        planned = span_plan.spans_of(plan)
        lines = span_plan.differences(planned, span_plan.found(self.pipeline.tap.spans(self.job)))
        said = self.reading().sum_of("celery_otel_spans_exported_total")
        counted = [f"celery_otel_spans_exported_total: {planned.total()} spans are planned, Prometheus {said:g}"]
        return lines + counted * (said != planned.total())

    def _database(self, number: int) -> str:
        return self.redis.url.removesuffix("/0") + f"/{number}"

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._stack.enter_context(self.redis)
        self.journal = Journal(self._database(2))
        self._stack.callback(self.journal.close)
        self.producer = self._stack.enter_context(producer(self.broker_url, self._database(1)))
        self.stage = Stage(self.producer, self.conditions, self.journal)
        self.first = self.worker("first", self.conditions.queue, self.conditions.queues[1])
        self.second = self.worker("second", self.conditions.queue, self.conditions.queues[2])
        return self

    def start_workers(self) -> None:
        """Start both workers."""
        self.start(self.first, self.second)

    def start(self, *workers: CeleryWorker) -> None:
        """Start workers, which are killed at the end of the run at the latest.

        By then everything has been compared, and one that Celery has lost a task of would not end by itself.
        """
        for worker in workers:
            self._stack.callback(worker.kill)
        start_together(workers)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
