"""Without children, the relay is a plain call."""

from collections import Counter

import pytest

from celery_otel import relay as module
from celery_otel.relay import DirectRelay
from celery_otel.relay_sender import DROPPED


def test_a_record_is_handed_over() -> None:
    """In a pool without processes a record is handed over as it is, and counts are told at once."""
    counts: Counter[str] = Counter()
    relay = DirectRelay(lambda what, number: counts.update({what: number}))
    record = {"span": "5", "attributes": {"a": (1, 2)}}
    assert relay.send(record)
    relay.note("task_prerun")
    relay.tell()
    assert {"task_prerun": 1} == counts
    assert relay.fileno() is None
    (drained,) = relay.drain()
    assert record is drained
    assert [] == relay.drain()


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that nobody drains do not pile up: beyond a number they are dropped and counted."""
    monkeypatch.setattr(module, "MOST", 10)
    counts: Counter[str] = Counter()
    relay = DirectRelay(lambda what, number: counts.update({what: number}))
    assert [True] * 10 + [False] * 2 == [relay.send({"span": f"{number}"}) for number in range(12)]
    assert {DROPPED: 2} == counts
    assert 10 == len(relay.drain())
    assert relay.send({"span": "next"})
    relay.close()
    assert [] == relay.drain()
