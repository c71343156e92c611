"""A search tells MAIN how far it is, and the span which candidates it has tried."""

import math
import os
import threading
from typing import Any

import numpy as np
import pytest

import celery_otel
from celery_otel.run_block import Block
from celery_otel.tuning_run import _CURRENT, TuningRun
from tests.unit.runs.scene import Scene, events, span_id, traced, training_in


def block(scene: Scene, method: str = "grid", *, maximize: bool = True, **attributes: Any) -> Block[TuningRun]:
    """What `tuning` gives, in a scene."""
    return Block(lambda: TuningRun(method, attributes, around=scene.around, maximize=maximize), _CURRENT)


def test_a_search_is_told_at_its_begin_with_each_iteration_and_at_its_end() -> None:
    """MAIN hears of iterations without waiting for room, and of begin and end with."""
    scene = traced()
    with block(scene) as search:
        search.iteration(score=0.5, depth=1)
        search.iteration(score=0.75, depth=2)
        search.iteration(score=0.25, depth=3)
        scene.time += 2
    assert [(0, None), (1, 0.5), (2, 0.75), (3, 0.75), (3, 0.75)] == [
        (run["iterations"], run["best_score"]) for run in scene.line.runs
    ]
    assert [True, False, False, False, True] == scene.line.patience
    ended = {"kind": "tuning", "label": "grid", "pid": os.getpid(), "seconds": 2.0, "result": "success"}
    assert ended.items() <= scene.line.runs[-1].items()
    assert (0.75, 3, {"depth": 2}) == (search.best_score, search.iterations, search.best_parameters)


def test_the_span_of_a_killed_task_knows_how_far_the_search_was() -> None:
    """What goes to MAIN with an iteration has the number of iterations and the best score for the span."""
    scene = traced()
    search = block(scene).__enter__()
    search.iteration(score=0.5)
    expected = {"celery.tuning.iterations": 1, "celery.tuning.best_score": 0.5}
    assert ("0000000000000022", expected) == (scene.line.records[-1]["span"], scene.line.records[-1]["attributes"])


def test_the_span_says_what_was_tried_and_what_was_best() -> None:
    """Each iteration is an event; the last event has all figures, with the best iteration and its parameters."""
    scene = traced()
    with block(scene, data="iris") as search:
        search.iteration(score=0.5, depth=1, criterion="gini")
        search.iteration(score=0.75, depth=None, criterion="log")
        search.iteration(depth=3)
        scene.time += 2
    figures = {
        "celery.tuning.method": "grid",
        "celery.tuning.maximize": True,
        "celery.tuning.data": "iris",
        "celery.tuning.iterations": 3,
        "celery.tuning.best_score": 0.75,
        "celery.tuning.result": "success",
        "celery.tuning.duration": 2.0,
    }
    best = {"celery.tuning.parameter.depth": "None", "celery.tuning.parameter.criterion": "log"}
    said = scene.said()
    assert {**figures, "celery.tuning.runs": 1} == said["attributes"]
    assert [
        {
            "celery.tuning.iteration": 1,
            "celery.tuning.score": 0.5,
            "celery.tuning.parameter.depth": 1,
            "celery.tuning.parameter.criterion": "gini",
        },
        {"celery.tuning.iteration": 2, "celery.tuning.score": 0.75, **best},
        {"celery.tuning.iteration": 3, "celery.tuning.parameter.depth": 3},
    ] == events(said, "celery.tuning.iteration")
    assert [{**figures, **best, "celery.tuning.best_iteration": 2}] == events(said, "celery.tuning.run")


def test_a_loss_is_minimized() -> None:
    """With `maximize=False` the smallest score is the best, the first of equal ones."""
    scene = traced()
    with block(scene, maximize=False) as search:
        for number, loss in enumerate([3.0, 1.0, 2.0, 1.0]):
            search.iteration(score=loss, number=number)
    assert (1.0, {"number": 1}) == (search.best_score, search.best_parameters)
    assert scene.attributes()["celery.tuning.maximize"] is False


def test_the_direction_may_turn_out_later() -> None:
    """When it is set, the scores so far count by it."""
    scene = traced()
    with block(scene) as search:
        search.iteration(score=1)
        search.iteration(score=2)
        assert 2.0 == search.best_score
        search.maximize = False
        assert 1.0 == search.best_score
    assert 1.0 == scene.line.runs[-1]["best_score"]


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, np.float32("nan"), "good", [1.0, 2.0]])
def test_what_is_no_finite_score_is_never_the_best(score: Any, caplog: pytest.LogCaptureFixture) -> None:
    """It is an iteration, is counted as invalid, said in its event, and logged once."""
    scene = traced()
    with block(scene) as search:
        for each in (score, 0.5, score):
            search.iteration(score=each)
    attributes = (said := scene.said())["attributes"]
    assert (3, 2, 0.5) == tuple(
        attributes[f"celery.tuning.{key}"] for key in ("iterations", "invalid_scores", "best_score")
    )
    first = events(said, "celery.tuning.iteration")[0]
    assert str(score) == first["celery.tuning.invalid_score"]
    assert "celery.tuning.score" not in first
    assert 1 == caplog.text.count("is not finite: it is never the best one")


