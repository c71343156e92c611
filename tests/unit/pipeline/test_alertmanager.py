"""How the local pipeline adapts the repository's Alertmanager settings."""

from typing import Any

import pytest
import yaml

from celery_otel_pipeline.alertmanager import adapted
from celery_otel_pipeline.repository import ALERTMANAGER_CONFIGURATION

WAITS = {"group_wait": "1s", "group_interval": "2s"}


@pytest.fixture
def settings() -> dict[str, Any]:
    """The repository's own settings."""
    loaded: dict[str, Any] = yaml.safe_load(ALERTMANAGER_CONFIGURATION.read_text())
    return loaded


def test_every_receiver_has_one_webhook_with_its_name(settings: dict[str, Any]) -> None:
    """So a notification says for whom it was."""
    receivers = adapted(settings, "http://here", {})["receivers"]
    assert [one["name"] for one in settings["receivers"]] == [one["name"] for one in receivers]
    assert [f"http://here/{one['name']}" for one in receivers] == [
        one["webhook_configs"][0]["url"] for one in receivers
    ]


def test_waits_are_shorter_wherever_a_route_has_them(settings: dict[str, Any]) -> None:
    """The first route has all of them, whatever its own; a route within it keeps what it does not name to that one."""
    settings["route"] = {"receiver": "a", "routes": [{"receiver": "b", "group_wait": "9m", "repeat_interval": "9h"}]}
    route = adapted(settings, "http://here", WAITS)["route"]
    assert {"receiver": "b", "group_wait": "1s", "repeat_interval": "9h"} == route.pop("routes")[0]
    assert {"receiver": "a", **WAITS} == route


def test_nothing_else_is_changed(settings: dict[str, Any]) -> None:
    """Neither what inhibits what, nor the settings that were given."""
    before = yaml.safe_dump(settings)
    found = adapted(settings, "http://here", WAITS)
    assert settings["inhibit_rules"] == found["inhibit_rules"]
    assert yaml.safe_dump(settings) == before
