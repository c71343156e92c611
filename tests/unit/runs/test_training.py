"""A training is told to MAIN at its begin and its end, and on the task's span or one of its own."""

import math
import os
import threading
from functools import partial

import numpy as np
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from opentelemetry import trace
from opentelemetry.trace import StatusCode

import celery_otel
from celery_otel.core.run import RunRecord
from celery_otel.relay_span import RelaySpan, UnsampledSpan
from tests.forked import exit_status_of
from tests.unit.runs.scene import BEGAN, Scene, context, events, span_id, traced
from tests.unit.runs.scene import training_in as block


class UserError(Exception):
    """An error of a user's code."""


def test_a_run_is_told_whole_at_its_begin_and_its_end() -> None:
    """MAIN hears of it at once, and again when it has ended, with all that was said in between."""
    scene = traced()
    with block(scene, "forest", 10) as run:
        (begun,) = scene.line.runs
        run.set(features=4)
        scene.time += 2.5
    told = {"kind": "training", "label": "forest", "pid": os.getpid(), "began": BEGAN, "samples": 10}
    told |= {"id": begun["id"], "iterations": None, "best_score": None}
    assert {**told, "features": None, "seconds": None, "result": None} == begun
    assert {**told, "features": 4, "seconds": 2.5, "result": "success"} == scene.line.runs[-1]
    assert [True, True] == scene.line.patience
    assert all(RunRecord.read(run).told() == run for run in scene.line.runs)


def test_the_begin_record_has_the_attributes_of_the_task_s_span() -> None:
    """What is known when it begins is on the span even of a task whose process is killed."""
    scene = traced()
    block(scene, "forest", 10, 4, data="iris").__enter__()
    expected = {
        "celery.training.model_type": "forest",
        "celery.training.samples": 10,
        "celery.training.features": 4,
        "celery.training.data": "iris",
        "celery.training.runs": 1,
    }
    (record,) = scene.line.records
    assert ("0000000000000022", expected) == (record["span"], record["attributes"])


def test_the_task_s_span_says_what_was_said() -> None:
    """Figures, scores, settings and result are attributes of the task's span, and of an event for the run."""
    scene = traced()
    with block(scene) as run:
        run.set(samples=np.int64(3), parameters={"depth": None, "split": {"min": 2}}, layers=(5, 2), data=["a", 1])
        run.score(np.float32(0.5))
        run.score(f1=1, auc=0.25)
        scene.time += 1
    expected = {
        "celery.training.model_type": "forest",
        "celery.training.samples": 3,
        "celery.training.parameters.depth": "None",
        "celery.training.parameters.split.min": 2,
        "celery.training.layers": [5, 2],
        "celery.training.data": "['a', 1]",
        "celery.training.score.value": 0.5,
        "celery.training.score.f1": 1.0,
        "celery.training.score.auc": 0.25,
        "celery.training.result": "success",
        "celery.training.duration": 1.0,
    }
    said = scene.said()
    found = {key: list(value) if isinstance(value, tuple) else value for key, value in said["attributes"].items()}
    assert {**expected, "celery.training.runs": 1} == found
    (event,) = events(said, "celery.training.run")
    assert expected.keys() == event.keys()


def test_an_exception_makes_it_a_failure_and_goes_on() -> None:
    """It is raised on as it was, and the run is a failure."""
    scene, error = traced(), UserError()
    with pytest.raises(UserError) as raised, block(scene):
        raise error
    assert raised.value is error
    assert "failure" == scene.line.runs[-1]["result"]
    assert "failure" == scene.attributes()["celery.training.result"]


def test_several_runs_of_a_task_are_counted_and_each_is_an_event() -> None:
    """The last one's words are on the span, the number of runs too, and each has an event of its own."""
    scene = traced()
    for number in range(3):
        with block(scene, f"model{number}") as run:
            run.score(number)
    said = scene.said()
    assert ("model2", 3) == tuple(said["attributes"][f"celery.training.{key}"] for key in ("model_type", "runs"))
    told = events(said, "celery.training.run")
    assert [("model0", 0), ("model1", 1), ("model2", 2)] == [
        (event["celery.training.model_type"], event["celery.training.score.value"]) for event in told
    ]
    assert 3 == len({run["id"] for run in scene.line.runs})


def test_many_runs_leave_room_on_the_span() -> None:
    """Their events are bounded, so that none pushes out what the task itself has put there."""
    scene = traced()
    assert scene.span is not None
    scene.span.add_event("the task's own")
    for _ in range(200):
        with block(scene):
            pass
    said = scene.said()
    assert ("the task's own", 121) == (said["events"][0]["name"], len(said["events"]))
    assert 200 == said["attributes"]["celery.training.runs"]


@pytest.mark.parametrize("span", [None, UnsampledSpan(partial(context, sampled=False))], ids=["none", "unsampled"])
def test_without_a_span_it_is_counted_all_the_same(span: UnsampledSpan | None) -> None:
    """With metrics alone, or for a task that is not sampled, the run is told and nothing else."""
    scene = Scene(span=span)
    with block(scene, "forest", 10) as run:
        run.score(0.5)
    assert [{"run"}, {"run"}] == [set(record) for record in scene.line.records]
    assert (10, "success") == tuple(scene.line.runs[-1][key] for key in ("samples", "result"))


