"""A run is counted once, wherever in a task it is, on every kind of pool, with spans and without."""

import pytest

from tests.integration.runs.conftest import Lab, OpenLab

CASES = [("prefork", True), ("prefork", False), ("threads", True), ("solo", False)]
EVERYWHERE = ("here", "fails", "thread", "fork", "fork_killed", "program")
RUNS = {
    ("outer", "success"): 1,
    ("here", "success"): 1,
    ("fails", "failure"): 1,
    ("thread", "success"): 1,
    ("context", "success"): 1,
    ("fork", "success"): 1,
    ("fork_killed", "failure"): 1,
    ("program", "success"): 1,
}
KEPT = {
    "here": ("here", "success"),
    "fails": ("fails", "failure"),
    "fork": ("fork", "success"),
    "program": ("program", "success"),
}
"""What the spans say of the run that was begun last, and how the last one ended."""


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{'spans' if case[1] else 'metrics'}")
def lab(request: pytest.FixtureRequest, open_lab: OpenLab) -> Lab:
    """A worker that has run every task that leaves it alive."""
    pool, spans = request.param
    lab = open_lab(pool, spans=spans)
    lab.run(*EVERYWHERE)
    return lab


def test_every_run_is_counted_once(lab: Lab) -> None:
    """In the task, nested, in threads, in a fork, in a program; a killed subprocess has failed. Nothing is lost."""
    lab.wait_for_runs(dict(RUNS))
    assert {0.0} == {*lab.series("celery_otel_relay_losses_total").values()}
    assert {0.0} == {*lab.series("celery_otel_hook_errors_total").values()}


def test_what_it_says_is_on_the_tasks_span(lab: Lab) -> None:
    """Whichever process has said it."""
    if lab.environment["OTEL_TRACES_EXPORTER"] == "none":
        assert [] == lab.sink.spans()
        return
    found = {task: lab.span(task).attributes for task in KEPT}
    assert KEPT == {
        task: (said.get("celery.training.model_type"), said.get("celery.training.result"))
        for task, said in found.items()
    }
