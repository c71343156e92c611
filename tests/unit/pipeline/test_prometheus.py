"""The repository's Prometheus settings, and how the local pipeline adapts them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from celery_otel_pipeline.prometheus import FEATURES, adapted
from celery_otel_pipeline.repository import PROMETHEUS_CONFIGURATION, ROOT


@pytest.fixture
def settings() -> dict[str, Any]:
    """Return the repository's own settings."""
    loaded: dict[str, Any] = yaml.safe_load(PROMETHEUS_CONFIGURATION.read_text())
    return loaded


def test_known_job_keeps_its_settings(settings: dict[str, Any]) -> None:
    """The workers' job is scraped elsewhere, still with the workers' own labels."""
    job = adapted(settings, {"celery_workers": "127.0.0.1:1"}, "1s")["scrape_configs"]

    assert job == [
        {"job_name": "celery_workers", "honor_labels": True, "static_configs": [{"targets": ["127.0.0.1:1"]}]}
    ]


def test_other_job_is_added_plainly(settings: dict[str, Any]) -> None:
    """A job that the repository does not know is scraped with Prometheus's defaults."""
    jobs = adapted(settings, {"mine": "127.0.0.1:2"}, "1s")["scrape_configs"]

    assert jobs == [{"job_name": "mine", "static_configs": [{"targets": ["127.0.0.1:2"]}]}]


def test_intervals_are_replaced_and_the_file_is_not_changed(settings: dict[str, Any]) -> None:
    """A timeout longer than the interval would be refused, so all are set; the settings given stay as they were."""
    before = yaml.safe_dump(settings)

    assert adapted(settings, {}, "2s")["global"] == {
        "scrape_interval": "2s",
        "scrape_timeout": "2s",
        "evaluation_interval": "2s",
    }
    assert yaml.safe_dump(settings) == before


def test_rules_and_alertmanager_are_those_that_are_given(settings: dict[str, Any]) -> None:
    """Rules and whom to tell are the caller's: those of compose.yaml are nowhere but there."""
    without = adapted(settings, {}, "1s")
    told = adapted(settings, {}, "1s", rules=Path("/r"), alertmanager="127.0.0.1:9")

    assert ([], {"alertmanagers": []}) == (without["rule_files"], without["alerting"])
    assert told["rule_files"] == ["/r/*.yml"]
    assert told["alerting"] == {"alertmanagers": [{"static_configs": [{"targets": ["127.0.0.1:9"]}]}]}


def test_compose_starts_prometheus_with_the_same_features() -> None:
    """What the tests prove holds with Docker too only if the feature flags are the same."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())

    assert f"--enable-feature={FEATURES}" in compose["services"]["prometheus"]["command"]
