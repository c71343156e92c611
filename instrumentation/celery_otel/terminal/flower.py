"""The command `flower`: starts Flower with the defaults of the monitoring guide, and never open to a network.

Flower is an extra. It reads its options from FLOWER_* variables, from flowerconfig.py and from the command line, in
this order, and starts with whatever comes out of that. So it is let to read them first, and that is looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from celery_otel.terminal.flower_access import Access, problem
from celery_otel.terminal.flower_notes import Events, notes
from celery_otel.terminal.flower_secrets import SecretError, exposed, read_secret

MISSING = "pip install 'celery-otel[flower]'"
DEFAULTS: Mapping[str, Any] = {
    "port": 5555,
    "address": "127.0.0.1",
    "url_prefix": "flower",
    "persistent": True,
    "db": "flower.db",
    "max_tasks": 10_000,
    "state_save_interval": 60_000,
}
"""What Flower is told unless somebody says otherwise: the guide's, and a file that is written every minute."""


def serve(
    context: click.Context, given: Mapping[str, Any], arguments: Sequence[str], secret_files: Mapping[str, Path]
) -> None:
    """Serves Flower until it is told to stop.

    Args:
        context: The command's, with the application.
        given: The options that this command has itself, by Flower's names for them; None where nothing was said.
        arguments: Flower's own options, each as `--name=value`.
        secret_files: The files with what must not be on a command line, by Flower's names for it.

    Raises:
        ClickException: The extra is not installed, an option cannot be used, or everyone could come in.
    """
    flower = _installed()
    _refuse(flower, arguments)
    argv = [*_written(given), *arguments, *_secrets(secret_files)]
    _read_options(flower, argv)
    access = Access.of(flower.options)
    if wrong := problem(access):
        raise click.ClickException(wrong)
    for note in notes(access, Events.of(flower.options, context.obj.app.conf)):
        click.echo(f"Note: {note}", err=True)
    _redirect_without_slash(flower)
    # Its parent is `celery`, where Flower looks for options that were put in the wrong place.
    root = context.find_root()
    flower.flower.main(argv, prog_name=context.command_path, parent=root, standalone_mode=False)


def _installed() -> Any:
    try:
        return import_module("flower.command")
    except ImportError as error:
        raise click.ClickException(f"Flower is not installed ({error}): {MISSING}") from error


def _refuse(flower: Any, arguments: Sequence[str]) -> None:
    """Refuses what Flower would leave out without a word, and secrets that others could read.

    Raises:
        UsageError: There is such a one.
    """
    for argument in arguments:
        if not argument.startswith("-"):
            raise click.UsageError(
                f"{argument!r} belongs to no option: Flower's take their value behind =, --name=value."
            )
        if not flower.is_flower_option(argument):
            raise click.UsageError(
                f"Flower has no option {argument.partition('=')[0]}: `celery flower --help` lists them."
            )
        if why := exposed(argument):
            raise click.UsageError(why)


def _written(given: Mapping[str, Any]) -> Iterator[str]:
    return (f"--{name}={value}" for name, value in given.items() if value is not None)


def _secrets(files: Mapping[str, Path]) -> list[str]:
    """Them as options: this command line is one of our own making, which nobody else can read."""
    try:
        return [f"--{name}={read_secret(name, path)}" for name, path in files.items()]
    except SecretError as error:
        raise click.ClickException(str(error)) from error


def _read_options(flower: Any, argv: Sequence[str]) -> None:
    """Lets Flower read its options as it does when it starts, over our defaults.

    Raises:
        ClickException: One of them cannot be used.
    """
    for name, value in DEFAULTS.items():
        setattr(flower.options, name, value)
    try:
        flower.apply_env_options()
        flower.apply_options("flower", argv)
    except (import_module("tornado.options").Error, ValueError, OSError) as error:
        raise click.ClickException(f"Flower cannot use an option, variable or flowerconfig.py: {error}") from error


def _redirect_without_slash(flower: Any) -> None:
    """Leads from /flower, which is the guide's address, to /flower/, which is Flower's."""
    if not flower.options.url_prefix:
        return
    web = import_module("tornado.web")
    prefix = flower.options.url_prefix.strip("/")
    import_module("flower.urls").handlers.insert(
        0, web.url("", web.RedirectHandler, {"url": f"/{prefix}/", "permanent": False})
    )
