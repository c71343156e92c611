"""Asks everybody, each once and for a bounded time, and judges nothing."""

import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import celery
from celery import Celery
from kombu.connection import Connection

from celery_otel.broker import BrokerAwayError, QueueLength, connected, queue_lengths, queue_names, said
from celery_otel.doctor import gather_telemetry
from celery_otel.doctor.facts import Conf, Facts, Page, Reached, Reply, TaskSettings
from celery_otel.doctor.usable_settings import usable_settings
from celery_otel.inspection import ARGUMENT, Inspection, WorkerAnswer
from celery_otel.version import VERSION

PATIENCE = 5.0
"""Seconds for the broker, and for the result backend."""
_CELERYS_OWN = "celery."
_NO_BACKEND = "disabled"


@dataclass(frozen=True, slots=True)
class Where:
    """What cannot be known from the application.

    Attributes:
        collector_metrics: Where Prometheus scrapes the collector; empty if it is not to be asked.
        prometheus: Prometheus; empty if it is not to be asked.
        timeout: Seconds to wait for the next worker's answer.
        environ: The environment.
    """

    collector_metrics: str = ""
    prometheus: str = ""
    timeout: float = 1.0
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


@dataclass(slots=True)
class _Cluster:
    """What the broker and the workers have told."""

    broker: Reached
    visibility_timeout: float | None = None
    replies: tuple[Reply, ...] = ()
    workers: tuple[WorkerAnswer, ...] = ()
    queues: tuple[QueueLength, ...] = ()


def gather(app: Celery, where: Where) -> Facts:
    """Everything that the checks judge."""
    modules_error = _import_modules(app)
    cluster = _cluster(app, where.timeout)
    # The workers' clocks are compared with ours at this moment.
    now = time.time()
    return Facts(
        now=now,
        versions={"celery": celery.__version__, "celery-otel": VERSION},
        environ=where.environ,
        conf=_conf(app, cluster.visibility_timeout),
        modules_error=modules_error,
        broker=cluster.broker,
        backend=_backend(app),
        replies=cluster.replies,
        workers=cluster.workers,
        queues=cluster.queues,
        collector=_collector(where.environ),
        collector_page=_asked(gather_telemetry.collector_page, where.collector_metrics),
        prometheus=_asked(gather_telemetry.prometheus, where.prometheus),
    )


def _import_modules(app: Celery) -> str:
    """Imports the tasks as a worker does; says why that is not possible."""
    try:
        app.loader.import_default_modules()
    except Exception as error:  # noqa: BLE001  # it is the user's code: whatever it raises is what was found
        return f"{type(error).__name__}: {said(error)}"
    return ""


def _cluster(app: Celery, timeout: float) -> _Cluster:
    begun = time.monotonic()
    cluster = _Cluster(Reached(""))
    try:
        with connected(app, PATIENCE) as connection:
            cluster.broker = Reached(connection.as_uri(), seconds=time.monotonic() - begun)
            _ask(app, connection, timeout, cluster)
    except BrokerAwayError as error:
        cluster.broker = Reached(cluster.broker.where, error=str(error))
    return cluster


def _ask(app: Celery, connection: Connection, timeout: float, cluster: _Cluster) -> None:
    cluster.visibility_timeout = getattr(connection.default_channel, "visibility_timeout", None)
    asked: dict[str, Any] = {ARGUMENT: {"since": {}}}
    replies = app.control.broadcast("ping", arguments=asked, connection=connection, reply=True, timeout=timeout)
    cluster.replies = tuple(_reply(name, answer) for reply in replies or () for name, answer in reply.items())
    cluster.workers = tuple(Inspection(app).ask(connection, timeout=timeout, since={}))
    names = queue_names(app, (queue for worker in cluster.workers for queue in worker.queues))
    cluster.queues = tuple(queue_lengths(connection, names))


def _reply(name: str, answer: Any) -> Reply:
    told = answer.get(ARGUMENT) if isinstance(answer, dict) else None
    if not isinstance(told, dict):
        return Reply(str(name), None, str(name))
    return Reply(str(name), told["pid"], str(told["worker_name"]))


def _conf(app: Celery, visibility_timeout: float | None) -> Conf:
    conf = app.conf
    return Conf(
        transport=str(app.connection_for_write().transport_cls),
        visibility_timeout=visibility_timeout,
        has_backend=_backend_kind(app) != _NO_BACKEND,
        ignore_result=bool(conf.task_ignore_result),
        track_started=bool(conf.task_track_started),
        send_task_events=bool(conf.worker_send_task_events),
        prefetch_multiplier=int(conf.worker_prefetch_multiplier),
        tasks=tuple(_task(task) for name, task in sorted(app.tasks.items()) if not name.startswith(_CELERYS_OWN)),
    )


def _task(task: Any) -> TaskSettings:
    # Celery 5.7 knows a second way.
    survives_loss = bool(task.reject_on_worker_lost or getattr(task, "retry_on_worker_lost", False))
    return TaskSettings(str(task.name), task.time_limit, bool(task.acks_late), survives_loss)


def _backend(app: Celery) -> Reached | None:
    """Whether the result backend lets itself be read; None without one that anybody can read."""
    kind = _backend_kind(app)
    if kind in {_NO_BACKEND, "rpc"}:
        return None
    try:
        backend = app.backend
    except Exception as error:  # noqa: BLE001  # every result backend has errors of its own
        return Reached(kind, error=said(error))
    begun = time.monotonic()
    failure = bounded(lambda: backend.get_task_meta(f"celery-otel-doctor-{uuid.uuid4()}"), PATIENCE)
    return Reached(str(backend.as_uri()), error=failure, seconds=time.monotonic() - begun)


def _backend_kind(app: Celery) -> str:
    """The first word of the result backend's URL."""
    return str(app.conf.result_backend or _NO_BACKEND).partition(":")[0]


def bounded(call: Callable[[], object], seconds: float) -> str:
    """Calls something that may hang, and waits for so long; says what went wrong, or nothing."""
    said_by_it = [f"no answer within {seconds:g} s"]

    def run() -> None:
        try:
            call()
            said_by_it[0] = ""
        except Exception as error:  # noqa: BLE001  # every result backend has errors of its own
            said_by_it[0] = said(error)

    # It does not keep the process from ending.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return said_by_it[0]


def _collector(environ: Mapping[str, str]) -> Reached | None:
    settings = usable_settings(environ)
    return None if settings is None else gather_telemetry.collector(settings, environ)


def _asked(ask: Callable[[str], Page], url: str) -> Page | None:
    return ask(url) if url else None
