"""An error of our own stays our own: the task runs, the error is counted and said once."""

import json

import pytest
from celery.result import AsyncResult
from redis import Redis

from celery_otel_pipeline.redis import RedisServer
from tests.integration.out_of_the_way.breakable import BREAKABLE
from tests.integration.out_of_the_way.conftest import Disturb
from tests.integration.out_of_the_way.disturbed import Disturbed

ERRORS = "celery_otel_hook_errors_total"


@pytest.mark.parametrize("hook", BREAKABLE)
def test_a_hook_that_raises_costs_a_number_and_no_task(hook: str, disturb: Disturb, bare_stop: float) -> None:
    """All tasks succeed though the hook fails for each of them, each failure is counted, and one line tells it."""
    with disturb(BROKEN_HOOK=hook, OTEL_METRICS_EXPORTER="prometheus", OTEL_TRACES_EXPORTER="none") as disturbed:
        assert [2 * number for number in range(20)] == disturbed.run(20)
        disturbed.wait_for(20, ERRORS)
        assert 20 == disturbed.counter(ERRORS, hook=hook)
        disturbed.stop_within(bare_stop)
        (line,) = disturbed.lines
        assert f"celery-otel failed in its hook {hook}" in line
        assert 1 == disturbed.worker.log.count("RuntimeError: broken on purpose")


def test_a_message_from_nowhere_is_run_and_accounted_for(disturb: Disturb, broker: RedisServer) -> None:
    """A message whose routing key is a list, which no broker makes, runs; it is counted, or its hook's error is."""
    with (
        disturb(OTEL_METRICS_EXPORTER="prometheus", OTEL_TRACES_EXPORTER="none") as disturbed,
        Redis.from_url(broker.url) as redis,
    ):
        result = _send_from_nowhere(disturbed, redis)
        assert 42 == result.get(timeout=30)
        assert 1 == disturbed.counter("celery_task_received_total") + disturbed.counter(ERRORS)


def _send_from_nowhere(disturbed: Disturbed, redis: Redis) -> AsyncResult:
    result = disturbed.client.send_task("disturbed.double", [21], queue="elsewhere")
    (raw,) = redis.lrange("elsewhere", 0, 0)
    redis.delete("elsewhere")
    message = json.loads(raw)
    message["properties"]["delivery_info"]["routing_key"] = ["nowhere"]
    redis.lpush(disturbed.queue, json.dumps(message))
    return result
