"""A block is a context manager and a decorator: each call of what it decorates is a run of its own."""

from typing import Any

import pytest
from celery import Celery

import celery_otel
from tests.unit.runs.scene import events, traced
from tests.unit.runs.scene import training_in as block


def test_a_decorated_function_is_a_run_for_each_call() -> None:
    """It takes and gives what the function does, and finds its run, in calls that overlap too."""
    scene = traced()

    @block(scene)
    def fit(depth: int, *, score: float = 0.0) -> int:
        """Fits."""
        celery_otel.current_training().score(score)
        return depth + (fit(depth - 1, score=score - 1) if depth else 0)

    assert 3 == fit(2, score=2.0)
    assert ("fit", "Fits.") == (fit.__name__, fit.__doc__)
    scores = [event["celery.training.score.value"] for event in events(scene.said(), "celery.training.run")]
    assert [0.0, 1.0, 2.0] == scores


def test_a_decorated_coroutine_is_measured_until_it_ends() -> None:
    """The run of `async def` ends when it has been awaited."""
    scene = traced()

    @block(scene)
    async def fit() -> str:
        scene.time += 3
        return "fitted"

    coroutine = fit()
    assert [] == scene.line.records
    with pytest.raises(StopIteration, match="fitted"):
        coroutine.send(None)
    assert 3.0 == scene.line.runs[-1]["seconds"]


def test_a_decorated_generator_is_measured_until_it_ends() -> None:
    """The run of a generator begins with its first item and ends with its last."""
    scene = traced()

    @block(scene)
    def epochs() -> Any:
        yield 1
        scene.time += 3
        yield 2

    generator = epochs()
    assert [] == scene.line.records
    assert [1, 2] == list(generator)
    assert 3.0 == scene.line.runs[-1]["seconds"]


def test_an_asynchronous_generator_cannot_be_decorated() -> None:
    """It is refused where it is decorated, with what to do instead."""

    async def epochs() -> Any:
        yield 1

    with pytest.raises(TypeError, match="use `with` inside it"):
        block(traced())(epochs)


def test_a_task_cannot_be_decorated() -> None:
    """It would be no task any more: the error says in which order the decorators belong."""
    app = Celery(set_as_current=False)

    def fit() -> None:
        """Nothing."""

    with pytest.raises(TypeError, match="below `@app"):
        celery_otel.training("forest")(app.task(fit))


def test_without_a_run_the_current_one_tells_nobody() -> None:
    """Code that is called outside of any training may say what it likes."""
    celery_otel.current_training().score(0.5)
    celery_otel.current_training().set(samples=5)
