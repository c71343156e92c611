"""The workers' options, for who asks by them: that they cannot be used is said by the checks of the environment."""

from collections.abc import Mapping

from celery_otel.errors import ConfigurationError
from celery_otel.settings import Settings


def usable_settings(environ: Mapping[str, str]) -> Settings | None:
    """The options in this environment; None where they cannot be used."""
    try:
        return Settings.read(environ)
    except ConfigurationError:
        return None
