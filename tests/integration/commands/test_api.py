"""`celery otel api` serves the API of the application."""

import pytest

from celery_otel_pipeline.fetching import is_reachable
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from tests.integration.commands.conftest import ROOT, Shop


def test_serving(shop: Shop) -> None:
    """It takes the options of celery-otel-api, answers at the port that they name, and ends when it is told to."""
    pytest.importorskip("celery_otel_api.command")
    port = free_port()
    command = shop.command("api", "--port", str(port))
    with Process("api", command, directory=shop.directory, env=shop.environment(), cwd=ROOT) as service:
        url = f"http://{LOOPBACK}:{port}/openapi.json"
        wait_until(lambda: is_reachable(url), deadline=30, message=lambda: service.log_tail)
        assert 0 == service.stop()


def test_an_option_that_cannot_be_used(shop: Shop) -> None:
    """It is named, with the status of a wrong command line."""
    pytest.importorskip("celery_otel_api.command")
    found = shop.run("api", "--port", "no-port")
    assert (2, True) == (found.status, "PORT" in found.errors.upper())
