"""The command `status`: shows the overview once, or again and again."""

import json
import time
from typing import Any

import click
from celery import Celery

from celery_otel.broker import BrokerAwayError
from celery_otel.terminal.overview import document, look, timestamp
from celery_otel.terminal.page import page

INTERVAL = 2.0
"""Seconds from one page of `--watch` to the next, unless it takes longer to ask."""
NO_WORKER = (
    "No worker answered. Start one (celery -A … worker), or look whether yours are connected to this broker; a worker "
    "with the pool solo cannot answer while it runs a task. For workers that are slow to answer, give --timeout."
)
NO_BROKER = "Start it, or give the application or -b the right URL; `celery -A … otel doctor` looks closer."


def show(app: Celery, *, timeout: float, as_json: bool, width: int | None) -> int:
    """Shows the overview; returns the exit status.

    Args:
        app: The application.
        timeout: Seconds to wait for the next worker's answer.
        as_json: For machines.
        width: Columns of the terminal; None if nothing is to be cut.
    """
    return _show(app, timeout, as_json=as_json, width=width, indent=2)


def watched(app: Celery, *, timeout: float, as_json: bool, width: int | None) -> int:
    """As `show`, again and again until Ctrl-C, which is no failure."""
    try:
        while True:
            begun = time.monotonic()
            _show(app, timeout, as_json=as_json, width=width, indent=None, clear=not as_json)
            time.sleep(max(0.0, begun + INTERVAL - time.monotonic()))
    except KeyboardInterrupt:
        return 0


def _show(
    app: Celery, timeout: float, *, as_json: bool, width: int | None, indent: int | None, clear: bool = False
) -> int:
    try:
        overview = look(app, timeout)
    except BrokerAwayError as error:
        text = json.dumps(_away(error), indent=indent) if as_json else ""
        return _put(text, f"{error} {NO_BROKER}", clear=clear)
    text = json.dumps(document(overview), indent=indent) if as_json else page(overview, width)
    return _put(text, "" if overview.workers else NO_WORKER, clear=clear)


def _away(error: BrokerAwayError) -> dict[str, Any]:
    return {"timestamp": timestamp(time.time()), "broker_connected": False, "message": str(error)}


def _put(text: str, failure: str, *, clear: bool) -> int:
    """Writes a page, and what is wrong to standard error; returns the exit status."""
    if clear:
        click.clear()
    if text:
        # Where nothing is cleared, as in a file, pages stand apart.
        click.echo(f"{text}\n" if clear else text)
    if failure:
        click.echo(failure, err=True)
    return 1 if failure else 0
