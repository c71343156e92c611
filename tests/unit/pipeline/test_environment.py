"""The environment of child processes."""

import pytest

from celery_otel_pipeline.environment import child_environment


def test_settings_of_the_field_are_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a developer has set for another program does not reach the processes under test."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://elsewhere")
    monkeypatch.setenv("RABBITMQ_NODENAME", "somebody-else")
    monkeypatch.setenv("COLOUR", "blue")

    environment = child_environment()

    assert environment["COLOUR"] == "blue"
    assert not {"OTEL_SDK_DISABLED", "CELERY_BROKER_URL", "RABBITMQ_NODENAME"} & environment.keys()


def test_additions_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the caller gives is there, over what was inherited."""
    monkeypatch.setenv("COLOUR", "blue")

    environment = child_environment({"COLOUR": "red", "OTEL_SERVICE_NAME": "mine"})

    assert environment["COLOUR"] == "red"
    assert environment["OTEL_SERVICE_NAME"] == "mine"
