"""Which traces the collector keeps: for certain, by the share, and when their spans come late."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from celery_otel_pipeline.repository import COLLECTOR_CONFIGURATION
from tests.acceptance.traces.pipeline import NOTHING_BY_CHANCE, TracePipeline
from tests.acceptance.traces.sender import SpanSender, sender_to, trace_id

NEVER = "600s"
"""A decision that does not come within the test: what arrives has not waited for it."""


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[TracePipeline]:
    """Run a pipeline that keeps nothing by chance."""
    with TracePipeline(tmp_path, settings=NOTHING_BY_CHANCE) as running:
        yield running


def task(sender: SpanSender, name: str, error: BaseException | None = None) -> str:
    """Send off a task and run it; return the trace's id."""
    sent = sender.span(f"send {name}")
    sender.span(f"process {name}", parent=sent, error=error)
    return trace_id(sent)


def both_spans(name: str, *traces: str) -> Counter[tuple[str, str]]:
    """Return what is stored of whole traces: each span once."""
    return Counter((trace, f"{verb} {name}") for trace in traces for verb in ("send", "process"))


def test_every_error_of_a_thousand_traces_is_kept_whole(strict: TracePipeline) -> None:
    """17 of 1000 tasks fail: just those 17 traces are stored, each with all its spans, and each span once."""
    failing = set(range(29, 1000, 59))
    with sender_to(strict.collector) as sender:
        traces = [task(sender, "pay", ValueError("no") if n in failing else None) for n in range(1000)]
        sender.send()
    strict.wait_until_settled(1000)

    assert 17 == len(failing)
    assert both_spans("pay", *(traces[n] for n in failing)) == strict.stored()


def test_slow_timed_out_and_long_waiting_traces_are_kept(strict: TracePipeline) -> None:
    """A task over the threshold, one that says timeout without an error and one that waited too long are kept whole."""
    with sender_to(strict.collector) as sender:
        quick = sender.span("send quick")
        sender.span("process quick", parent=quick, seconds=9.99)
        slow = sender.span("send slow")
        sender.span("process slow", parent=slow, seconds=10)
        late = sender.span("send late")
        sender.span("process late", parent=late, tags={"error.type": "timeout"})
        patient = sender.span("send patient")
        sender.span("process patient", parent=patient, delay=10)
        sender.send()
    strict.wait_until_settled(4)

    expected = both_spans("slow", trace_id(slow)) + both_spans("late", trace_id(late))
    assert expected + both_spans("patient", trace_id(patient)) == strict.stored()


@pytest.mark.parametrize("share", ["0", "100"])
def test_the_share_of_the_rest_is_what_is_configured(share: str, tmp_path: Path) -> None:
    """At 0 no ordinary trace is stored, at 100 every one."""
    with TracePipeline(tmp_path, settings={"SAMPLING_PERCENTAGE": share}) as pipeline:
        with sender_to(pipeline.collector) as sender:
            traces = [task(sender, "pay") for _ in range(100)]
            sender.send()
        pipeline.wait_until_settled(100)

        assert (both_spans("pay", *traces) if share == "100" else Counter()) == pipeline.stored()


def test_spans_that_come_after_the_decision_follow_it(tmp_path: Path) -> None:
    """Of a trace there is all or nothing, whichever the decision was, when half of it comes after the decision.

    At 50 %, of 200 traces some are kept and some are not. A kept one is remembered, another is decided on again, with
    the same result.
    """
    with TracePipeline(tmp_path, settings={"SAMPLING_PERCENTAGE": "50"}) as pipeline:
        with sender_to(pipeline.collector) as sender:
            sent = [sender.span("send pay") for _ in range(200)]
            sender.send()
            pipeline.wait_until_settled(200)
            kept = pipeline.stored()
            for context in sent:
                sender.span("process pay", parent=context)
            sender.send()
        # The last one that was not kept is still remembered: it is not decided on again.
        pipeline.wait_until_settled(200 + 200 - len(kept) - 1)

        assert 0 < len(kept) < 200
        assert both_spans("pay", *(trace for trace, _ in kept)) == pipeline.stored()


def test_error_that_comes_after_its_trace_was_dropped_is_kept(strict: TracePipeline) -> None:
    """A task that fails long after the sampling has dropped its trace is stored, with what comes along with it."""
    with sender_to(strict.collector) as sender:
        sent = sender.span("send pay")
        sender.send()
        strict.wait_until_settled(1)
        task(sender, "other")
        sender.send()
        strict.wait_until_settled(2)

        failed = sender.span("process pay", parent=sent, error=ValueError("no"))
        sender.span("GET /account", parent=failed)
        sender.send()
    strict.wait_until_settled(3)

    trace = trace_id(sent)
    assert Counter([(trace, "process pay"), (trace, "GET /account")]) == strict.stored()


@pytest.mark.parametrize(
    "tags",
    [
        {"celery.training.model_type": "classifier"},
        {"celery.tuning.method": "grid"},
        {"celery.keep": True},
        {"celery.task.name": "shop.close_the_year"},
    ],
    ids=lambda tags: next(iter(tags)),
)
def test_what_must_be_kept_does_not_wait_for_the_sampling(tags: dict[str, str | bool], tmp_path: Path) -> None:
    """Training, tuning, a chosen task and a span that says so are stored at once; the rest of the trace is sampled."""
    settings = {**NOTHING_BY_CHANCE, "KEEP_TASKS": "shop[.]close_.*|shop[.]audit"}
    with TracePipeline(tmp_path, decision_wait=NEVER, settings=settings) as pipeline:
        with sender_to(pipeline.collector) as sender:
            sent = sender.span("send it")
            sender.span("process it", parent=sent, tags=tags)
            task(sender, "other")
            sender.send()
        pipeline.wait_until_sent()
        assert Counter([(trace_id(sent), "process it")]) == pipeline.stored()

        # An orderly end is a decision too.
        pipeline.collector.restart()
        pipeline.wait_until_sent()
        assert both_spans("it", trace_id(sent)) == pipeline.stored()


def test_kept_spans_say_so(strict: TracePipeline) -> None:
    """Who wonders why a span is there finds the mark on it, and on no other span of its trace."""
    with sender_to(strict.collector) as sender:
        trace = task(sender, "pay", ValueError("no"))
        sender.send()
    strict.wait_until_settled(1)

    assert [None, True] == [span.tags.get("celery.keep") for span in strict.jaeger.trace(trace).spans]


def test_example_of_a_pipeline_for_one_environment_works(tmp_path: Path) -> None:
    """With the comment marks taken out, all of staging is kept, and the rest is sampled as before."""
    configuration = tmp_path / "with-staging.yaml"
    configuration.write_text(uncommented())
    with TracePipeline(tmp_path, settings=NOTHING_BY_CHANCE, configurations=[configuration]) as pipeline:
        stored = []
        for environment in ("staging", "production"):
            with sender_to(pipeline.collector, {"deployment.environment.name": environment}) as sender:
                stored.append(task(sender, environment))
                sender.send()
        pipeline.wait_until_settled(1)

        assert both_spans("staging", stored[0]) == pipeline.stored()


def uncommented() -> str:
    """Return the collector's configuration with its example in force."""
    example = r"^( +)# (- condition: resource|  pipelines:|traces/staging:|  receivers:|  processors:|  exporters:)"
    return re.sub(example, r"\1\2", COLLECTOR_CONFIGURATION.read_text(), flags=re.MULTILINE)
