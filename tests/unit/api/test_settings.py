"""The options: from variables, from what is given, and their defaults."""

import pytest

from celery_otel_api.errors import ConfigurationError
from celery_otel_api.settings import ApiSettings


def test_what_is_given_comes_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the variable before the default."""
    monkeypatch.setenv("CELERY_OTEL_API_PORT", "9000")
    monkeypatch.setenv("CELERY_OTEL_API_HOST", "::1")
    settings = ApiSettings.read(port=9001, host=None)
    assert (9001, "::1", 2.0) == (settings.port, settings.host, settings.refresh_interval)


@pytest.mark.parametrize("name", ["ALLOWED_HOSTS", "WORKERS", "QUEUES"])
def test_a_list_is_separated_by_commas(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With or without spaces; empty parts are none."""
    monkeypatch.setenv(f"CELERY_OTEL_API_{name}", "one, two,,")
    assert ("one", "two") == getattr(ApiSettings.read(), name.lower())


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As compose files write what is not set."""
    monkeypatch.setenv("CELERY_OTEL_API_PORT", "")
    assert 8000 == ApiSettings.read().port


@pytest.mark.parametrize(
    ("name", "value"), [("port", "65536"), ("deadline", "0"), ("allow_anyone", "perhaps"), ("failures_per_minute", "0")]
)
def test_a_value_that_cannot_be_used_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its option, its variable, and what it is for."""
    monkeypatch.setenv(f"CELERY_OTEL_API_{name.upper()}", value)
    with pytest.raises(ConfigurationError) as caught:
        ApiSettings.read()
    message = str(caught.value)
    assert all(
        part in message for part in (f"--{name.replace('_', '-')}", f"CELERY_OTEL_API_{name.upper()}", repr(value))
    )


def test_secrets_are_not_shown() -> None:
    """Whoever logs the options logs no token and no password."""
    shown = repr(ApiSettings.read(tokens="ann:read:abc", rabbitmq_management_url="http://guest:secret@rabbit"))
    assert not {"abc", "secret"} & {word for word in ("abc", "secret") if word in shown}
