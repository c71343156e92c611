"""Worker and pool: who is there, how busy it is, and whether it consumes."""

from grafana.dashboards import variables
from grafana.dashboards.addresses import Addresses
from grafana.dashboards.board import Board
from grafana.dashboards.links import api_page, worker_of_row
from grafana.dashboards.panels import Panel, Query, alarm_from, bars, dial, graph, linked, number, stacked, states
from grafana.dashboards.queries import JOB, WORKER, increase, max_by, quantile, rate, series, sum_by, within_range
from grafana.dashboards.tables import Column, linked_rows, rows
from grafana.dashboards.units import ATTEMPTS_PER_SECOND, COUNT, RATIO, SECONDS, WHOLE

#: The instance of a worker's series is its node name; tasks' series have no other label that says where they ran.
_INSTANCE = 'instance=~"$worker_name"'


def board(addresses: Addresses) -> Board:
    """Return the dashboard."""
    made = Board(
        "celery-worker",
        "Celery: worker and pool",
        "Who is there, how busy is it, does it consume, and does it lose processes?",
        addresses,
        [variables.job(), variables.worker_name()],
    )
    _now(made)
    _pool(made)
    _life(made)
    _trouble(made)
    return made


def _of(metric: str) -> str:
    return series(metric, JOB, WORKER)


def _now(made: Board) -> None:
    up = max_by("worker_name", series("celery_worker_up", WORKER))
    busy, size = sum_by("", _of("celery_worker_pool_busy")), sum_by("", _of("celery_worker_pool_size"))
    made.row(
        "Now",
        number(
            "Workers up, of those expected",
            "Workers that answer or whose heart beats, and all that the API expects.",
            WHOLE,
            Query(f"sum({up})", "up"),
            Query(f"count({up})", "expected"),
        ),
        dial(
            "Busy slots, of all",
            "Slots that run a task now, of all slots. "
            "This is 'active against total workers' of the Celery Task Monitoring & Metrics Guide.",
            Query(f"{busy} / {size}"),
        ),
        number("Slots", "Busy ones, and all.", WHOLE, Query(busy, "busy"), Query(size, "all")),
        number(
            "Prefetched",
            "Attempts that workers hold and have not started.",
            WHOLE,
            Query(sum_by("", _of("celery_worker_prefetch_count"))),
        ),
        number(
            "Processes replaced",
            "Pool processes that were recycled, killed or crashed, in the time shown.",
            WHOLE,
            Query(sum_by("", within_range("celery_worker_child_restarts_total", JOB, WORKER))),
        ),
        number(
            "Oldest heartbeat",
            "Of the workers that report. Over a minute, a worker's main process stands still.",
            SECONDS,
            Query(f"time() - min({_of('celery_worker_heartbeat_timestamp_seconds')})"),
        ).thresholds(alarm_from(60)),
    )


def _pool(made: Board) -> None:
    made.row(
        "Pool",
        states(
            "Workers",
            "Up while a worker answers or its heart beats, down when it is expected and nothing is heard of it. "
            "One that stopped cleanly has no bar, unless the API was told to expect it.",
            Query(max_by("worker_name", series("celery_worker_up", WORKER)), "{{worker_name}}"),
        ),
        graph(
            "Busy against all slots",
            "Of each worker: what runs, and what could.",
            COUNT,
            Query(sum_by("worker_name", _of("celery_worker_pool_busy")), "{{worker_name}} busy"),
            Query(sum_by("worker_name", _of("celery_worker_pool_size")), "{{worker_name}} slots"),
        ),
        graph(
            "Busy slots",
            "Share of each worker's slots that run a task.",
            RATIO,
            Query(series("celery_worker:pool_utilization:ratio", JOB, WORKER), "{{worker_name}}"),
            width=8,
        ).max(1),
        graph(
            "Prefetched",
            "Attempts that the worker holds and has not started, those with an ETA or a rate limit included.",
            COUNT,
            Query(sum_by("worker_name", _of("celery_worker_prefetch_count")), "{{worker_name}}"),
            width=8,
        ),
        linked(
            stacked(
                "Attempts that ended",
                "By worker.",
                ATTEMPTS_PER_SECOND,
                Query(sum_by("instance", rate("celery_task_total", JOB, _INSTANCE)), "{{instance}}"),
                width=8,
            ),
            api_page(),
        ),
    )


def _life(made: Board) -> None:
    heartbeat = max_by("worker_name", _of("celery_worker_heartbeat_timestamp_seconds"))
    received = _of("celery_worker_last_received_timestamp_seconds")
    workers = rows(
        "Workers",
        "What each one is doing. A click on a name leads to what it uses.",
        {"worker_name": "Worker"},
        Column("busy", WHOLE, sum_by("worker_name", _of("celery_worker_pool_busy"))),
        Column("slots", WHOLE, sum_by("worker_name", _of("celery_worker_pool_size"))),
        Column("prefetched", WHOLE, sum_by("worker_name", _of("celery_worker_prefetch_count"))),
        Column("heartbeat ago", SECONDS, f"time() - {heartbeat}"),
        Column("received ago", SECONDS, f"time() - {max_by('worker_name', received)}"),
    )
    made.row(
        "Signs of life",
        linked_rows(workers, "Worker", worker_of_row()),
        graph(
            "Since the last heartbeat",
            "A main process tells every 5 seconds that it is alive.",
            SECONDS,
            Query(f"time() - {heartbeat}", "{{worker_name}}"),
            width=6,
        ),
        graph(
            "Since the last receipt",
            "By queue. A queue that grows while this grows has a worker that does not consume.",
            SECONDS,
            Query(f"time() - {max_by('worker_name, queue_name', received)}", "{{worker_name}} {{queue_name}}"),
            width=6,
        ),
    )


def _trouble(made: Board) -> None:
    lost = increase("celery_task_failures_total", 'error_type="worker_lost"', JOB, _INSTANCE)
    restarts = increase("celery_worker_child_restarts_total", JOB, WORKER)
    made.row(
        "Trouble",
        bars(
            "Processes replaced, and lost with their task",
            "Recycling replaces processes, too; one that dies with a task is lost.",
            COUNT,
            Query(sum_by("worker_name", restarts), "{{worker_name}} replaced"),
            Query(sum_by("instance", lost), "{{instance}} lost"),
            width=8,
        ),
        bars(
            "Messages that cannot be run",
            "For tasks that the worker does not know, and what is no task at all, by reason.",
            COUNT,
            Query(
                sum_by("instance", increase("celery_task_unknown_total", JOB, _INSTANCE)), "unknown task: {{instance}}"
            ),
            Query(sum_by("reason", increase("celery_messages_invalid_total", JOB, _INSTANCE)), "{{reason}}"),
            width=8,
        ),
        _backend(),
    )


def _backend() -> Panel:
    query = quantile(0.95, "operation", "celery_result_backend_latency_seconds", JOB, _INSTANCE)
    return graph(
        "Result backend, p95",
        "How long it takes to store or get a result, failures included.",
        SECONDS,
        Query(query, "{{operation}}"),
        width=8,
    )
