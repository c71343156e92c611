"""The plug-in of Celery's command line: `celery -A proj otel status`, `doctor`, `api` and `flower`.

Celery loads it at every start, also at that of a worker: all but click is imported inside the commands.
"""

import os
import sys
from pathlib import Path
from typing import Any

import click

_TIMEOUT = 1.0


@click.group()
def otel() -> None:
    """Look at the workers of an application, and at what is measured of them."""


@otel.command()
@click.option("--json", "as_json", is_flag=True, help="For machines, with the field names of the REST API.")
@click.option("--watch", is_flag=True, help="Again every 2 seconds, until Ctrl-C; with --json one line each time.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 60),
    default=_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the next worker's answer.",
)
@click.pass_context
def status(context: click.Context, *, as_json: bool, watch: bool, timeout: float) -> None:
    """Workers, tasks and queues, as they are now.

    The exit status is 1 if no worker answers or the broker is away.
    """
    from celery_otel.terminal.status import show, watched  # noqa: PLC0415  # not at every start of Celery

    run = watched if watch else show
    context.exit(run(context.obj.app, timeout=timeout, as_json=as_json, width=_width()))


@otel.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option(
    "--collector-metrics",
    envvar="CELERY_OTEL_API_COLLECTOR_METRICS_URL",
    metavar="URL",
    help="Where Prometheus scrapes the collector, such as http://localhost:8889/metrics.",
)
@click.option(
    "--prometheus",
    envvar="CELERY_OTEL_API_PROMETHEUS_URL",
    metavar="URL",
    help="Prometheus itself, such as http://localhost:9090.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 60),
    default=_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the next worker's answer.",
)
@click.pass_context
def doctor(
    context: click.Context, *, as_json: bool, collector_metrics: str | None, prometheus: str | None, timeout: float
) -> None:
    """Check broker, workers, collector and settings, and say what to do about what is wrong.

    Run it with the environment of the workers. The exit status is 1 if there is a problem.
    """
    from celery_otel.doctor.examination import Where, examine  # noqa: PLC0415  # not at every start of Celery

    where = Where(collector_metrics=collector_metrics or "", prometheus=prometheus or "", timeout=timeout)
    color = False if context.obj.no_color else None
    context.exit(examine(context.obj.app, where, as_json=as_json, width=_width(), color=color))


@otel.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def api(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Serve the REST API and its page, with the options of celery-otel-api (see --help)."""
    from celery_otel.terminal.service import serve  # noqa: PLC0415  # not at every start of Celery

    serve(context.obj.app, arguments, context)


@otel.command(context_settings={"ignore_unknown_options": True})
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on; 0 for a free one (5555).")
@click.option("--address", help="The address to listen on; any other than loopback needs a login (127.0.0.1).")
@click.option("--url-prefix", "--url_prefix", help="The first part of every path (flower); '' for none.")
@click.option("--persistent/--no-persistent", default=None, help="Keep what was seen over a restart (on).")
@click.option("--db", help="The file that keeps it (flower.db).")
@click.option("--max-tasks", "--max_tasks", type=click.IntRange(1), help="The most tasks to remember (10000).")
@click.option(
    "--basic-auth-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="FLOWER_BASIC_AUTH_FILE",
    help="Who may log in: user:password, one a line.",
)
@click.option(
    "--oauth2-secret-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="FLOWER_OAUTH2_SECRET_FILE",
    help="The secret of an OAuth application.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[--FLOWERS-OWN-OPTION=VALUE]...")
@click.pass_context
def flower(
    context: click.Context,
    /,
    *,
    arguments: tuple[str, ...],
    basic_auth_file: Path | None,
    oauth2_secret_file: Path | None,
    **given: Any,
) -> None:
    """Start Flower, with the defaults of the monitoring guide in brackets.

    Flower's own options, its variables FLOWER_* and its flowerconfig.py change whatever they change in Flower. Beyond
    loopback it does not start without basic auth or OAuth.
    """
    from celery_otel.terminal.flower import serve  # noqa: PLC0415  # not at every start of Celery

    files = {"basic_auth": basic_auth_file, "oauth2_secret": oauth2_secret_file}
    serve(context, given, arguments, {name: path for name, path in files.items() if path is not None})


def _width() -> int | None:
    """Columns of the terminal; None for a file or a pipe, where nothing is cut."""
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        return None
    import shutil  # noqa: PLC0415  # not at every start of Celery

    return shutil.get_terminal_size().columns