def test_outside_of_a_worker_it_is_a_span_of_its_own() -> None:
    """In a script it is a span below the current one, current while it lasts, with the same attributes."""
    scene = Scene(task=False)
    with scene.tracer.start_as_current_span("script") as script, block(scene, "forest", 10) as run:
        run.score(0.5)
        with scene.tracer.start_as_current_span("inside"):
            pass
    inside, training, _ = scene.spans()
    assert ("training forest", trace.SpanKind.INTERNAL) == (training.name, training.kind)
    assert training.parent is not None
    assert script.get_span_context().span_id == training.parent.span_id
    assert inside.parent is not None
    assert inside.parent.span_id == span_id(training)
    assert training.attributes is not None
    assert {"celery.training.samples": 10, "celery.training.runs": 1}.items() <= training.attributes.items()
    assert {"celery.training.result": "success"}.items() <= training.attributes.items()
    assert ["celery.training.run"] == [event.name for event in training.events]
    assert [] == scene.line.records


def test_outside_of_a_worker_a_failure_is_an_error_of_its_span() -> None:
    """The span has the status ERROR, the exception's class and its stack, and not what it says."""
    scene, data = Scene(task=False), "secret"
    with pytest.raises(UserError), block(scene):
        raise UserError(data)
    (span,) = scene.spans()
    assert StatusCode.ERROR == span.status.status_code
    assert span.attributes is not None
    assert ("UserError", "failure") == tuple(span.attributes[key] for key in ("error.type", "celery.training.result"))
    assert ["celery.training.run", "exception"] == [event.name for event in span.events]
    assert "secret" not in span.to_json()
    assert not trace.get_current_span().get_span_context().is_valid


def test_what_makes_no_sense_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    """Counts that are none, scores that are not finite, and what is measured cannot be set: a warning says so."""
    scene = traced()
    with block(scene, "forest", "many") as run:
        run.set(features=-1, result="splendid")
        run.score(math.nan, f1="good")  # type: ignore[arg-type]
    attributes = scene.attributes()
    assert {"model_type", "result", "duration", "runs"} == {key.rpartition(".")[2] for key in attributes}
    assert "success" == attributes["celery.training.result"]
    assert "samples='many'" in caplog.text
    assert "value=nan, f1='good' is no finite score" in caplog.text
    assert "celery.training.result is measured" in caplog.text
    assert [None, None] == [scene.line.runs[-1][key] for key in ("samples", "features")]


def test_what_is_said_after_the_end_is_still_on_the_task_s_span() -> None:
    """A score that is known only after the block is not lost."""
    scene = traced()
    with block(scene) as run:
        pass
    run.score(0.5)
    assert 0.5 == scene.attributes()["celery.training.score.value"]


def test_our_failure_does_not_reach_the_block(caplog: pytest.LogCaptureFixture) -> None:
    """With a way to MAIN that is broken the block runs as if it were not measured; it is counted, and logged once."""
    scene = traced()
    for _ in range(2):
        scene.line.broken = RuntimeError("broken on purpose")
        with block(scene) as run:
            run.score(0.5)
    assert ["success", "success"] == [run["result"] for run in scene.line.runs]
    assert ["run", "run"] == scene.line.notes
    assert 1 == caplog.text.count("celery-otel failed in its hook run")


def test_a_time_limit_at_the_begin_ends_the_run() -> None:
    """One that comes while the begin is being sent reaches the task, and the run is a failure."""
    scene = traced()
    scene.line.broken = SoftTimeLimitExceeded()
    with pytest.raises(SoftTimeLimitExceeded), block(scene):
        pytest.fail("the block must not be entered")
    assert ["failure"] == [run["result"] for run in scene.line.runs]


def test_a_time_limit_at_the_end_does_not_lose_the_run() -> None:
    """One that comes while the end is being sent reaches the task, and the end is sent again."""
    scene = traced()
    with pytest.raises(SoftTimeLimitExceeded), block(scene):
        scene.line.broken = SoftTimeLimitExceeded()
    assert [None, "success"] == [run["result"] for run in scene.line.runs]


def test_a_process_forked_inside_the_block_does_not_end_it() -> None:
    """What a forked process says of the run, and that it leaves the block, has no effect there."""
    scene = traced()
    with block(scene) as run:

        def end_there() -> bool:
            run.set(samples=5)
            run.end(None)
            return len(scene.line.records) == 1

        assert 0 == exit_status_of(end_there)


def test_a_run_is_used_in_threads_of_the_task() -> None:
    """What another thread says of it is on the span of the task where it began."""
    scene = traced()
    with block(scene) as run:
        thread = threading.Thread(target=run.score, args=(0.5,))
        thread.start()
        thread.join()
    assert 0.5 == scene.attributes()["celery.training.score.value"]


def test_the_public_call() -> None:
    """`celery_otel.training` and its decorated functions work where there is neither a worker nor a provider."""
    with celery_otel.training("forest", samples=3, data="iris") as run:
        assert celery_otel.current_training() is run
        run.score(0.5)
    assert 1 == celery_otel.training("forest")(lambda: 1)()


def test_a_span_that_has_ended_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """A thread that outlives its task tells its run to MAIN, without complaints about the span."""
    scene = traced()
    with block(scene) as run:
        assert isinstance(scene.span, RelaySpan)
        scene.span.finish()
        run.score(0.5)
    assert "success" == scene.line.runs[-1]["result"]
    assert "" == caplog.text
