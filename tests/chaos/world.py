"""What a state machine plays with: workers whose tasks are known by their ids, and what can befall them."""

import contextlib
import os
import signal
from contextlib import ExitStack
from pathlib import Path

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker
from tests.acceptance.ledger import span_plan
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.plan import Plan, total
from tests.acceptance.ledger.run import assert_balanced
from tests.acceptance.ledger.scene import Pipeline, Scene
from tests.acceptance.ledger.wire import Wire
from tests.chaos.recovery import answers, gives_up
from tests.chaos.result import Result
from tests.chaos.testimony import RECEIVED, Said, plan_of
from tests.chaos.witnessed_round import come_to_rest, given_back, said, unreturned, without_forgotten

#: What a child's birth and death right after each other make of these, the journal cannot tell.
UNPLANNABLE = frozenset({"celery_task_duplicates_total", "celery_worker_child_restarts_total"})
#: Tasks that end once, and whose arguments these are.
TASKS: dict[str, tuple[int, ...]] = {
    "ledger.success": (1,),
    "ledger.nothing": (),
    "ledger.failure": (),
    "ledger.throws": (),
    "ledger.ignore": (),
    "ledger.reject": (),
}
#: How long workers may take to recover, in seconds.
PATIENCE = 120.0
_NOT_THERE = {"PENDING", "STARTED"}


class World:
    """A broker, two workers, and the ids of all tasks that were sent to them.

    Early ack: what a worker has begun to run is not delivered again, so each task ends once, however.

    Args:
        pipeline: Where the workers export to.
        directory: For logs and data.
        name: Of the queue, and of the job.
    """

    def __init__(self, pipeline: Pipeline, directory: Path, name: str) -> None:
        self._pipeline = pipeline
        self._sent: dict[str, str] = {}
        self._stack = ExitStack()
        with ExitStack() as starting:
            broker = starting.enter_context(RedisServer(directory / "broker"))
            self._wire = starting.enter_context(Wire(broker.url))
            self.scene = starting.enter_context(self._scene(directory / "scene", name, broker.url))
            self.scene.start_workers()
            self._stack = starting.pop_all()
        # So that there is something to compare in every walk.
        self.publish("ledger.success", 20)

    def _scene(self, directory: Path, name: str, broker_url: str) -> Scene:
        return Scene(
            self._pipeline,
            Conditions(queue=name),
            directory,
            broker_url=broker_url,
            wire_url=self._wire.url,
            unplannable=UNPLANNABLE,
        )

    @property
    def workers(self) -> tuple[CeleryWorker, CeleryWorker]:
        """Both workers."""
        return self.scene.first, self.scene.second

    def publish(self, task: str, number: int) -> None:
        """Send so many of a task."""
        self._sent |= {self.scene.stage.send(task, *TASKS[task]): task for _ in range(number)}

    def kill_child(self, which: int, nth: int) -> None:
        """SIGKILL one child of a worker, whatever it does."""
        # One that is on its way out, or not there yet, is no one's business.
        with contextlib.suppress(ProcessLookupError, IndexError):
            os.kill(self.workers[which].children[nth], signal.SIGKILL)

    def cut_connections(self) -> None:
        """Break every connection of both workers to the broker, and return when they have new ones."""
        self._wire.cut()
        for worker in self.workers:
            self._await_connection(worker)

    def restart(self, which: int) -> None:
        """Stop a worker in an orderly way, and start it again."""
        worker = self.workers[which]
        worker.warm_stop()
        self._start_again(worker)

    def kill_collector(self) -> None:
        """SIGKILL the collector, and start it again."""
        self._pipeline.collector.kill()
        self._pipeline.collector.start()

    def compared(self) -> Result:
        """Let all come to rest, and hold every series and span against what became of each task.

        Raises:
            AssertionError: A number is not as it must be.
        """
        come_to_rest(self.scene)
        lines = [*self._receipts(), *self._ends()]
        reading, plan = self.scene.settled(lambda: self._plan(lines))
        assert_balanced(self.scene, reading, plan)
        heard = without_forgotten(lines, reading)
        assert {} == unreturned(heard, reading), "by task: received, but neither ended nor given back"
        forgotten = len(lines) - len(heard)
        return Result(len(self._receipts()), len(plan), span_plan.spans_of(plan).total(), forgotten=forgotten)

    def close(self) -> None:
        """End everything but the pipeline."""
        self._stack.close()

    def _await_connection(self, worker: CeleryWorker) -> None:
        wait_until(
            lambda: gives_up(worker) or answers(self.scene, worker),
            deadline=PATIENCE,
            message=lambda: f"{worker.node_name} does not connect again\n{worker.process.log_tail}",
        )
        if gives_up(worker):
            worker.process.wait(PATIENCE)
            self._start_again(worker)

    def _start_again(self, worker: CeleryWorker) -> None:
        # One that is back before the next scrape hides what it had counted since the last one, and so does a collector
        # that is killed before the new life's first values have been scraped: docs/reliability.md.
        self._pipeline.wait_for_scrapes(2)
        worker.start()
        self._pipeline.wait_for_scrapes(2)

    def _ends(self) -> list[Said]:
        """How each task ended: as its child logged it, or as MAIN found that the child was lost, says the backend."""
        logged: dict[str, list[Said]] = {}
        for line in said(self.scene):
            if line.what != RECEIVED:
                logged.setdefault(line.task_id, []).append(line)
        return [end for task_id in self._sent for end in self._ended(task_id, logged.get(task_id, []))]

    def _ended(self, task_id: str, logged: list[Said]) -> list[Said]:
        if len(logged) > 1:
            return logged
        meta = self.scene.producer.backend.get_task_meta(task_id, cache=False)
        if type(meta["result"]).__name__ == "WorkerLostError":
            return [Said(0.0, self._sent[task_id], task_id, "failure", "worker_lost")]
        if logged or meta["status"] in _NOT_THERE:
            return logged
        # Killed between the result and the line that tells of it.
        return [Said(0.0, self._sent[task_id], task_id, "success", "")]

    def _plan(self, lines: list[Said]) -> Plan:
        heard = without_forgotten(lines, self.scene.reading())
        return total(plan_of(heard, self.scene.conditions.queue), given_back(self.scene))

    def _receipts(self) -> list[Said]:
        return [line for line in said(self.scene) if line.what == RECEIVED]
