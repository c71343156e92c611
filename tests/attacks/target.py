"""A worker that is attacked through its broker: messages are written into the queue as no publisher would."""

import copy
import json
import math
import uuid
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import psutil
from celery import Celery
from celery.exceptions import TimeoutError as NoResultError
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from celery_otel_pipeline.fetching import fetch, is_reachable
from celery_otel_pipeline.otlp_sink import OtlpSink
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker

ROOT = Path(__file__).parents[2]
Envelope = dict[str, Any]
ACCOUNTED = (
    "celery_task_total",
    "celery_task_returned_total",
    "celery_active_tasks",
    "celery_worker_prefetch_count",
)
OUR_LOGGERS = ("celery_otel", "opentelemetry", "urllib3", "requests", "grpc")
MEGABYTE = 1_000_000
PATIENCE = 60.0


class Target:
    """A prefork worker, instrumented unless it is bare, that serves its own metrics and sends its spans to a sink.

    Args:
        broker: Broker and result backend, which is emptied now and then.
        directory: Where the log goes.
        name: Names its node, its queue and its log.
        bare: Whether the product is left out.
        env: More of its environment.
    """

    def __init__(self, broker: RedisServer, directory: Path, name: str, *, bare: bool = False, **env: str) -> None:
        port = free_port()
        self.queue = name
        self._metrics_url = f"http://{LOOPBACK}:{port}/metrics"
        self._client = Celery("attacker", broker=broker.url, backend=broker.url, set_as_current=False)
        self._redis = Redis.from_url(broker.url)
        self.sink = OtlpSink()
        self.worker = CeleryWorker(
            name,
            app="tests.attacks.application:app",
            broker_url=broker.url,
            directory=directory,
            concurrency=2,
            queues=[name],
            env={
                "ATTACK_BACKEND": broker.url,
                "OTEL_METRICS_EXPORTER": "prometheus",
                "OTEL_EXPORTER_PROMETHEUS_HOST": LOOPBACK,
                "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
                "OTEL_EXPORTER_OTLP_ENDPOINT": self.sink.endpoint,
                "OTEL_BSP_SCHEDULE_DELAY": "200",
                **({"ATTACK_BARE": "1"} if bare else {}),
                **env,
            },
            arguments=("--without-gossip",),
            cwd=ROOT,
        )
        self._bare = bare

    def message(self, task: str = "attack.echo", *arguments: object) -> Envelope:
        """A message as Celery writes it, not sent."""
        elsewhere = f"{self.queue}.template"
        self._client.send_task(task, arguments, queue=elsewhere)
        (raw,) = self._redis.lrange(elsewhere, 0, 0)
        self._redis.delete(elsewhere)
        found: Envelope = json.loads(raw)
        found["properties"]["delivery_info"] = {"exchange": "", "routing_key": self.queue}
        return found

    def copies(self, template: Envelope, number: int) -> list[Envelope]:
        """So many messages like this one, each with ids of its own."""
        found = []
        for _ in range(number):
            one = copy.deepcopy(template)
            one["headers"]["id"] = one["properties"]["correlation_id"] = str(uuid.uuid4())
            one["properties"]["delivery_tag"] = str(uuid.uuid4())
            found.append(one)
        return found

    def push(self, *messages: Envelope) -> None:
        """Writes messages into the queue, the first first."""
        self._redis.lpush(self.queue, *map(json.dumps, messages))

    def run(self, task: str, *arguments: object, timeout: float = PATIENCE) -> Any:
        """The result of a task that is sent as it should be; what it raises is a result too."""
        return self._client.send_task(task, arguments, queue=self.queue).get(timeout=timeout, propagate=False)

    def works(self) -> bool:
        """Whether a task that is sent now completes, and the worker lives; waits for either."""
        sent = self._client.send_task("attack.echo", [7], queue=self.queue)
        for _ in range(int(PATIENCE)):
            if not self.worker.alive:
                return False
            try:
                return bool(sent.get(timeout=1) == 7)
            except NoResultError:
                continue
        return False

    def restart(self) -> None:
        """Begins anew: with an empty broker."""
        self.worker.kill()
        self._redis.flushall()
        self.start()

    def start(self) -> None:
        """Starts the worker, and waits until it serves its metrics."""
        self.worker.start()
        if not self._bare:
            wait_until(
                lambda: is_reachable(self._metrics_url), deadline=PATIENCE, message=lambda: self.worker.process.log_tail
            )

    def samples(self) -> Mapping[str, float]:
        """The values of the page that the worker serves, summed by name; the page is one reading, and balances."""
        found: defaultdict[str, float] = defaultdict(float)
        for family in text_string_to_metric_families(fetch(self._metrics_url)):
            for sample in family.samples:
                found[sample.name] += sample.value
        return found

    def series(self) -> int:
        """How many series the page has."""
        return sum(len(family.samples) for family in text_string_to_metric_families(fetch(self._metrics_url)))

    def imbalance(self) -> str:
        """What does not balance; empty if everything received is accounted for, and every number is one."""
        samples = self.samples()
        received, accounted = samples["celery_task_received_total"], sum(samples[name] for name in ACCOUNTED)
        odd = [name for name, value in samples.items() if not math.isfinite(value)]
        if received != accounted:
            return f"received {received:g} != accounted {accounted:g}"
        return f"{odd} are no numbers" if odd else ""

    @property
    def lines(self) -> list[str]:
        """What we, and the libraries that we use, have logged since the last start, warnings and worse."""
        return [line for line in self.worker.process.log_since_start.splitlines() if _is_ours(line)]

    @property
    def memory(self) -> float:
        """Private memory of MAIN in megabytes."""
        return psutil.Process(self.worker.pid).memory_full_info().uss / MEGABYTE

    def __enter__(self) -> Self:
        self.sink.__enter__()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.kill()
        self.sink.__exit__(None, None, None)
        self._redis.close()
        self._client.close()


def _is_ours(line: str) -> bool:
    head, _, rest = line.partition("] ")
    return line.startswith("[") and ("WARNING" in head or "ERROR" in head) and rest.startswith(OUR_LOGGERS)


def altered(message: Envelope, place: str, value: Any) -> Envelope:
    """A message with one header, or one property, of this value."""
    path = place.split(".")
    owner = message["headers"]
    if path[0] in {"correlation_id", "reply_to", "priority", "delivery_info"}:
        owner = message["properties"]
    for part in path[:-1]:
        owner = owner[part]
    owner[path[-1]] = value
    return message
