"""All that was gathered, for the checks to judge: they ask nobody themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from celery_otel.broker import QueueLength
from celery_otel.inspection import WorkerAnswer


@dataclass(frozen=True, slots=True)
class Reached:
    """Whether something could be reached.

    Attributes:
        where: Its address, without a password; empty if there is none.
        error: Why not, in one line; empty if it could.
        seconds: How long it took.
        status: The HTTP status of its answer; 0 if it does not speak HTTP or did not answer.
    """

    where: str
    error: str = ""
    seconds: float = 0.0
    status: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer to a broadcast, before answers are put together by name.

    Attributes:
        name: The node name it came under.
        pid: Of the main process; None if it does not say.
        label: The label `worker_name` of its series; the node name if it does not say.
    """

    name: str
    pid: int | None
    label: str


@dataclass(frozen=True, slots=True)
class WorkerSeries:
    """A series of a worker, as somebody shows it.

    Attributes:
        worker: Its label `worker_name`.
        labels: All its labels.
        beat_at: When the worker's main process last beat, as a Unix time; None without that series.
    """

    worker: str
    labels: Mapping[str, str] = field(default_factory=dict)
    beat_at: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What is at the collector's or Prometheus's address.

    Attributes:
        reached: Whether anybody is there.
        series: The pool sizes that it shows.
        targets: What Prometheus scrapes those from, as `job at address`.
        scraped_every: Seconds between two scrapes of these, the longest; 0 where that is not known.
    """

    reached: Reached
    series: Sequence[WorkerSeries] = ()
    targets: Sequence[str] = ()
    scraped_every: float = 0.0


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """What one task has set for itself.

    Attributes:
        name: Its name.
        time_limit: Seconds after which it is killed; None for never.
        acks_late: Whether its message is acknowledged at its end.
        survives_loss: Whether it is run again when its process was killed.
    """

    name: str
    time_limit: float | None
    acks_late: bool
    survives_loss: bool


@dataclass(frozen=True, slots=True)
class Conf:
    """Settings of Celery here, where the doctor runs.

    Attributes:
        transport: The broker's kind, such as `redis`.
        visibility_timeout: Seconds after which an unacknowledged message is delivered again; None where it never is.
        has_backend: Whether there is a result backend.
        ignore_result: `task_ignore_result`.
        track_started: `task_track_started`.
        send_task_events: `worker_send_task_events`.
        prefetch_multiplier: `worker_prefetch_multiplier`.
        tasks: What each task has set.
    """

    transport: str = "redis"
    visibility_timeout: float | None = None
    has_backend: bool = True
    ignore_result: bool = False
    track_started: bool = True
    send_task_events: bool = False
    prefetch_multiplier: int = 1
    tasks: Sequence[TaskSettings] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything.

    Attributes:
        now: The Unix time here, when the workers had answered.
        versions: Of `celery` and `celery-otel` here.
        environ: The environment here.
        conf: Celery's settings here.
        modules_error: Why the tasks' modules could not be imported; empty if they could.
        broker: The broker.
        backend: The result backend; None if there is none, or it is the broker itself.
        replies: Answers to broadcasts, one by one.
        workers: The same, put together.
        queues: What waits in the queues.
        collector: Where exports go; None if none goes to a collector.
        collector_page: What the collector shows to Prometheus; None if nobody said where.
        prometheus: What Prometheus has; None if nobody said where it is.
    """

    now: float
    versions: Mapping[str, str]
    environ: Mapping[str, str]
    conf: Conf
    broker: Reached
    modules_error: str = ""
    backend: Reached | None = None
    replies: Sequence[Reply] = ()
    workers: Sequence[WorkerAnswer] = ()
    queues: Sequence[QueueLength] = ()
    collector: Reached | None = None
    collector_page: Page | None = None
    prometheus: Page | None = None
