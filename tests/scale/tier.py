"""Two agents, their gateways, a store behind them and Jaeger, each a process of its own."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.jaeger import JaegerServer
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import free_port
from celery_otel_pipeline.repository import GATEWAY_CONFIGURATION
from tests.acceptance.ledger.tap import ExportTap, Kept
from tests.scale.agent import Agent
from tests.scale.names import Names
from tests.scale.own_figures import figure, figures
from tests.scale.store import Store

_HERE = Path(__file__).parent
#: Addresses of this machine alone, one for each gateway, that differ as those of pods do.
ADDRESSES = ("127.0.77.1", "127.0.77.2", "127.0.77.3")
HEARTBEAT = "celery_worker_heartbeat_timestamp_seconds"
#: How long anything may take on a busy machine, in seconds.
PATIENCE = 120.0
_RECEIVED_POINTS = "otelcol_receiver_accepted_metric_points"
_WAITING = "otelcol_exporter_queue_size"
_KNOWN = "otelcol_loadbalancer_num_backends"
_DECIDING = "otelcol_processor_tail_sampling_sampling_traces_on_memory"


class Tier:
    """What stands between workers and the stores when one collector is not enough.

    It does all that a ledger's scene asks of a `Pipeline`.

    Args:
        directory: Where everything keeps its data and logs.
        store: Where metrics are written to.
        settings: Variables of the gateways, without `CELERY_OTEL_COLLECTOR_`.
        mark: What is merged into the gateways' configuration beside their own.

    Attributes:
        agents: One for each worker.
        gateways: Two that are there from the start, and a third that is not started.
        tap: In front of the first agent; what it remembers is what went by all of them.
    """

    def __init__(
        self,
        directory: Path,
        store: Store,
        *,
        settings: Mapping[str, str] | None = None,
        mark: Sequence[Path] = (_HERE / "mark_gateway.yaml",),
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._port = free_port()
        self.names = Names(directory / "hosts")
        self.prometheus = store
        self.jaeger = JaegerServer(directory / "jaeger")
        self._settings = {"REMOTE_WRITE_URL": store.write_url, **(settings or {})}
        self.gateways = [self._gateway(directory, number, mark) for number in (1, 2, 3)]
        self.agents = [self._agent(directory, number) for number in (1, 2)]
        kept = Kept()
        self.taps = [ExportTap(agent.otlp_http_endpoint, kept=kept) for agent in self.agents]
        self.tap = self.taps[0]

    def serve_by(self, *numbers: int) -> None:
        """From now on agents find these gateways, by their place in `gateways`."""
        self.names.point_to(ADDRESSES[number] for number in numbers)

    def is_known(self, number: int) -> bool:
        """Whether both agents have so many gateways, of which Go learns up to 5 s after the file of names changed."""
        return all(set(figures(agent.telemetry_target, _KNOWN)) == {float(number)} for agent in self.agents)

    def exports(self) -> int:
        """How many exports of metrics have come by so far, answered or not."""
        return sum(tap.delivered + tap.lost for tap in self.taps)

    def points_at(self, number: int) -> float:
        """How many metric points a gateway has taken since its start."""
        gateway = self.gateways[number]
        return figure(gateway.telemetry_target, _RECEIVED_POINTS) if gateway.alive else 0.0

    def busiest(self) -> int:
        """The place of that of the first two gateways which has taken more metric points."""
        return max((0, 1), key=self.points_at)

    def wait_for_scrapes(self, number: int = 3) -> None:
        """Return when the store has so many more exports of every worker."""
        before = self._samples()
        wanted = {worker: samples + number for worker, samples in before.items()}
        wait_until(
            lambda: all(self._samples().get(worker, 0) >= samples for worker, samples in wanted.items()),
            deadline=PATIENCE,
            message=lambda: f"the store has {self._samples()} samples by worker, not {wanted}",
        )

    def wait_until_sent(self) -> None:
        """Return when no agent and no gateway has anything that it would still send to Jaeger."""
        wait_until(
            lambda: not self._waiting(),
            deadline=PATIENCE,
            message=lambda: f"still on the way to Jaeger, bytes and traces by collector: {self._waiting()}",
        )

    def _waiting(self) -> dict[str, float]:
        held = {agent.process.name: figure(agent.telemetry_target, _WAITING) for agent in self.agents}
        for number, gateway in enumerate(self.gateways, 1):
            if gateway.alive:
                target = gateway.telemetry_target
                held[f"gateway-{number}"] = figure(target, _WAITING) + figure(target, _DECIDING)
        return {name: amount for name, amount in held.items() if amount}

    def _samples(self) -> dict[str, int]:
        return {one.labels["instance"]: len(one.points) for one in self.prometheus.series(HEARTBEAT)}

    def _gateway(self, directory: Path, number: int, mark: Sequence[Path]) -> Collector:
        place = {"GRPC_ENDPOINT": f"{ADDRESSES[number - 1]}:{self._port}", "TRIAL_NAME": f"gateway-{number}"}
        return Collector(
            directory / f"gateway-{number}",
            jaeger=self.jaeger.otlp_target,
            settings={**self._settings, **place},
            configurations=[GATEWAY_CONFIGURATION, *mark],
            tool="otelcol-scale",
        )

    def _agent(self, directory: Path, number: int) -> Agent:
        mark = [_HERE / "mark_agent.yaml"]
        return Agent(f"agent-{number}", directory, self.names, self._port, configurations=mark)

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self.prometheus.start()
            starting.callback(self.prometheus.stop)
            starting.enter_context(self.jaeger)
            for gateway in self.gateways[:2]:
                starting.enter_context(gateway)
            starting.callback(self.gateways[2].stop)
            self.serve_by(0, 1)
            for agent, tap in zip(self.agents, self.taps, strict=True):
                starting.enter_context(agent)
                starting.enter_context(tap)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()
