"""Every run of a periodic task is a trace of its own, and from a producer."""

import sys
from pathlib import Path

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import Process
from tests.integration.traces.conftest import ROOT, Traced

RUNS = 3


def assert_each_run_is_a_trace(traced: Traced) -> None:
    """Beat's publishes arrive, each the root of a trace, from the producers' service."""
    wait_until(
        lambda: len(traced.sink.spans(kind="PRODUCER")) >= RUNS,
        deadline=30,
        message=lambda: f"too few: {traced.names}",
    )
    spans = traced.sink.spans(kind="PRODUCER")
    assert {(f"send {traced.queue}", "", "traces-producer")} == {
        (span.name, span.parent_id, span.service) for span in spans
    }
    assert len(spans) == len({span.trace_id for span in spans})


def test_beat_in_a_process_of_its_own(traced: Traced, tmp_path: Path) -> None:
    """`celery beat` is a producer."""
    argv = [sys.executable, "-m", "celery", "-A", "tests.integration.traces.application:app", "beat"]
    env = traced.environment(TRACES_BEAT=traced.queue, TRACES_LIBRARIES="yes")
    schedule = ["-s", str(tmp_path / "schedule"), "--pidfile", ""]
    with Process("beat", [*argv, *schedule], directory=tmp_path, env=env, cwd=ROOT):
        assert_each_run_is_a_trace(traced)


def test_beat_inside_a_worker(traced: Traced, tmp_path: Path) -> None:
    """With `-B`, beat is a producer although its worker is none."""
    traced.worker("application", "-B", "-s", str(tmp_path / "schedule"), TRACES_BEAT=traced.queue)
    assert_each_run_is_a_trace(traced)
