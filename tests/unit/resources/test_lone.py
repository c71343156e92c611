"""A process that waits to export by itself has nothing of a monitor until then."""

import pytest

from celery_otel import names
from celery_otel.resources.lone import LoneMonitor
from celery_otel.resources.reading import Reading
from celery_otel.settings import Settings
from celery_otel_pipeline.polling import wait_until

ENVIRON = {"OTEL_METRICS_EXPORTER": "prometheus"}


class Fixed:
    """A meter that always says the same, and how many of it were made."""

    made = 0

    def __init__(self) -> None:
        Fixed.made += 1

    def read(self) -> Reading:
        """The reading."""
        return Reading({names.PROCESS_COUNT: 3})


@pytest.mark.parametrize(("expected", "grace"), [(1, 0.0), (0, 60.0)])
def test_it_reads_when_its_time_has_come(expected: int, grace: float, caplog: pytest.LogCaptureFixture) -> None:
    """One that ends before has read nothing, as in a process that turned out to be a worker; the port is a worker's."""
    Fixed.made = 0
    lone = LoneMonitor(Settings.read(ENVIRON), "shop", "web", 0.01, grace=grace, open_meter=Fixed)
    lone.start()
    lone.configure(0.02, "batch")
    wait_until(lambda: Fixed.made == expected, deadline=10, message="nothing is read", interval=0.01)
    lone.close()
    said = ["the port would be missing to a worker" in line for line in caplog.messages]
    assert ([True] * expected, expected) == (said, Fixed.made)
