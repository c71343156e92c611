"""Workers are asked what they do, and all of them answer, instrumented or not."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from celery_otel.inspection import Inspection, WorkerAnswer
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker

ROOT = Path(__file__).parents[3]
QUIET = {"OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none"}
#: Longer than a test takes: the task still runs whenever somebody looks.
LONG = 300
POOLS = ("prefork", "threads", "gevent", "eventlet")


class Scene:
    """A broker, its workers, and one who asks them."""

    def __init__(self, broker: RedisServer, directory: Path, stack: ExitStack) -> None:
        self.client = Celery("client", broker=broker.url, set_as_current=False)
        self._broker_url = broker.url
        self._directory = directory
        self._stack = stack
        self._inspection = Inspection(self.client)
        self._since: dict[str, float] = {}

    def worker(self, name: str, *, pool: str = "prefork", **env: str) -> CeleryWorker:
        """A worker with two slots that consumes a queue of its name."""
        worker = CeleryWorker(
            name,
            app="tests.integration.inspection.application:app",
            broker_url=self._broker_url,
            directory=self._directory,
            pool=pool,
            concurrency=2,
            queues=[name],
            env={**QUIET, **env},
            cwd=ROOT,
        )
        worker.start()
        # Killed at the end: with a task that runs for long it would not stop by itself.
        self._stack.callback(worker.kill)
        return worker

    def send(self, queue: str, task: str = "shop.order", number: int = 1, **options: Any) -> list[str]:
        """Sends tasks to a worker; returns their ids."""
        return [self.client.send_task(task, queue=queue, **options).id for _ in range(number)]

    def ask(self, timeout: float = 2.0, expected: Collection[str] = ()) -> dict[str, WorkerAnswer]:
        """The answers by worker, only with what ended since the last question."""
        with self.client.connection_for_write() as connection:
            answers = self._inspection.ask(connection, timeout=timeout, expected=expected, since=self._since)
        for answer in answers:
            before = self._since.get(answer.name, 0.0)
            self._since[answer.name] = max((ended.ended_at for ended in answer.ended), default=before)
        return {answer.name.partition("@")[0]: answer for answer in answers}

    def wait_for(self, name: str, **counts: int) -> WorkerAnswer:
        """The answer of a worker, as soon as it holds so many tasks of each state."""
        found: list[WorkerAnswer] = []

        def holds() -> bool:
            # One that is busy may answer too late to be heard.
            found.extend(answer for worker, answer in self.ask().items() if worker == name)
            return bool(found) and counts == dict(found[-1].counts)

        told = lambda: [dict(answer.counts) for answer in found[-1:]]  # noqa: E731  # read again and again
        wait_until(holds, deadline=60, message=lambda: f"{told()} instead of {counts}")
        return found[-1]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A scene without workers."""
    with ExitStack() as stack:
        made = Scene(stack.enter_context(RedisServer(tmp_path)), tmp_path, stack)
        stack.callback(made.client.close)
        yield made


@pytest.mark.parametrize("pool", POOLS)
def test_an_instrumented_worker_tells_what_it_holds(pool: str, scene: Scene) -> None:
    """Slots, running, waiting and scheduled tasks are right on every pool that can answer while it works."""
    scene.worker("orders", pool=pool)
    # First: a consumer of greenlets takes no message while its slots are full.
    scene.send("orders", countdown=LONG)
    scene.send("orders", number=3, args=[LONG])
    answer = scene.wait_for("orders", active=2, reserved=1, scheduled=1)
    assert (True, pool, 2, 2, 2) == (
        answer.instrumented,
        answer.pool,
        answer.max_concurrency,
        answer.busy,
        answer.prefetch_count,
    )
    assert ("orders",) == answer.queues
    assert {"active": 2, "reserved": 1, "scheduled": 1} == answer.counts
    assert [True, True, False, False] == [task.time_start is not None for task in answer.tasks]
    assert [False, False, False, True] == [task.eta is not None for task in answer.tasks]
    assert (2 if pool == "prefork" else 0) == len({task.pid for task in answer.tasks if task.pid is not None})


def test_a_worker_that_is_not_instrumented_is_asked_by_celerys_commands(scene: Scene) -> None:
    """It tells the same, but for what only an instrumented worker knows, and nothing in its log complains."""
    bare = scene.worker("bare", BARE="1")
    scene.send("bare", number=3, args=[LONG])
    scene.send("bare", countdown=LONG)
    answer = scene.wait_for("bare", active=2, reserved=1, scheduled=1)
    assert (False, "prefork", 2, 2, 2, ("bare",)) == (
        answer.instrumented,
        answer.pool,
        answer.max_concurrency,
        answer.busy,
        answer.prefetch_count,
        answer.queues,
    )
    assert () == answer.ended
    assert "ERROR" not in bare.log


def test_what_has_ended_is_told_once(scene: Scene) -> None:
    """Attempts that ended are told with how they ended, each in one answer only."""
    scene.worker("orders")
    sent = [*scene.send("orders"), *scene.send("orders", "shop.refuse")]
    ended: dict[str, tuple[str, str]] = {}

    def all_ended() -> bool:
        told = [task for answer in scene.ask().values() for task in answer.ended]
        for task in told:
            assert task.task_id not in ended
            ended[task.task_id] = (task.status, task.error_type)
        return len(ended) == len(sent)

    wait_until(all_ended, deadline=60, message=lambda: str(ended))
    assert {sent[0]: ("success", ""), sent[1]: ("failure", "KeyError")} == ended


def test_all_kinds_answer_together_and_celerys_own_ping_is_as_ever(scene: Scene) -> None:
    """An instrumented worker and a bare one answer one question, and who pings them by Celery gets Celery's answer."""
    orders = scene.worker("orders")
    bare = scene.worker("bare", BARE="1")
    # A worker that says that it is ready hears on Redis a moment later.
    kinds = lambda: {name: answer.instrumented for name, answer in scene.ask(5.0).items()}  # noqa: E731  # asked again
    wait_until(lambda: kinds() == {"orders": True, "bare": False}, deadline=60, message="not both say what they are")
    # Longer than anybody would wait: the names that are expected end it.
    named = scene.ask(timeout=600.0, expected=[orders.node_name, bare.node_name])
    assert ["bare", "orders"] == sorted(named)
    pings = scene.client.control.inspect(timeout=10.0, limit=2).ping()
    assert [{"ok": "pong"}, {"ok": "pong"}] == list(pings.values())


def test_nobody_answers(scene: Scene) -> None:
    """Without workers there are no answers, and no error."""
    assert {} == scene.ask()
