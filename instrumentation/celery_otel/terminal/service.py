"""The command `api`: hands the application and the options over to the service, which is an extra."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click
from celery import Celery

MISSING = "pip install 'celery-otel[api]'"


def serve(app: Celery, arguments: Sequence[str], parent: click.Context) -> None:
    """Serves the API until it is told to stop.

    Args:
        app: The application.
        arguments: The options of `celery-otel-api`.
        parent: The command that this is part of.

    Raises:
        ClickException: The extra is not installed.
        UsageError: An option cannot be used.
    """
    try:
        service: Any = import_module("celery_otel_api.command")
    except ImportError as error:
        raise click.ClickException(f"The API is not installed ({error}): {MISSING}") from error
    command = service.settings_options(_command(app, service))
    command.main(list(arguments), prog_name=parent.command_path, standalone_mode=False)


def _command(app: Celery, service: Any) -> click.Command:
    @click.command("api")
    def run(**given: Any) -> None:
        """Serves what runs in your Celery workers: an API and a page.

        Every option is also a variable; the option overrules it.
        """
        try:
            service.serve(app, service.ApiSettings.read(**given))
        except service.ConfigurationError as error:
            raise click.UsageError(str(error)) from error

    return run
