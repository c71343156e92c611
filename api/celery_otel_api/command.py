"""`celery-otel-api -A proj.celery_app`: starts the service. `celery-otel-api token`: makes a token."""

import logging
import os
import sys
import traceback
from importlib.metadata import version
from typing import Any

import click
from celery import Celery
from celery.app.utils import find_app

try:
    from celery_otel_api.errors import ConfigurationError
    from celery_otel_api.operation import Scope
    from celery_otel_api.server import address_of, listening, server
    from celery_otel_api.settings import ApiSettings, option, variable
    from celery_otel_api.tokens import new_token
except ModuleNotFoundError as missing:
    raise ImportError(
        f'{missing.name} is missing, which the API needs: pip install "celery-otel[api]"', name=missing.name
    ) from missing

logger = logging.getLogger(__name__)


def serve(app: Celery, settings: ApiSettings) -> None:
    """Serves the API of an application until SIGTERM or SIGINT.

    Args:
        app: The application.
        settings: The options; `ApiSettings.read(port=…)` reads the environment and what is given.

    Raises:
        ConfigurationError: An option has a value that cannot be used, or the port is taken.
    """
    service = server(app, settings)
    with listening(settings) as listener:
        if settings.allow_anyone:
            logger.warning("Everyone who reaches this service may do everything: %s is set", variable("allow_anyone"))
        click.echo(f"celery-otel-api listens on {address_of(listener, settings)}")
        sys.stdout.flush()
        service.run(sockets=[listener])


def settings_options(command: click.Command) -> click.Command:
    """Gives a command an option for every setting; what is not given is None, and left to the environment."""
    for name, field in ApiSettings.model_fields.items():
        named = f"{option(name)}/--no-{option(name)[2:]}" if field.annotation is bool else option(name)
        default = "" if field.annotation is bool or not field.get_default() else f"; {field.get_default()} by default"
        words = f"{str(field.description).capitalize()}  [{variable(name)}{default}]"
        command.params.append(click.Option([named], default=None, help=words))
    return command


def load_application(name: str) -> Celery:
    """The application of this name, found as `celery -A` finds it.

    Raises:
        ConfigurationError: There is none, or it cannot be loaded.
    """
    try:
        found = find_app(name)
    except Exception as error:  # the user's module may raise anything
        raise ConfigurationError(f"--app {name!r} cannot be loaded: {_said(error)}. {_WHAT_APP_IS}") from error
    if not isinstance(found, Celery):
        raise ConfigurationError(
            f"--app {name!r} is a {type(found).__name__}, not a Celery application. {_WHAT_APP_IS}"
        )
    return found


_WHAT_APP_IS = "It is the module of your application, such as proj.celery_app, or module:attribute, as for celery -A."


def _said(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({last.filename}, line {last.lineno})"


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-A", "--app", "app_name", envvar="APP", help="Your Celery application, as for celery -A.")
@click.version_option(version("celery-otel"), prog_name="celery-otel-api")
@click.pass_context
def main(context: click.Context, /, app_name: str | None, **given: Any) -> None:
    """Serves what runs in your Celery workers: an API and a page.

    Every option is also a variable; the option overrules it.
    """
    if context.invoked_subcommand is not None:
        return
    if not app_name:
        raise click.UsageError("Name your application by --app, such as celery-otel-api -A proj.celery_app.")
    try:
        settings = ApiSettings.read(**given)
        serve(load_application(app_name), settings)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from error


settings_options(main)


@main.command()
@click.option("--name", default="", help="Whose it is, for the log; your user name by default.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    default=[Scope.READ.value],
    help="What it allows; give it again for another one. By default: read.",
)
def token(name: str, scopes: tuple[str, ...]) -> None:
    """Makes a token, and the line by which the service knows it.

    The token is on standard output, for you; the line is what you put into the file of --token-file.
    """
    try:
        secret, made = new_token(name or os.environ.get("USER") or "token", map(Scope, scopes))
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"token (it is shown only now): {secret}")
    click.echo(f"line for the token file:      {made.line}")
