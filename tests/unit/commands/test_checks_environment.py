"""What is said of the variables of the environment."""

import pytest

from celery_otel.doctor.checks_environment import environment
from celery_otel.doctor.finding import Level
from tests.unit.commands.cluster import facts


@pytest.mark.parametrize(
    ("environ", "level", "part"),
    [
        ({}, Level.OK, "metrics to otlp, every 15 s"),
        ({"OTEL_SDK_DISABLED": "true"}, Level.PROBLEM, "nothing is measured"),
        ({"OTEL_METRICS_EXPORTER": "none"}, Level.PROBLEM, "no metrics leave"),
        ({"OTEL_TRACES_EXPORTER": "none"}, Level.WARNING, "no spans are made"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "40000"}, Level.OK, "every 40 s"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "41000"}, Level.WARNING, "a third of the 120 s"),
        ({"CELERY_OTEL_COLLECTOR_METRIC_EXPIRATION": "30s"}, Level.WARNING, "a third of the 30 s"),
        (
            {"OTEL_METRIC_EXPORT_INTERVAL": "41000", "CELERY_OTEL_COLLECTOR_METRIC_EXPIRATION": "1h30m"},
            Level.OK,
            "every 41 s",
        ),
        ({"CELERY_OTEL_COLLECTOR_METRIC_EXPIRATION": ".5m"}, Level.WARNING, "a third of the 30 s"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "soon"}, Level.PROBLEM, "OTEL_METRIC_EXPORT_INTERVAL"),
        ({"OTEL_EXPORTER_JAEGER_ENDPOINT": "http://h"}, Level.WARNING, "is not read any more"),
        ({"CELERY_OTEL_WORKER_NAMES": "a"}, Level.WARNING, "CELERY_OTEL_WORKER_NAMES is no setting"),
        ({"CELERY_OTEL_API_PORT": "8000", "CELERY_OTEL_WORKER_NAME": "a"}, Level.OK, "metrics to otlp"),
    ],
)
def test_variables(environ: dict[str, str], level: Level, part: str) -> None:
    """What switches measuring off is a problem, what makes workers look dead or is not read is a warning."""
    [finding] = environment(facts(environ=environ))
    assert (level, True) == (finding.level, part in finding.found)


def test_a_secret_is_not_shown() -> None:
    """A variable that holds secrets and cannot be used is named without what it holds."""
    [finding] = environment(facts(environ={"OTEL_EXPORTER_OTLP_HEADERS": "hunter2"}))
    assert (Level.PROBLEM, False) == (finding.level, "hunter2" in finding.found)
