"""In pools without processes, tasks that interleave in MAIN each have their own current span, by a plain call."""

import pytest

from tests.integration.relay.conftest import OpenShop, span, stamp

TASKS, TIMES = 30, 5


@pytest.mark.parametrize("pool", ["threads", "gevent", "eventlet", "solo"])
def test_each_task_has_its_own_span(open_shop: OpenShop, pool: str) -> None:
    """Tasks that take turns find their own ids each time, and every record arrives, before MAIN hears of the end."""
    shop = open_shop(pool=pool, concurrency=10)
    results = [shop.send("pause", TIMES) for _ in range(TASKS)]
    assert [[stamp(result)] * TIMES for result in results] == [result.get(timeout=60) for result in results]
    records = {record["span"]: [event["name"] for event in record["events"]] for record in shop.wait_for_records(TASKS)}
    assert {span(result): [f"{number}" for number in range(TIMES)] for result in results} == records
    assert {"there": True} == {key: line[key] for line in shop.lines() if "ended" in line for key in ("there",)}


@pytest.mark.parametrize("pool", ["threads", "gevent", "eventlet", "solo"])
def test_a_task_that_sets_nothing_leaves_nothing(open_shop: OpenShop, pool: str) -> None:
    """Its span is its own, there is no record of it, and the next task has its own baggage and span."""
    shop = open_shop(pool=pool)
    first = shop.send("quiet", baggage="tenant=a")
    assert stamp(first) == first.get(timeout=60)
    assert ["b", True] == shop.run("tenant", baggage="tenant=b")
    assert [None, True] == shop.run("tenant")
    last = shop.send("everything")
    last.get(timeout=60)
    assert [span(last)] == [record["span"] for record in shop.wait_for_records(1)]
