"""Task: how often, how fast and how well the chosen tasks run, and why not."""

from grafana.dashboards import variables
from grafana.dashboards.addresses import Addresses
from grafana.dashboards.board import Board
from grafana.dashboards.links import failed_traces_of_row, task_of_row, traces_of_line, traces_of_row
from grafana.dashboards.panels import Panel, Query, bars, by_outcome, graph, heat, linked, number, stacked
from grafana.dashboards.queries import JOB, TASK, increase, max_by, quantile, rate, series, sum_by, within_range
from grafana.dashboards.tables import Column, linked_rows, rows
from grafana.dashboards.units import ATTEMPTS_PER_SECOND, COUNT, RATIO, SECONDS, WHOLE

_DURATION = "celery_task_duration_seconds"
_QUANTILES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))


def board(addresses: Addresses) -> Board:
    """Return the dashboard."""
    made = Board(
        "celery-task",
        "Celery: task",
        "How often, how fast and how well do these tasks run? Where do they wait, and why do they fail?",
        addresses,
        [variables.job(), variables.task_name()],
    )
    _summary(made)
    _executions(made)
    _durations(made)
    _failures(made)
    _waits(made)
    return made


def _summary(made: Board) -> None:
    ended = sum_by("", within_range("celery_task_total", JOB, TASK))
    succeeded = sum_by("", within_range("celery_task_total", 'status="success"', JOB, TASK))
    spent = sum_by("", within_range(f"{_DURATION}_sum", JOB, TASK))
    started = sum_by("", within_range(f"{_DURATION}_count", JOB, TASK))
    made.row(
        "In the time shown",
        number("Attempts", "Attempts that ended.", WHOLE, Query(ended)),
        number("Succeeded", "Share of the attempts that ended.", RATIO, Query(f"{succeeded} / {ended}")),
        number("Mean duration", "Of attempts that started.", SECONDS, Query(f"{spent} / {started}")),
        number(
            "Failures in the last minute",
            "Of the tasks together.",
            WHOLE,
            Query(sum_by("", series("celery_task_failure_rate", JOB, TASK))),
        ),
        number("Running", "Attempts that run now.", WHOLE, Query(sum_by("", series("celery_active_tasks", JOB, TASK)))),
        number(
            "Started twice",
            "Second starts of an attempt that its worker had ended already, as after a visibility timeout.",
            WHOLE,
            Query(sum_by("", within_range("celery_task_duplicates_total", JOB, TASK))),
        ),
    )


def _executions(made: Board) -> None:
    made.row(
        "Executions",
        by_outcome(
            stacked(
                "Execution rate, by outcome",
                "Attempts that ended.",
                ATTEMPTS_PER_SECOND,
                Query(sum_by("status", rate("celery_task_total", JOB, TASK)), "{{status}}"),
                width=8,
            )
        ),
        linked(
            graph(
                "Execution rate, by task",
                "Attempts that ended. A click on a line leads to traces.",
                ATTEMPTS_PER_SECOND,
                Query(sum_by("job, task_name", rate("celery_task_total", JOB, TASK)), "{{task_name}}"),
                width=8,
            ),
            traces_of_line(),
        ),
        linked(
            stacked(
                "Running, by task",
                "Attempts that run at the moment.",
                COUNT,
                Query(sum_by("job, task_name", series("celery_active_tasks", JOB, TASK)), "{{task_name}}"),
                width=8,
            ),
            traces_of_line(),
        ),
    )


