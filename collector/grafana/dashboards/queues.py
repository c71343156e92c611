"""Queues: what waits, for how long, who takes it, and what beat sends."""

from grafana.dashboards import variables
from grafana.dashboards.addresses import Addresses
from grafana.dashboards.board import Board
from grafana.dashboards.panels import Query, alarm_from, bars, graph, heat, number
from grafana.dashboards.queries import JOB, QUEUE, increase, max_by, or_zero, quantile, rate, series, sum_by
from grafana.dashboards.tables import Column, rows
from grafana.dashboards.units import COUNT, MESSAGES_PER_SECOND, SECONDS, WHOLE

_LENGTH = max_by("queue_name", series("celery_queue_length", QUEUE))
_CONSUMERS = max_by("queue_name", series("celery_queue_consumers", QUEUE))
_OLDEST = max_by("queue_name", series("celery_queue_oldest_message_age_seconds", QUEUE))
_WAIT = "celery_task_queue_time_seconds"


def board(addresses: Addresses) -> Board:
    """Return the dashboard."""
    made = Board(
        "celery-queues",
        "Celery: queues",
        "What waits, for how long, does it grow, who takes it, and does beat send what it should?",
        addresses,
        [variables.job(), variables.queue_name()],
    )
    _now(made)
    _lengths(made)
    _times(made)
    _beat(made)
    return made


def _now(made: Board) -> None:
    made.row(
        "Now",
        number("Waiting messages", "In all chosen queues.", WHOLE, Query(f"sum({_LENGTH})"), width=6),
        number(
            "Queues without a consumer",
            "Nobody takes what is sent there.",
            WHOLE,
            Query(or_zero(f"count({_CONSUMERS} == 0)")),
            width=6,
        ).thresholds(alarm_from(1)),
        number(
            "Oldest message",
            "How long the next message of a queue has waited, at worst. Redis, and instrumented publishers.",
            SECONDS,
            Query(f"max({_OLDEST})"),
            width=6,
        ),
        number(
            "Since beat's last tick",
            "Of the beat that is furthest behind. It sleeps for up to 300 seconds.",
            SECONDS,
            Query(f"time() - min({series('celery_beat_last_tick_timestamp_seconds', JOB)})"),
            width=6,
        ).thresholds(alarm_from(360)),
    )


def _lengths(made: Board) -> None:
    growth = max_by("queue_name", f"deriv({series('celery_queue_length', QUEUE)}[$__rate_interval])")
    made.row(
        "Backlog",
        graph(
            "Queue length",
            "Messages that wait and that no worker has taken yet, all priorities together.",
            COUNT,
            Query(_LENGTH, "{{queue_name}}"),
        ),
        graph(
            "Growth",
            "Above 0 more comes than is taken.",
            MESSAGES_PER_SECOND,
            Query(growth, "{{queue_name}}"),
        ),
        graph(
            "Age of the oldest message",
            "Of the message that is next. Redis, and instrumented publishers; absent for an empty queue.",
            SECONDS,
            Query(_OLDEST, "{{queue_name}}"),
        ),
        rows(
            "Queues",
            "What waits in each, and how many consume it.",
            {"queue_name": "Queue"},
            Column("waiting", WHOLE, _LENGTH),
            Column("consumers", WHOLE, _CONSUMERS),
            Column("oldest", SECONDS, _OLDEST),
            Column(
                "waited, p95",
                SECONDS,
                max_by("queue_name", series("celery_queue:queue_time_seconds:p95_rate5m", QUEUE)),
            ),
        ),
    )


def _times(made: Board) -> None:
    made.row(
        "Time in the queue",
        heat(
            "Time in the queue",
            "How many attempts waited how long, from publishing to the start, without the wait for an ETA.",
            Query(sum_by("le", increase(f"{_WAIT}_bucket", JOB, QUEUE)), "{{le}}"),
            width=8,
        ),
        graph(
            "Time in the queue, quantiles",
            "Of all chosen queues together.",
            SECONDS,
            *(
                Query(quantile(share, "", _WAIT, JOB, QUEUE), name)
                for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
            ),
            width=8,
        ),
        graph(
            "Time in the queue by queue, p95",
            "Over the last five minutes.",
            SECONDS,
            Query(series("celery_queue:queue_time_seconds:p95_rate5m", QUEUE), "{{queue_name}}"),
            width=8,
        ),
        graph(
            "Started, by queue",
            "Attempts that began to run, of those that an instrumented process published.",
            MESSAGES_PER_SECOND,
            Query(sum_by("queue_name", rate(f"{_WAIT}_count", JOB, QUEUE)), "{{queue_name}}"),
        ),
        graph(
            "Received, by task",
            "What workers took from queues. The label of the queue is not on it.",
            MESSAGES_PER_SECOND,
            Query(sum_by("task_name", rate("celery_task_received_total", JOB)), "{{task_name}}"),
        ),
    )


def _beat(made: Board) -> None:
    fired = max_by("entry", series("celery_beat_entry_last_fire_timestamp_seconds", JOB))
    tick = max_by("instance", series("celery_beat_last_tick_timestamp_seconds", JOB))
    made.row(
        "Beat",
        graph(
            "Since the last tick",
            "It rises to what beat sleeps, at most 300 seconds unless set. Higher: beat is blocked, or has gone.",
            SECONDS,
            Query(f"time() - {tick}", "{{instance}}"),
            width=8,
        ),
        graph(
            "Since an entry was sent",
            "It rises to the entry's interval. Higher: the entry does not fire.",
            SECONDS,
            Query(f"time() - {fired}", "{{entry}}"),
            width=8,
        ),
        bars(
            "Missed runs",
            "Runs that were due and never sent.",
            COUNT,
            Query(sum_by("entry", increase("celery_beat_missed_total", JOB)), "{{entry}}"),
            width=8,
        ),
    )
