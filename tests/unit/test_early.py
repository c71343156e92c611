"""What the pools of greenlets need before Celery is imported is done or said."""

import logging

import pytest

from celery_otel_early import GEVENT_VARIABLE, prepare


@pytest.mark.parametrize(
    ("expected", "argv"),
    [
        (1, ["celery", "-A", "shop", "worker", "-P", "gevent"]),
        (1, ["celery", "-A", "shop", "worker", "--pool=gevent"]),
        (0, ["celery", "-A", "shop", "worker", "-P", "prefork"]),
        (0, ["celery", "-A", "shop", "worker"]),
        (0, []),
    ],
)
def test_gevent_that_is_not_patched_is_said(expected: int, argv: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """Only a worker with that pool is told which variable to set."""
    with caplog.at_level(logging.ERROR, "celery_otel"):
        prepare(argv)
    assert expected == caplog.text.count(f"set {GEVENT_VARIABLE}=patch_all")
