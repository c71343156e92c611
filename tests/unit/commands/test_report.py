"""What `doctor` shows."""

import click

from celery_otel.doctor.finding import ok, problem, skipped, warning
from celery_otel.doctor.report import report, summary

FINDINGS = [
    ok("broker", "redis://localhost connected in 2 ms"),
    skipped("Prometheus", "not looked at", "Give --prometheus URL."),
    warning("revokes", "forgotten by celery@one at a restart", "Start workers with --statedb=FILE."),
    problem("worker celery@two", "consumes no queue", "Restart it with -Q."),
]


def test_a_report() -> None:
    """Each finding has a mark and what was found, those that are not well what to do; the numbers come last."""
    expected = """\
ok       broker: redis://localhost connected in 2 ms
skipped  Prometheus: not looked at
         -> Give --prometheus URL.
warning  revokes: forgotten by celery@one at a restart
         -> Start workers with --statedb=FILE.
problem  worker celery@two: consumes no queue
         -> Restart it with -Q.

1 problem, 1 warning, 1 skipped, 1 ok"""
    assert expected == click.unstyle(report(FINDINGS, None))


def test_a_report_is_folded() -> None:
    """Nothing is cut: what does not fit goes on in the next line."""
    lines = click.unstyle(report(FINDINGS, 42)).splitlines()
    assert (True, True) == (max(map(len, lines)) <= 42, "            --statedb=FILE." in lines)


def test_the_summary() -> None:
    """Every level is counted, those that are not there with zero."""
    assert {"ok": 1, "skipped": 0, "warning": 0, "problem": 0} == summary(FINDINGS[:1])
