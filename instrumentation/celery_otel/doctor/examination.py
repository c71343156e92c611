"""The command `doctor`: gathers, judges, and shows what was found."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import click
from celery import Celery

from celery_otel.doctor import checks_broker, checks_environment, checks_settings, checks_telemetry, checks_workers
from celery_otel.doctor.facts import Facts
from celery_otel.doctor.finding import Finding, Level
from celery_otel.doctor.gather import Where, gather
from celery_otel.doctor.report import report, summary
from celery_otel.terminal.overview import timestamp

__all__ = ["CHECKS", "Where", "examine", "judged"]

Check = Callable[[Facts], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    checks_broker.broker,
    checks_broker.backend,
    checks_workers.answers,
    checks_workers.duplicates,
    checks_workers.labels,
    checks_workers.instrumented,
    checks_workers.versions,
    checks_workers.clocks,
    checks_workers.idle,
    checks_workers.revokes,
    checks_broker.queues,
    checks_environment.environment,
    checks_telemetry.collector,
    checks_telemetry.collector_metrics,
    checks_telemetry.prometheus,
    checks_settings.modules,
    checks_settings.visibility,
    checks_settings.ignored_results,
    checks_settings.track_started,
    checks_settings.late_acks,
    checks_settings.prefetch,
    checks_settings.events,
)
"""All checks, in the order in which they are shown: what all else depends on comes first."""


def judged(facts: Facts) -> list[Finding]:
    """What all checks say of these facts."""
    return [finding for check in CHECKS for finding in check(facts)]


def examine(app: Celery, where: Where, *, as_json: bool, width: int | None, color: bool | None) -> int:
    """Shows what was found; returns the exit status: 1 if there is a problem.

    Args:
        app: The application.
        where: What cannot be known from it.
        as_json: For machines.
        width: Columns of the terminal; None if nothing is to be folded.
        color: Whether to use colours; None for where there is a terminal.
    """
    findings = judged(gather(app, where))
    text = _document(findings) if as_json else report(findings, width)
    click.echo(text, color=color)
    return 1 if any(finding.level is Level.PROBLEM for finding in findings) else 0


def _document(findings: Sequence[Finding]) -> str:
    told = {
        "timestamp": timestamp(time.time()),
        "summary": summary(findings),
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(told, indent=2)
