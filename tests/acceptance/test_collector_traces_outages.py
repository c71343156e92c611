"""What becomes of spans when the collector or Jaeger is killed: what is kept for certain arrives, exactly."""

from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.traces.pipeline import NOTHING_BY_CHANCE, TracePipeline
from tests.acceptance.traces.sender import SpanSender, sender_to, trace_id

NEVER = "600s"
LONG_TEXT = "x" * 2000


def failures(sender: SpanSender, count: int) -> Counter[tuple[str, str]]:
    """End so many failed tasks, each of a trace of its own and with much to say; return what must be stored."""
    contexts = [sender.span("pay", error=ValueError("no"), tags={"why": LONG_TEXT}) for _ in range(count)]
    return Counter((trace_id(context), "pay") for context in contexts)


def test_accepted_spans_outlive_the_killed_collector(tmp_path: Path) -> None:
    """With Jaeger away and the collector killed, all kept spans that were accepted are stored once both are back.

    They are more than fits into one message of gRPC, so they also must come in several.
    """
    with TracePipeline(tmp_path, decision_wait=NEVER, settings=NOTHING_BY_CHANCE) as pipeline:
        pipeline.jaeger.kill()
        with sender_to(pipeline.collector) as sender:
            expected = failures(sender, 3000)
            sender.send()
        pipeline.collector.kill()

        pipeline.jaeger.start()
        pipeline.collector.start()
        pipeline.wait_until_sent()

        assert expected == pipeline.stored()


def test_killed_collector_loses_what_waits_for_the_sampling_and_nothing_else(tmp_path: Path) -> None:
    """Spans that no decision was made on die with the collector; those that came later, or are kept, are all there."""
    with TracePipeline(tmp_path, decision_wait=NEVER, settings={"SAMPLING_PERCENTAGE": "100"}) as pipeline:
        with sender_to(pipeline.collector) as sender:
            kept = failures(sender, 10)
            lost = [sender.span("add") for _ in range(10)]
            sender.send()
        pipeline.collector.kill()

        pipeline.collector.start()
        with sender_to(pipeline.collector) as sender:
            later = [sender.span("add") for _ in range(10)]
            sender.send()
        # An orderly end decides on what waits.
        pipeline.collector.restart()
        pipeline.wait_until_sent()

        assert 10 == len(lost)
        assert kept + Counter((trace_id(context), "add") for context in later) == pipeline.stored()


def test_killed_jaeger_keeps_its_traces(tmp_path: Path) -> None:
    """What Jaeger has confirmed is there after SIGKILL, and what was sent while it was away comes when it is back."""
    with TracePipeline(tmp_path, settings=NOTHING_BY_CHANCE) as pipeline, sender_to(pipeline.collector) as sender:
        expected = failures(sender, 100)
        sender.send()
        pipeline.wait_until_sent()
        pipeline.jaeger.kill()

        expected += failures(sender, 100)
        sender.send()
        pipeline.jaeger.start()
        pipeline.wait_until_sent()

        assert expected == pipeline.stored()


def test_full_queue_refuses_and_takes_again(tmp_path: Path) -> None:
    """When Jaeger is away for too long, senders are told so instead of being told that all is well."""
    settings = {**NOTHING_BY_CHANCE, "QUEUE_BYTES": "1048576"}
    with TracePipeline(tmp_path, settings=settings) as pipeline, sender_to(pipeline.collector, timeout=5.0) as sender:
        pipeline.jaeger.kill()
        expected = failures(sender, 400)
        sender.send()
        expected += failures(sender, 200)
        with pytest.raises(AssertionError, match="1 batches were refused"):
            sender.send()

        pipeline.jaeger.start()
        pipeline.wait_until_sent()
        sender.send()
        pipeline.wait_until_sent()

        assert expected == pipeline.stored()