def _durations(made: Board) -> None:
    slowest = rows(
        "Duration by task",
        "Mean and quantiles of the last five minutes.",
        {"task_name": "Task"},
        Column("p95", SECONDS, _recorded("p95")),
        Column("p50", SECONDS, _recorded("p50")),
        Column("p99", SECONDS, _recorded("p99")),
        Column("mean", SECONDS, _recorded("mean")),
    )
    made.row(
        "Duration",
        heat(
            "Duration",
            "How many attempts took how long. Each mark is an attempt, with the way to its trace.",
            Query(sum_by("le", increase(f"{_DURATION}_bucket", JOB, TASK)), "{{le}}", exemplars=True),
        ),
        graph(
            "Duration, quantiles",
            "Of all chosen tasks together. Each mark is an attempt, with the way to its trace.",
            SECONDS,
            *(
                Query(quantile(share, "", _DURATION, JOB, TASK), name, exemplars=name != "p50")
                for share, name in _QUANTILES
            ),
        ),
        by_outcome(
            graph(
                "Duration by outcome, p95",
                "What fails slowly costs most: attempts ended by a limit are in it.",
                SECONDS,
                Query(quantile(0.95, "status", _DURATION, JOB, TASK), "{{status}}"),
            )
        ),
        linked_rows(slowest, "Task", task_of_row()),
    )


def _recorded(what: str) -> str:
    return max_by("task_name", series(f"celery_task:duration_seconds:{what}_rate5m", TASK))


def _failures(made: Board) -> None:
    failures = sum_by("job, task_name, error_type", within_range("celery_task_failures_total", JOB, TASK))
    retries = sum_by("job, task_name, reason", within_range("celery_task_retries_total", JOB, TASK))
    reasons = rows(
        "Failures by exception",
        "In the time shown. timeout is the hard limit, worker_lost a process that died.",
        {"job": "Service", "task_name": "Task", "error_type": "Exception"},
        Column("failures", WHOLE, f"{failures} > 0"),
    )
    again = rows(
        "Retries by reason",
        "In the time shown: the class of the exception that caused the retry.",
        {"job": "Service", "task_name": "Task", "reason": "Reason"},
        Column("retries", WHOLE, f"{retries} > 0"),
    )
    made.row(
        "What went wrong",
        linked_rows(reasons, "Task", failed_traces_of_row()),
        linked_rows(again, "Task", traces_of_row()),
        graph(
            "Share of failures, by task",
            "Failures among the results, which are successes and failures, of the last five minutes.",
            RATIO,
            Query(series("celery_task:failure_ratio:rate5m", TASK), "{{task_name}}"),
        ).max(1),
        graph(
            "Share of successes, by task",
            "Successes among all attempts that ended in the last five minutes; a retry is no success.",
            RATIO,
            Query(series("celery_task:success_ratio:rate5m", TASK), "{{task_name}}"),
        ).max(1),
        _ended(
            "Time limits exceeded", "celery_task_timeouts_total", "limit", "A soft limit that the task caught counts."
        ),
        _ended("Revoked", "celery_task_revocations_total", "cause", "By an operator, by expiry, or while it ran."),
        bars(
            "Given back without an end",
            "Attempts that a stop or a lost connection sent back to the queue, or that the task itself did.",
            COUNT,
            Query(sum_by("cause", increase("celery_task_returned_total", JOB, TASK)), "{{cause}}"),
            width=8,
        ),
    )


def _ended(title: str, metric: str, label: str, description: str) -> Panel:
    ended = sum_by(f"task_name, {label}", increase(metric, JOB, TASK))
    return bars(title, description, COUNT, Query(f"{ended} > 0", f"{{{{task_name}}}} {{{{{label}}}}}"), width=8)


def _waits(made: Board) -> None:
    made.row(
        "Before the start",
        _wait(
            "Time in the queue, p95",
            "celery_task_queue_time_seconds",
            "From publishing to the start, without the wait for an ETA. Instrumented publishers only.",
        ),
        _wait(
            "Time in the worker, p95",
            "celery_task_prefetch_time_seconds",
            "From the worker's receipt, or the ETA if later, to the start: what prefetching costs.",
        ),
        _wait(
            "Delay after the ETA, p95",
            "celery_task_eta_delay_seconds",
            "How late tasks with an ETA or countdown start.",
        ),
    )


def _wait(title: str, histogram: str, description: str) -> Panel:
    query = Query(quantile(0.95, "job, task_name", histogram, JOB, TASK), "{{task_name}}")
    return linked(graph(title, description, SECONDS, query, width=8), traces_of_line())
