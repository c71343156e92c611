"""What the pages and spans of the monitors say, read right, and the table that is made of it."""

from collections import Counter

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.acceptance.ledger.plan import ran, total
from tests.benchmarks.counts import ended
from tests.benchmarks.counts.ended import Ended
from tests.benchmarks.counts.report import details, table
from tests.benchmarks.counts.score import Score

EXPORTER = """\
# TYPE celery_task_succeeded_total counter
celery_task_succeeded_total{hostname="a",name="t",queue_name="q"} 3.0
celery_task_succeeded_total{hostname="b",name="t",queue_name="q"} 2.0
# TYPE celery_task_failed_total counter
celery_task_failed_total{exception="ValueError",hostname="a",name="t",queue_name="q"} 1.0
# TYPE celery_task_sent_total counter
celery_task_sent_total{hostname="a",name="t",queue_name="q"} 6.0
"""
FLOWER = """\
# TYPE flower_events_total counter
flower_events_total{task="t",type="task-succeeded",worker="a"} 5.0
flower_events_total{task="t",type="task-received",worker="a"} 6.0
flower_events_total{task="t",type="task-failed",worker="a"} 2.0
"""
PLANNED = Counter({Ended("t", "success"): 5, Ended("t", "failure"): 1})


def test_the_plan_has_each_attempt_once() -> None:
    """Of a plan's series only those that count ends are taken."""
    plan = total(ran("t", "q", "success"), ran("t", "q", "success"), ran("t", "q", "retry", "KeyError"))
    assert Counter({Ended("t", "success"): 2, Ended("t", "retry"): 1}) == ended.of_plan(plan)


def test_workers_and_exceptions_are_summed() -> None:
    """celery-exporter has a series for each worker and exception; what was sent is no end."""
    assert ended.of_celery_exporter(EXPORTER) == PLANNED


def test_events_that_are_no_ends_are_left_out() -> None:
    """Flower counts every kind of event in one counter."""
    assert Counter({Ended("t", "success"): 5, Ended("t", "failure"): 2}) == ended.of_flower(FLOWER)


def test_spans_are_counted_by_the_state_they_bear() -> None:
    """A consumer span of the upstream instrumentation is one attempt; a producer's is none."""
    said = {"celery.task_name": "t", "celery.state": "SUCCESS"}
    attributes = [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in said.items()]
    consumer = Span(kind=Span.SpanKind.SPAN_KIND_CONSUMER, attributes=attributes)
    producer = Span(kind=Span.SpanKind.SPAN_KIND_PRODUCER, attributes=attributes)
    assert Counter({Ended("t", "success"): 1}) == ended.of_upstream([consumer, producer])


def test_the_table_shows_what_is_wrong() -> None:
    """A count that is wrong stands beside the right one, and is no right count."""
    score = Score("Flower", PLANNED, ended.of_flower(FLOWER), deaths=1)
    *_, row = table([score]).splitlines()
    assert row == "| Flower | 1 of 2 | 5 | **2** of 1 | 0 | 0 | 0 | 0 | 1 |"
    assert details([score]).endswith("t failure: 1 happened, 2 shown")
