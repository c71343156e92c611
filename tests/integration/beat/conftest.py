"""One Redis for all tests here, and beats and workers that are stopped at the end of theirs."""

import json
import re
import shelve
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from celery_otel_pipeline.beat import CeleryBeat
from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker
from tests.integration.beat.journal import Journal, Line, missed

ROOT = Path(__file__).parents[3]
APPLICATION = "tests.integration.beat.application"
MISSED = "celery_beat_missed_total"
LAST_FIRE = "celery_beat_entry_last_fire_timestamp_seconds"
LAST_TICK = "celery_beat_last_tick_timestamp_seconds"
HOUR = 3600.0
LATE_BY_TWO = {"BEAT_LAST_RUN": str(3.5 * HOUR)}
"""An environment in which an entry that is due each hour runs once, at once, and missed two runs before."""
Timing = float | dict[str, str]


class Page:
    """A page of metrics.

    Args:
        url: Where it is served.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def port(self) -> int:
        """The port that it is served on."""
        return urlsplit(self._url).port or 0

    def labelled(self, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """The series with this name and at least these labels."""
        return [
            (sample.labels, sample.value)
            for sample in self._samples()
            if name == sample.name and labels.items() <= sample.labels.items()
        ]

    def value(self, name: str, **labels: str) -> float | None:
        """The value of the one series with these labels, None if there is none."""
        values = [value for _, value in self.labelled(name, **labels)]
        assert len(values) <= 1, f"{len(values)} series {name}{labels}"
        return values[0] if values else None

    def names(self) -> set[str]:
        """The names of all series."""
        return {sample.name for sample in self._samples()}

    def origins(self, pattern: str) -> set[str]:
        """The instances that have series whose names match, on a collector's page."""
        return {sample.labels["instance"] for sample in self._samples() if re.fullmatch(pattern, sample.name)}

    def _samples(self) -> list[Sample]:
        try:
            text = fetch(self._url)
        except OSError:
            # Nobody serves it yet, or any more.
            return []
        return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


