"""The processes of the shop, and what is asked of them and of Jaeger."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from celery import Celery
from celery.result import AsyncResult

from celery_otel_pipeline.beat import CeleryBeat
from celery_otel_pipeline.environment import child_environment
from celery_otel_pipeline.jaeger import JaegerServer
from celery_otel_pipeline.polling import DeadlineError, wait_until
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.spans import Span, Trace
from celery_otel_pipeline.worker import CeleryWorker

ROOT = Path(__file__).parents[3]
APPLICATION = "tests.acceptance.traced.application:app"
PATIENCE = 60.0
"""How long a span may take into Jaeger on a busy machine, in seconds: a bound, never an expectation."""
_numbers = count()


@dataclass(frozen=True)
class Visit:
    """One request to the web server: its trace, its span, and the task that it published."""

    trace_id: str
    span_id: str
    task_id: str


class Shop:
    """A queue of its own, with the workers, web servers and beats of one test or module.

    Args:
        redis: Broker and result backend.
        endpoint: Where spans and metrics go.
        jaeger: Where they end; None where the endpoint leads elsewhere.
        directory: Where logs go.
        broker_url: A broker other than that Redis.
    """

    def __init__(
        self, redis: RedisServer, endpoint: str, jaeger: JaegerServer | None, directory: Path, broker_url: str = ""
    ) -> None:
        self.queue = f"shop{next(_numbers)}"
        self._broker_url = broker_url or redis.url
        self._backend_url = redis.url
        self._endpoint = endpoint
        self._jaeger = jaeger
        self._directory = directory
        self._stack = ExitStack()
        self.client = Celery("client", broker=self._broker_url, backend=redis.url, set_as_current=False)

    def environment(self, **env: str) -> dict[str, str]:
        """The environment of each process."""
        return {
            "SHOP_URL": self._broker_url,
            "CELERY_RESULT_BACKEND": self._backend_url,
            "SHOP_QUEUE": self.queue,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self._endpoint,
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "PYTHONPATH": str(ROOT),
            **env,
        }

    def worker(self, *arguments: str, pool: str = "prefork", **env: str) -> CeleryWorker:
        """A started worker with two slots."""
        worker = CeleryWorker(
            f"worker{next(_numbers)}",
            app=APPLICATION,
            broker_url=self._broker_url,
            directory=self._directory,
            pool=pool,
            concurrency=2,
            queues=[self.queue],
            arguments=arguments,
            env=self.environment(**env),
            cwd=ROOT,
        )
        worker.start()
        self._stack.callback(worker.kill)
        # It says so when the worker does not end in time: what that had to export would be missing.
        self._stack.callback(worker.warm_stop)
        return worker

    def beat(self, **env: str) -> CeleryBeat:
        """A started beat."""
        beat = CeleryBeat(
            f"beat{next(_numbers)}",
            app=APPLICATION,
            broker_url=self._broker_url,
            directory=self._directory,
            env=self.environment(**env),
            cwd=ROOT,
        )
        return self._stack.enter_context(beat)

    def visit(self, page: str, **env: str) -> Visit:
        """A request to a web server, which ends afterwards."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.acceptance.traced.web", page],
            env=child_environment(self.environment(**env)),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert 0 == done.returncode, done.stderr
        return Visit(**json.loads(done.stdout))

    def result(self, visit: Visit) -> Any:
        """What came of the task; an exception if that is what came of it."""
        return AsyncResult(visit.task_id, app=self.client).get(timeout=PATIENCE, propagate=False)

    def trace(self, trace_id: str, names: Sequence[str]) -> Trace:
        """The trace, once it has spans of exactly these names.

        Raises:
            DeadlineError: It had others after a minute.
        """
        expected = sorted(names)
        self._wait(lambda: sorted(_names(self._found(trace_id))) == expected, trace_id, expected)
        return self._found(trace_id)

    def only(self, trace_id: str, name: str, number: int = 1) -> list[Span]:
        """The spans of a trace that are so called, by their start, once there are so many.

        Raises:
            DeadlineError: There were others after a minute.
        """
        self._wait(lambda: _names(self._found(trace_id)).count(name) == number, trace_id, [name] * number)
        return [span for span in self._found(trace_id).spans if span.operation == name]

    def attempts(self, service: str, name: str, number: int, *, task_id: str = "") -> list[Span]:
        """The first spans of this queue that are so called, by their start, once there are so many.

        Args:
            service: Their service.
            name: Their name.
            number: How many.
            task_id: The task that they are of; empty for any.

        Raises:
            DeadlineError: There were fewer after a minute.
        """
        wanted = {"messaging.destination.name": self.queue, **({"messaging.message.id": task_id} if task_id else {})}

        def found() -> list[Span]:
            traces = self._server.search(service, operation=name, tags=wanted)
            spans = [span for trace in traces for span in trace.spans if span.operation == name]
            return sorted(spans, key=lambda span: span.start_ns)

        wait_until(
            lambda: len(found()) >= number,
            deadline=PATIENCE,
            message=lambda: f"{len(found())} of {number} {name}\n{self._logs()}",
            interval=0.3,
        )
        return found()[:number]

    def stop(self) -> None:
        """Stops the workers and beats: after it, all that they had to export has been exported."""
        self._stack.close()

    @property
    def _server(self) -> JaegerServer:
        assert self._jaeger is not None
        return self._jaeger

    def _found(self, trace_id: str) -> Trace:
        return self._server.trace(trace_id)

    def _wait(self, condition: Callable[[], bool], trace_id: str, expected: list[str]) -> None:
        try:
            wait_until(condition, deadline=PATIENCE, message="", interval=0.3)
        except DeadlineError:
            raise DeadlineError(f"expected {expected}, got {_names(self._found(trace_id))}\n{self._logs()}") from None

    def _logs(self) -> str:
        return "\n".join(path.read_text(errors="replace")[-3000:] for path in self._directory.glob("*.log"))

    def __enter__(self) -> Self:
        self._stack.enter_context(self.client)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def _names(trace: Trace) -> list[str]:
    return [span.operation for span in trace.spans]


def child_of(parent: Span, trace: Trace) -> Span:
    """The only child of a span."""
    (child,) = children_of(parent, trace)
    return child


def children_of(parent: Span, trace: Trace) -> list[Span]:
    """The children of a span, by their start."""
    return [span for span in trace.spans if span.parent_id == parent.span_id]
