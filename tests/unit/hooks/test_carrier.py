"""Records travel through sockets where the pool has processes, and by a plain call where it has none."""

import pytest
from celery.concurrency import get_implementation

from celery_otel.hooks.carrier import carrier_for
from celery_otel.relay import DirectRelay, Relay


@pytest.mark.parametrize(
    ("pool", "expected"), [("prefork", Relay), ("processes", Relay), ("solo", DirectRelay), ("threads", DirectRelay)]
)
def test_the_pool_decides(pool: str, expected: type) -> None:
    """Celery's pools, and those that are built on them."""
    for pool_cls in (get_implementation(pool), type("Own", (get_implementation(pool),), {})):
        carrier = carrier_for(pool_cls, lambda *_: None)
        assert expected is type(carrier)
        carrier.close()
