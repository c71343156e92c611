"""In a prefork worker, what a task sets on its current span reaches MAIN."""

from tests.integration.relay.conftest import OpenShop, span, stamp
from tests.integration.relay.harness import UNSAMPLED, stamp_of


def test_all_that_a_task_sets_arrives(open_shop: OpenShop) -> None:
    """Attributes of every type, event, exception, link, status and name come as they were set."""
    shop = open_shop()
    result = shop.send("everything")
    (record,) = shop.wait_for_records(1)
    exception = record["events"].pop()
    expected = {
        "span": span(result),
        "name": "pack an order",
        "attributes": {
            "shop.text": "naïve",
            "shop.number": 7,
            "shop.share": 0.5,
            "shop.vip": True,
            "shop.items": ["a", "b"],
        },
        "events": [{"name": "packed", "time": 1, "attributes": {"boxes": 2}}],
        "links": [
            {"traceparent": f"00-{10:032x}-{11:016x}-01", "remote": True, "attributes": {"why": "replaced"}},
        ],
        "status": {"code": "ERROR", "description": "out of boxes"},
    }
    assert expected == record
    assert ("KeyError", "'box'") == tuple(exception["attributes"][f"exception.{key}"] for key in ("type", "message"))


def test_the_record_is_there_before_the_end(open_shop: OpenShop) -> None:
    """When MAIN hears of an attempt's end, it has what its task said; of 500 tasks, of all."""
    shop = open_shop()
    results = [shop.send("note") for _ in range(500)]
    for result in results:
        result.get(timeout=60)
    shop.worker.warm_stop()
    ends = {line["ended"]: line["there"] for line in shop.lines() if "ended" in line}
    assert dict.fromkeys(map(span, results), True) == ends
    assert 500 == len(shop.records())
    assert {} == shop.notes()


def test_a_task_that_sets_nothing_sends_nothing(open_shop: OpenShop) -> None:
    """It finds its own span, and costs no datagram; the next one's is the first that comes."""
    shop = open_shop(concurrency=1)
    quiet = [shop.send("quiet") for _ in range(10)]
    assert [stamp(result) for result in quiet] == [result.get(timeout=60) for result in quiet]
    shop.run("note")
    assert 1 == len(shop.wait_for_records(1))


def test_an_unsampled_task_sends_nothing(open_shop: OpenShop) -> None:
    """It has a current span with its ids that records nothing."""
    shop = open_shop(concurrency=1)
    result = shop.send("quiet", **{UNSAMPLED: "1"})
    assert stamp_of(result.id, sampled=False) == result.get(timeout=60)
    assert [None, False] == shop.run("tenant", **{UNSAMPLED: "1"})
    shop.run("note", **{UNSAMPLED: "1"})
    sampled = shop.send("note")
    assert [span(sampled)] == [record["span"] for record in shop.wait_for_records(1)]


def test_baggage_arrives_in_the_task(open_shop: OpenShop) -> None:
    """What the publisher put into its baggage is there for the task, which is in its own attempt's span."""
    shop = open_shop()
    assert ["a", True] == shop.run("tenant", baggage="tenant=a", traceparent=f"00-{'1' * 32}-{'2' * 16}-01")
    assert [None, True] == shop.run("tenant")
