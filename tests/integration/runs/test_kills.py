"""Whoever is killed in a run has failed with it, once; what it told last is what is known of it."""

import os
import signal

import pytest

from celery_otel_pipeline.polling import wait_until
from tests.integration.runs.conftest import Lab, OpenLab


@pytest.fixture(scope="module", params=[True, False], ids=["spans", "metrics"])
def lab(request: pytest.FixtureRequest, open_lab: OpenLab) -> Lab:
    """A worker whose children are killed."""
    return open_lab("prefork", spans=request.param)


def test_runs_of_killed_children_have_failed(lab: Lab) -> None:
    """SIGKILL, hard limit and termination; the search keeps its iterations and its best score."""
    lab.run("killed", "limited")
    held = lab.send("held")
    wait_until(lambda: lab.has_begun("held"), deadline=20, message="the run does not begin")
    lab.client.control.revoke(held, terminate=True, signal="SIGTERM")
    failed = [("killed", "failure"), ("limited", "failure"), ("held", "failure")]
    lab.wait_for_runs(dict.fromkeys(failed, 1))
    lab.wait_for_runs({("killed", "failure"): 1}, "tuning")
    assert [2] == list(lab.series("celery_tuning_iterations_sum").values())
    assert [0.75] == list(lab.series("celery_tuning_best_score").values())
    lab.run("here")
    lab.wait_for_runs(dict.fromkeys([*failed, ("outer", "success"), ("here", "success")], 1))


def test_the_span_of_a_killed_attempt_says_what_it_was_doing(lab: Lab) -> None:
    """What was known when the run began."""
    if lab.environment["OTEL_TRACES_EXPORTER"] == "none":
        assert [] == lab.sink.spans()
        return
    said = lab.span("killed").attributes
    assert ("killed", "killed") == (said.get("celery.tuning.method"), said.get("celery.training.model_type"))
    assert "limited" == lab.span("limited").attributes.get("celery.training.model_type")


def test_a_child_that_is_killed_between_two_tasks_fails_nothing(lab: Lab) -> None:
    """Its runs have ended, and nothing is counted for it."""
    before = lab.runs()
    for child in lab.worker.children:
        os.kill(child, signal.SIGKILL)
    lab.run("idle")
    assert before == lab.runs()
