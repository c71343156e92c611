"""The collector that is attacked takes what is right, and nothing else: a small round of `make attack`."""

from pathlib import Path

from celery_otel_pipeline.collector import Collector
from tests.attacks import receivers


def test_the_collector_bears_garbage(tmp_path: Path) -> None:
    """It lives, a counter that was sent before and after is exact, and no series came of garbage."""
    with Collector(tmp_path) as collector:
        assert [] == receivers.attack(collector, 200, 1).wrong
