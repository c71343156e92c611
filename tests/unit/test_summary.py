"""The whole in a few numbers has the fields of the guide's snippet."""

from celery import Celery

import celery_otel
from celery_otel.inspection import WorkerAnswer
from celery_otel.summary import summarized
from celery_otel_pipeline.ports import free_port

ANSWERS = [
    WorkerAnswer(
        name,
        instrumented=True,
        max_concurrency=4,
        busy=2,
        queues=("celery", name),
        counts={"active": 2, "reserved": 3, "scheduled": 1},
    )
    for name in ("a@x", "b@x")
]


def test_the_numbers_of_all_workers_are_added() -> None:
    """Tasks, slots and consumers of every worker that has answered."""
    expected = {
        "workers": {"total": 2, "names": ["a@x", "b@x"], "online": 2, "silent": 0},
        "tasks": {"active": 4, "reserved": 6, "scheduled": 2},
        "pool": {"size": 8, "busy": 4},
        "queues": {"a@x": {"workers": 1}, "b@x": {"workers": 1}, "celery": {"workers": 2}},
    }
    assert expected == summarized(ANSWERS)


def test_what_one_did_not_tell_makes_the_sum_unknown() -> None:
    """A part is not the whole: the number is None, and the others are right."""
    bare = WorkerAnswer("c@x", instrumented=False, max_concurrency=None, busy=None, counts={"reserved": 1})
    found = summarized([*ANSWERS, bare])
    assert {"active": None, "reserved": 7, "scheduled": None} == found["tasks"]
    assert {"size": None, "busy": None} == found["pool"]


def test_who_is_expected_and_does_not_answer_is_silent() -> None:
    """It is counted among all."""
    expected = {"total": 3, "names": ["a@x", "b@x", "c@x"], "online": 2, "silent": 1}
    assert expected == summarized(ANSWERS, ["c@x", "a@x"])["workers"]


def test_without_a_broker_it_says_so() -> None:
    """Nothing is raised: the numbers are there, and that nobody could be asked."""
    app = Celery("shop", broker=f"redis://:secret@127.0.0.1:{free_port()}/0", set_as_current=False)
    summary = celery_otel.get_celery_metrics_summary(app)
    assert (False, 0, 0) == (summary["broker_connected"], summary["workers"]["total"], summary["tasks"]["active"])
    assert "secret" not in summary["reason"]
    assert "does not answer" in summary["reason"]