class Scene:
    """Beats and workers of one application, with a queue and a journal of their own.

    Args:
        redis: The broker.
        directory: Where logs, schedules and journal go.
        queue: The queue.
    """

    def __init__(self, redis: RedisServer, directory: Path, queue: str) -> None:
        self.directory = directory
        self._redis = redis
        self._queue = queue
        self._journal = Journal(directory / "journal")
        self._stack = ExitStack()

    def beat(  # noqa: PLR0913  # what may differ between beats
        self,
        schedule: dict[str, Timing],
        *,
        name: str = "beat",
        app: str = APPLICATION,
        scheduler: str = f"{APPLICATION}:Scheduler",
        python: str = sys.executable,
        redis: RedisServer | None = None,
        env: dict[str, str] | None = None,
    ) -> tuple[CeleryBeat, Page]:
        """A beat, not started, and the page that it serves unless it exports otherwise.

        Args:
            schedule: The entries.
            name: Names its log and its schedule's file.
            app: The application.
            scheduler: The scheduler's class.
            python: The interpreter.
            redis: The broker, if it has its own.
            env: More of its environment.
        """
        port = free_port()
        beat = CeleryBeat(
            name,
            app=app,
            broker_url=(redis or self._redis).url,
            directory=self.directory,
            scheduler=scheduler,
            python=python,
            env={**self._environment(schedule), **prometheus(port), **(env or {})},
            cwd=ROOT,
        )
        self._stack.callback(beat.kill)
        return beat, page_on(port)

    def worker(
        self, schedule: dict[str, Timing] | None = None, *arguments: str, python: str = sys.executable, **env: str
    ) -> tuple[CeleryWorker, Page]:
        """A worker, not started, and the page that it serves unless it exports otherwise.

        Args:
            schedule: The entries of a beat that it embeds.
            arguments: More of its command line.
            python: The interpreter.
            env: More of its environment.
        """
        port = free_port()
        worker = CeleryWorker(
            self._queue,
            app=APPLICATION,
            broker_url=self._redis.url,
            directory=self.directory,
            concurrency=1,
            env={**self._environment(schedule or {}), **prometheus(port), **env},
            arguments=arguments,
            python=python,
            cwd=ROOT,
        )
        self._stack.callback(worker.kill)
        return worker, page_on(port)

    def runs(self, entry: str, *, sent: bool | None = None) -> list[Line]:
        """The runs of an entry over all lives of beat: all, those that were sent, or those that were not."""
        return [line for line in self._journal.lines(entry) if sent in {None, line.sent}]

    def wait_for_runs(self, entry: str, number: int, *, sent: bool | None = None) -> list[Line]:
        """Waits until there are so many runs, and returns them."""
        wait_until(
            lambda: len(self.runs(entry, sent=sent)) >= number,
            deadline=60,
            message=lambda: f"{entry} ran {len(self.runs(entry, sent=sent))} times, not {number}\n{self._logs}",
        )
        return self.runs(entry, sent=sent)

    def wait_for_agreement(self, page: Page, entry: str, *, life: int = 0) -> None:
        """Waits until a page says of an entry that is due each second what the scheduler's journal says.

        Args:
            page: Beat's page.
            entry: The entry.
            life: How many runs there were before this life of beat.
        """
        self.eventually(
            (True, True),
            lambda: (
                self.runs(entry, sent=True)[-1].at == page.value(LAST_FIRE, entry=entry),
                missed(self.runs(entry)[life:], 1.0) == page.value(MISSED, entry=entry),
            ),
        )

    def eventually(self, expected: object, read: Callable[[], object]) -> None:
        """Waits until something reads as expected.

        Raises:
            DeadlineError: It did not within half a minute; the message shows what it reads.
        """
        wait_until(
            lambda: read() == expected,
            deadline=30,
            message=lambda: f"expected {expected!r}, got {read()!r}\n{self._logs}",
        )

    def close(self) -> None:
        """Ends all."""
        self._stack.close()

    @property
    def _logs(self) -> str:
        return "\n".join(f"--- {path}\n{path.read_text()[-3000:]}" for path in self.directory.glob("*.log"))

    def _environment(self, schedule: dict[str, Timing]) -> dict[str, str]:
        journal = self.directory / "journal"
        return {"BEAT_SCHEDULE": json.dumps(schedule), "BEAT_JOURNAL": str(journal), "BEAT_QUEUE": self._queue}


def page_on(port: int) -> Page:
    """The page that a program serves on a port."""
    return Page(f"http://{LOOPBACK}:{port}/metrics")


def prometheus(port: int) -> dict[str, str]:
    """The environment of a program that serves its metrics itself."""
    return {
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_EXPORTER_PROMETHEUS_HOST": LOOPBACK,
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
    }


def otlp(endpoint: str, milliseconds: int = 200) -> dict[str, str]:
    """The environment of a program that exports to a collector."""
    return {
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_METRIC_EXPORT_INTERVAL": str(milliseconds),
    }


def remembered(schedule: Path, entry: str) -> float:
    """When an entry was last run, as the schedule's file of a beat that has stopped has it."""
    with shelve.open(str(schedule), flag="r") as store:  # noqa: S301  # beat's own file
        return float(store["entries"][entry].last_run_at.timestamp())


def backdate(schedule: Path, entry: str, ago: timedelta) -> None:
    """Makes the schedule's file of a beat that has stopped remember a run so long ago."""
    with shelve.open(str(schedule), writeback=True) as store:  # noqa: S301  # beat's own file
        store["entries"][entry].last_run_at = datetime.now(UTC) - ago
        store["entries"][entry].total_run_count = 1


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server, as broker."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


_numbers = count()


@pytest.fixture
def scene(redis: RedisServer, tmp_path: Path) -> Iterator[Scene]:
    """Beats and workers on the shared broker."""
    with ExitStack() as stack:
        scene = Scene(redis, tmp_path, f"scene{next(_numbers)}")
        stack.callback(scene.close)
        yield scene


@pytest.fixture(params=["current", "5.4"])
def python(request: pytest.FixtureRequest) -> str:
    """Interpreters with the newest and the oldest Celery."""
    if request.param == "current":
        return sys.executable
    return str(request.getfixturevalue("celery54"))
