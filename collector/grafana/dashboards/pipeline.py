"""Pipeline health: whether the numbers and traces of all other dashboards arrive."""

from grafana.dashboards import variables
from grafana.dashboards.addresses import Addresses
from grafana.dashboards.board import Board
from grafana.dashboards.panels import Query, alarm_from, bars, graph, number, states, up_or_down
from grafana.dashboards.queries import JOB, collectors, increase, max_by, or_zero, rate, series, sum_by, within_range
from grafana.dashboards.units import BYTES, COUNT, PERCENT, POINTS_PER_SECOND, RATIO, SPANS_PER_SECOND, WHOLE

_REFUSED = collectors("receiver_refused_metric_points"), collectors("receiver_refused_spans")


def board(addresses: Addresses) -> Board:
    """Return the dashboard."""
    made = Board(
        "celery-pipeline",
        "Celery: pipeline health",
        "Do the numbers and traces arrive? Workers, API, collector and Prometheus.",
        addresses,
        [variables.job()],
    )
    _now(made)
    _arrival(made)
    _workers(made)
    _collector(made)
    return made


def _now(made: Board) -> None:
    silent = "max by (worker_name) (celery_worker_up) == 1 unless on (worker_name) celery_worker_pool_size"
    dropped = sum_by("", within_range("celery_otel_spans_dropped_total", JOB))
    refused = " + ".join(sum_by("", within_range(name)) for name in _REFUSED)
    made.row(
        "Now",
        number(
            "API asks the broker", "Whether the broker answers the API.", WHOLE, Query("max(celery_broker_up)")
        ).mappings([up_or_down()]),
        number(
            "API reads the collector",
            "Whether the API could read the collector's page when it last tried; absent if it does not.",
            WHOLE,
            Query("max(celery_otel_api_collector_up)"),
        ).mappings([up_or_down()]),
        number(
            "Workers up, without numbers",
            "They answer the API, and Prometheus has nothing of theirs: not instrumented, or no export arrives.",
            WHOLE,
            Query(or_zero(f"count({silent})")),
        ).thresholds(alarm_from(1)),
        number("Spans dropped by workers", "In the time shown.", WHOLE, Query(dropped)).thresholds(alarm_from(1)),
        number(
            "Refused by the collector", "Points and spans; their senders try again.", WHOLE, Query(refused)
        ).thresholds(alarm_from(1)),
        number(
            "Labels overflowed",
            "Values that became _OTHER because there were too many, in the time shown.",
            WHOLE,
            Query(sum_by("", within_range("celery_otel_label_overflow_total", JOB))),
        ).thresholds(alarm_from(1)),
    )


def _arrival(made: Board) -> None:
    made.row(
        "Prometheus",
        states(
            "Targets",
            "Whether Prometheus could scrape them.",
            Query(max_by("job, instance", "up"), "{{job}} {{instance}}"),
        ),
        graph(
            "Samples of a scrape",
            "How many series each target has. One that only rises has labels without a bound.",
            COUNT,
            Query(max_by("job", "scrape_samples_scraped"), "{{job}}"),
        ),
    )


def _workers(made: Board) -> None:
    made.row(
        "Workers",
        graph(
            "Spans of the workers",
            "Taken by a collector, and dropped because the queue was full or the collector refused them for good.",
            SPANS_PER_SECOND,
            Query(sum_by("", rate("celery_otel_spans_exported_total", JOB)), "exported"),
            Query(sum_by("", rate("celery_otel_spans_dropped_total", JOB)), "dropped"),
            width=8,
        ),
        graph(
            "Spans that wait",
            "In each worker. They pile up while no collector takes them.",
            COUNT,
            Query(sum_by("instance", series("celery_otel_spans_waiting", JOB)), "{{instance}}"),
            width=8,
        ),
        bars(
            "Lost or spoilt",
            "Exports that failed (the next one makes up for it), errors in our hooks, what processes told and the main "
            "process did not get, label values that became _OTHER.",
            COUNT,
            Query(sum_by("exporter", increase("celery_otel_export_failures_total", JOB)), "export: {{exporter}}"),
            Query(sum_by("", increase("celery_otel_hook_errors_total", JOB)), "hook errors"),
            Query(sum_by("loss", increase("celery_otel_relay_losses_total", JOB)), "relay: {{loss}}"),
            Query(sum_by("label", increase("celery_otel_label_overflow_total", JOB)), "overflow: {{label}}"),
            width=8,
        ),
    )


def _collector(made: Board) -> None:
    queue = "otelcol_exporter_queue_size"
    made.row(
        "Collector",
        graph(
            "Metric points",
            "Taken from workers, refused, and shown to Prometheus.",
            POINTS_PER_SECOND,
            Query(sum_by("", rate(collectors("receiver_accepted_metric_points"))), "accepted"),
            Query(sum_by("", rate(_REFUSED[0])), "refused"),
            Query(sum_by("exporter", rate(collectors("exporter_sent_metric_points"))), "sent: {{exporter}}"),
            width=8,
        ),
        graph(
            "Spans",
            "Taken from workers, refused, and sent to Jaeger. Sampling makes less of what is taken.",
            SPANS_PER_SECOND,
            Query(sum_by("", rate(collectors("receiver_accepted_spans"))), "accepted"),
            Query(sum_by("", rate(_REFUSED[1])), "refused"),
            Query(sum_by("exporter", rate(collectors("exporter_sent_spans"))), "sent: {{exporter}}"),
            width=8,
        ),
        graph(
            "Queue for Jaeger",
            "How full it is. Full, the collector refuses spans.",
            RATIO,
            Query(max_by("exporter", f"{queue} / otelcol_exporter_queue_capacity"), "{{exporter}}"),
            width=8,
        ).max(1),
        graph(
            "Traces by decision",
            "How tail sampling decided, by policy.",
            SPANS_PER_SECOND,
            Query(
                sum_by("policy, decision", rate(collectors("processor_tail_sampling_count_traces_sampled"))),
                "{{policy}} {{decision}}",
            ),
            width=8,
        ),
        graph(
            "Memory of the collector",
            "At its limit (512 MiB unless set) it refuses, and workers try again.",
            BYTES,
            Query(max_by("instance", "otelcol_process_memory_rss"), "{{instance}}"),
            width=8,
        ),
        graph(
            "CPU of the collector",
            "100 % is one core.",
            PERCENT,
            Query(f"100 * {max_by('instance', rate(collectors('process_cpu_seconds')))}", "{{instance}}"),
            width=8,
        ),
    )
