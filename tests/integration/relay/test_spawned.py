"""A pool that spawns its children instead of forking them loses what tasks set, and says so."""

from celery_otel_pipeline.polling import wait_until
from tests.integration.relay.conftest import OpenShop, span, stamp

SAID = "celery-otel has no way from this process to its worker"


def test_a_spawned_child_says_what_is_lost(open_shop: OpenShop) -> None:
    """Tasks run in their attempt's span, with its ids in their log lines; one line says that the rest is lost."""
    shop = open_shop(concurrency=1, RELAY_START_METHOD="spawn")
    results = [shop.send("say", f"order {number}") for number in range(3)]
    for result in results:
        result.get(timeout=60)
    assert [None, True] == shop.run("tenant")
    shop.run("everything")
    wait_until(lambda: SAID in shop.worker.log, deadline=20, message=lambda: f"nothing is said\n{shop.worker.log}")
    for number, result in enumerate(results):
        (line,) = [line for line in shop.worker.log.splitlines() if f": order {number}" in line]
        assert f"span_id={span(result)}" in line
        assert f"trace_id={stamp(result).split('-')[1]}" in line
    shop.worker.warm_stop()
    assert 1 == shop.worker.log.count(SAID)
    assert [] == shop.records()
