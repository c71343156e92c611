"""Overview: is all well, and if not, where to look."""

from grafana.dashboards import variables
from grafana.dashboards.addresses import Addresses
from grafana.dashboards.board import Board
from grafana.dashboards.links import queue_of_line, runbook_of_row, task_of_row, traces_of_line, worker_of_line
from grafana.dashboards.panels import (
    RED,
    Query,
    alarm_from,
    bars,
    by_outcome,
    dial,
    graph,
    heat,
    levels,
    linked,
    number,
    stacked,
    up_or_down,
)
from grafana.dashboards.queries import (
    JOB,
    increase,
    max_by,
    of_job,
    or_zero,
    quantile,
    rate,
    series,
    sum_by,
    within_range,
)
from grafana.dashboards.tables import Column, linked_rows, rows
from grafana.dashboards.units import ATTEMPTS_PER_SECOND, BYTES, COUNT, PERCENT, RATIO, SECONDS, WHOLE

#: When an alert's condition began. The dead man's switch is always there.
_ACTIVE = 'ALERTS_FOR_STATE{alertname!="Watchdog"}'
_LOST = 'error_type="worker_lost"'


def board(addresses: Addresses) -> Board:
    """Return the dashboard."""
    made = Board(
        "celery-overview",
        "Celery: overview",
        "Is all well? Workers, queues, what ends how and how fast, and what went wrong.",
        addresses,
        [variables.job()],
    )
    _now(made)
    _tasks(made)
    _wrong(made)
    _room(made)
    return made


def _now(made: Board) -> None:
    up = max_by("worker_name", "celery_worker_up")
    busy = sum_by("", series("celery_worker_pool_busy", JOB))
    size = sum_by("", series("celery_worker_pool_size", JOB))
    ended = sum_by("", within_range("celery_task_total", JOB))
    succeeded = sum_by("", within_range("celery_task_total", 'status="success"', JOB))
    alerts = or_zero('count(ALERTS{alertstate="firing", alertname!="Watchdog"})')
    made.row(
        "Now",
        number(
            "Workers up, of those expected",
            "Workers that answer or whose heart beats, and all that the API expects: for an hour a killed one, too.",
            WHOLE,
            Query(f"sum({up})", "up"),
            Query(f"count({up})", "expected"),
        ),
        dial(
            "Busy slots, of all",
            "Slots of all pools that run a task now, as a share of all slots. At 100 % what comes has to wait. "
            "This is 'active against total workers' of the Celery Task Monitoring & Metrics Guide.",
            Query(f"{busy} / {size}"),
        ),
        number(
            "Attempts that succeeded",
            "Of all attempts that ended in the time shown; retries, too, are ends of attempts.",
            RATIO,
            Query(f"{succeeded} / {ended}"),
        ),
        number(
            "Waiting messages",
            "In all queues together, not taken by any worker yet.",
            WHOLE,
            Query(f"sum({max_by('queue_name', 'celery_queue_length')})"),
        ),
        number(
            "Broker",
            "Whether the broker answers the API.",
            WHOLE,
            Query(max_by("", "celery_broker_up")),
        ).mappings([up_or_down()]),
        number("Alerts", "Alerts that fire now.", WHOLE, Query(alerts)).thresholds(alarm_from(1)),
    )


def _tasks(made: Board) -> None:
    made.row(
        "Tasks",
        by_outcome(
            stacked(
                "Task execution rate, by outcome",
                "Attempts that ended, of the chosen services.",
                ATTEMPTS_PER_SECOND,
                Query(sum_by("status", rate("celery_task_total", JOB)), "{{status}}"),
            )
        ),
        linked(
            graph(
                "Task execution rate, by task",
                "Attempts that ended. A click on a line leads to traces of the task.",
                ATTEMPTS_PER_SECOND,
                Query(sum_by("job, task_name", rate("celery_task_total", JOB)), "{{task_name}}"),
            ),
            traces_of_line(),
        ),
        heat(
            "Task duration",
            "How many attempts took how long, whatever their outcome. A mark is an attempt, with the way to its trace.",
            Query(sum_by("le", increase("celery_task_duration_seconds_bucket", JOB)), "{{le}}", exemplars=True),
        ),
        graph(
            "Task duration, quantiles",
            "Half of the attempts took no longer than p50, all but one in twenty no longer than p95.",
            SECONDS,
            *(
                Query(quantile(share, "", "celery_task_duration_seconds", JOB), name)
                for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
            ),
        ),
    )


def _wrong(made: Board) -> None:
    share = of_job("celery_task:failure_ratio:rate5m", "task_name", "celery_task_total")
    failures = rows(
        "Failure rate by task",
        "Failures in the last minute and in the time shown, and their share of the results, which are successes and "
        "failures, of the last five minutes.",
        {"task_name": "Task"},
        Column("in the last minute", WHOLE, sum_by("task_name", series("celery_task_failure_rate", JOB))),
        Column("in the time shown", WHOLE, sum_by("task_name", within_range("celery_task_failures_total", JOB))),
        Column("share", RATIO, max_by("task_name", share)),
        width=9,
    )
    alerts = rows(
        "Alerts that are active",
        "Those that fire, those that will if it goes on, and for how long it has. A name leads to its runbook.",
        {"alertname": "Alert", "severity": "Severity"},
        Column("for", SECONDS, f"max by (alertname, severity) (time() - {_ACTIVE})"),
        width=7,
    )
    made.row(
        "What went wrong",
        linked_rows(failures, "Task", task_of_row()),
        linked_rows(alerts, "Alert", runbook_of_row()),
        bars(
            "Retries, timeouts, losses",
            "Attempts that asked to be tried again, limits exceeded, attempts whose process died, missed runs of beat.",
            COUNT,
            Query(sum_by("", increase("celery_task_retries_total", JOB)), "retries"),
            Query(sum_by("limit", increase("celery_task_timeouts_total", JOB)), "{{limit}} limit"),
            Query(sum_by("", increase("celery_task_failures_total", _LOST, JOB)), "process lost"),
            Query(sum_by("", increase("celery_beat_missed_total", JOB)), "missed by beat"),
            width=8,
        ),
    )


def _room(made: Board) -> None:
    length = Query(max_by("queue_name", "celery_queue_length"), "{{queue_name}}")
    waited = Query("celery_queue:queue_time_seconds:p95_rate5m", "{{queue_name}}")
    utilization = series("celery_worker:pool_utilization:ratio", JOB)
    memory = sum_by("worker_name, process_type", series("celery_process_memory_bytes", JOB))
    percent = sum_by("worker_name, process_type", series("celery_process_cpu_percent", JOB))
    made.row(
        "Queues and workers",
        linked(
            graph("Queue length", "Messages that wait and that no worker has taken yet.", COUNT, length, width=8),
            queue_of_line(),
        ),
        graph(
            "Time in the queue, p95",
            "From publishing to the start; the wait for an ETA is not in it. Instrumented publishers only.",
            SECONDS,
            waited,
            width=8,
        ),
        linked(
            graph("Busy slots", "Share of each worker's slots.", RATIO, Query(utilization, "{{worker_name}}"), width=8)
            .max(1)
            .thresholds(levels("transparent", (1, RED))),
            worker_of_line(),
        ),
        graph(
            "CPU",
            "Of each worker and beat with its child processes; 100 % is one core.",
            PERCENT,
            Query(percent, "{{worker_name}} {{process_type}}"),
        ),
        graph(
            "Memory",
            "Resident memory of each worker and beat with its child processes. What they share counts for each.",
            BYTES,
            Query(memory, "{{worker_name}} {{process_type}}"),
        ),
    )
