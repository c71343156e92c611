"""Where a round takes place: the scene, and the servers and tools that only some events need beside it."""

from contextlib import ExitStack
from enum import Enum
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from celery_otel_pipeline.jaeger import JaegerServer
from celery_otel_pipeline.redis import RedisServer
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.scene import Pipeline, Scene
from tests.acceptance.ledger.wire import Wire
from tests.chaos.memory_limit import MemoryLimit
from tests.chaos.namespace import Namespace
from tests.chaos.small_disk import SmallDisk
from tests.chaos.stepped_clock import SteppedClock

#: What is swallowed costs its sender this patience, in seconds; by default ten.
PATIENCE = {"OTEL_EXPORTER_OTLP_TIMEOUT": "2"}
#: How often Prometheus scrapes: time enough for a scrape while servers start and die on a small machine.
SCRAPES = "3s"
#: Every span goes the way that keeps all, past the tail sampling.
KEEP_ALL = {"KEEP_TASKS": ".*"}
#: Whether a second delivery of a running task starts after its first has ended is up to the children.
SECOND_STARTS = frozenset({"celery_task_duplicates_total"})


class Need(Enum):
    """What an event may need beside the scene."""

    JAEGER = "a Jaeger that is sent every span"
    DISK = "a small disk under the collector's queue"
    NETWORK = "a network of its own between workers and collector"
    CLOCK = "a clock of the workers' own"
    MEMORY = "a limit of memory for one process"
    BROKER = "a broker of its own, behind a wire that can be cut"


class Place:
    """Everything that a round starts.

    Args:
        directory: For the data and logs of all servers.
        conditions: How the workers run.
        needs: What the events need.
        state: Whether the workers keep their counts on the disk (`CELERY_OTEL_STATE_DIRECTORY`).
    """

    def __init__(self, directory: Path, conditions: Conditions, needs: frozenset[Need], *, state: bool = False) -> None:
        self.directory = directory
        self.conditions = conditions
        self.state = state
        #: Each SIGKILL of a MAIN: which node, and when (Unix time).
        self.kills: list[tuple[str, float]] = []
        #: How often a worker has been started again, for whatever reason it had ended.
        self.restarts = 0
        self._needs = needs

    @cached_property
    def jaeger(self) -> JaegerServer:
        """Where the collector sends every span."""
        return JaegerServer(self.directory / "jaeger")

    @cached_property
    def disk(self) -> SmallDisk:
        """What the collector's queue is on."""
        return SmallDisk(self.directory / "pipeline" / "queue")

    @cached_property
    def network(self) -> Namespace:
        """What lies between workers and collector."""
        return Namespace()

    @cached_property
    def clock(self) -> SteppedClock:
        """What the workers take for the time."""
        return SteppedClock(self.directory / "clock")

    @cached_property
    def memory(self) -> MemoryLimit:
        """What a process is put into that is to run out of memory."""
        return MemoryLimit()

    @cached_property
    def broker(self) -> RedisServer:
        """The broker, which keeps its messages over a SIGKILL: each command is in its file before it is answered."""
        return RedisServer(self.directory / "broker")

    @cached_property
    def wire(self) -> Wire:
        """How the workers reach the broker."""
        return Wire(self.broker.url)

    @cached_property
    def pipeline(self) -> Pipeline:
        """Collector, Prometheus and tap."""
        directory = self.directory / "pipeline"
        if Need.JAEGER not in self._needs:
            return Pipeline(directory, scrape_interval=SCRAPES)
        return Pipeline(directory, scrape_interval=SCRAPES, jaeger=self.jaeger.otlp_target, settings=KEEP_ALL)

    @cached_property
    def scene(self) -> Scene:
        """The workers; not started."""
        own = Need.BROKER in self._needs
        return Scene(
            self.pipeline,
            self.conditions,
            self.directory / "scene",
            broker_url=self.broker.url if own else "",
            wire_url=self.wire.url if own else "",
            env=self._environment(),
            unplannable=SECOND_STARTS if own else frozenset(),
        )

    def _environment(self) -> dict[str, str]:
        env = dict(PATIENCE)
        if Need.CLOCK in self._needs:
            env |= self.clock.environment
        if Need.NETWORK in self._needs:
            env["OTEL_EXPORTER_OTLP_ENDPOINT"] = self._far_tap.url
        if self.state:
            env["CELERY_OTEL_STATE_DIRECTORY"] = str(self.directory / "state")
        return env

    @cached_property
    def _far_tap(self) -> Wire:
        """The tap as it is seen from the far end of the network."""
        return Wire(self.pipeline.tap.endpoint, self.network.listener())

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._enter_before(starting)
            starting.enter_context(self.pipeline)
            if Need.NETWORK in self._needs:
                starting.enter_context(self.network)
                starting.enter_context(self._far_tap)
            starting.enter_context(self.scene)
            self._stack = starting.pop_all()
        return self

    def _enter_before(self, starting: ExitStack) -> None:
        """What the pipeline and the scene find ready."""
        if Need.JAEGER in self._needs:
            starting.enter_context(self.jaeger)
        if Need.DISK in self._needs:
            starting.enter_context(self.disk)
        if Need.BROKER in self._needs:
            starting.enter_context(self.broker)
            starting.enter_context(self.wire)
        if Need.MEMORY in self._needs:
            starting.enter_context(self.memory)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def missing(need: Need) -> str:
    """Why this machine has not got it; empty if it has."""
    tools = {
        Need.DISK: SmallDisk.missing,
        Need.NETWORK: Namespace.missing,
        Need.CLOCK: SteppedClock.missing,
        Need.MEMORY: MemoryLimit.missing,
    }
    return tools[need]() if need in tools else ""