def test_a_search_without_a_score_has_no_best_one() -> None:
    """There is neither an attribute nor a figure for it."""
    scene = traced()
    with block(scene) as search:
        search.iteration(score=math.nan)
    assert scene.line.runs[-1]["best_score"] is None
    assert "celery.tuning.best_score" not in scene.attributes()
    assert {} == search.best_parameters


def test_of_many_iterations_the_first_are_shown_and_the_best_is_told() -> None:
    """A hundred are events, all are counted, and the best one is in the last event though it came later."""
    scene = traced()
    with block(scene) as search:
        for number in range(1000):
            search.iteration(score=number, number=number)
    said = scene.said()
    assert list(range(1, 101)) == [
        event["celery.tuning.iteration"] for event in events(said, "celery.tuning.iteration")
    ]
    (ended,) = events(said, "celery.tuning.run")
    assert (1000, 1000, 999.0, 999) == tuple(
        ended[f"celery.tuning.{key}"] for key in ("iterations", "best_iteration", "best_score", "parameter.number")
    )


def test_main_is_not_flooded() -> None:
    """After the first hundred iterations MAIN is told once a second."""
    scene = traced()
    with block(scene) as search:
        for _ in range(100):
            search.iteration()
        told = len(scene.line.records)
        for _ in range(12):
            scene.time += 0.25
            search.iteration()
    assert 101 == told
    assert [104, 108, 112, 112] == [run["iterations"] for run in scene.line.runs[told:]]


def test_a_training_in_a_search_is_on_the_same_span() -> None:
    """Both have their attributes and events there, and each is counted for itself."""
    scene = traced()
    with block(scene) as search:
        for depth in (1, 2):
            with training_in(scene) as run:
                run.score(depth)
            search.iteration(score=depth, depth=depth)
    said = scene.said()
    assert (2, 1) == (said["attributes"]["celery.training.runs"], said["attributes"]["celery.tuning.runs"])
    kinds = ["training.run", "tuning.iteration", "training.run", "tuning.iteration", "tuning.run"]
    assert [f"celery.{kind}" for kind in kinds] == [event["name"] for event in said["events"]]
    assert {"training": 2, "tuning": 1} == {
        kind: len({run["id"] for run in scene.line.runs if run["kind"] == kind}) for kind in ("training", "tuning")
    }


def test_iterations_of_many_threads_are_all_counted() -> None:
    """Threads that tell at once lose nothing."""
    scene = Scene()

    def work(search: TuningRun) -> None:
        for _ in range(200):
            search.iteration(score=1)

    with block(scene) as search:
        threads = [threading.Thread(target=work, args=(search,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert 800 == scene.line.runs[-1]["iterations"]


def test_after_the_end_an_iteration_has_no_effect(caplog: pytest.LogCaptureFixture) -> None:
    """It comes too late to be counted, and a warning says so."""
    scene = traced()
    with block(scene) as search:
        search.iteration(score=1)
    search.iteration(score=2)
    assert (1, 1.0) == (search.iterations, search.best_score)
    assert "its block has ended" in caplog.text


def test_outside_of_a_worker_it_is_a_span_of_its_own() -> None:
    """With iterations as its events, and a training below it."""
    scene = Scene(task=False)
    with block(scene) as search:
        with training_in(scene):
            pass
        search.iteration(score=0.5)
    training, tuning = scene.spans()
    assert ("training forest", "tuning grid") == (training.name, tuning.name)
    assert training.parent is not None
    assert span_id(tuning) == training.parent.span_id
    assert ["celery.tuning.iteration", "celery.tuning.run"] == [event.name for event in tuning.events]
    assert tuning.attributes is not None
    assert 0.5 == tuning.attributes["celery.tuning.best_score"]


def test_the_public_call() -> None:
    """`celery_otel.tuning` works where there is neither a worker nor a provider, and so does its decorator."""
    with celery_otel.tuning("grid", data="iris") as search:
        assert celery_otel.current_tuning() is search
        search.iteration(score=1, depth=2)
    assert 1.0 == search.best_score

    @celery_otel.tuning("random", maximize=False)
    def look() -> float | None:
        celery_otel.current_tuning().iteration(score=3)
        celery_otel.current_tuning().set(data="wine")
        return celery_otel.current_tuning().best_score

    assert 3.0 == look()
    celery_otel.current_tuning().iteration(score=1)
