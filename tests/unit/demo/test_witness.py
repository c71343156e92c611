"""What the driver learns from the journal and the result backend."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from celery.exceptions import Reject
from docs.examples.demo.driver.model_run import ModelRun
from docs.examples.demo.driver.plan import Attempt, Job, Key, Plan, Unit
from docs.examples.demo.driver.witness import JournalReader, Witness

from celery_otel_pipeline.redis import RedisServer

# Celery's own call of redis-py.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")

TASK = "playground.texts.count_file"
WORKER_ENDS = {
    "ok": Attempt("success"),
    "limit": Attempt("failure", "timeout"),
    "gone": Attempt("revoked", "revoked", started=False),
    "late": Attempt("revoked", "expired", started=False),
}


class TimeLimitExceeded(Exception):  # noqa: N818 - the name under which the backend has it
    """Stands in the result backend as the error of a task that ran too long."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Celery]:
    """Return a client with a real result backend."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server, Celery("test", backend=server.url) as app:
        yield app


def line(event: str, task_id: str, **more: str) -> str:
    """Return a line of the journal."""
    return json.dumps({"event": event, "id": task_id, "task": TASK, "retries": 0, "pid": 7, **more}) + "\n"


def plan_of(**jobs: Attempt) -> Plan:
    """Return a plan with one job of one attempt for each id."""
    return Plan(1, [Unit("single", (Job(name, TASK, {}, (attempt,)),)) for name, attempt in jobs.items()], [TASK])


def store(client: Celery) -> None:
    """Store what workers store at the end of the tasks of `WORKER_ENDS`."""
    client.backend.mark_as_done("ok", {"a": 1})
    client.backend.mark_as_failure("limit", TimeLimitExceeded(2))
    client.backend.mark_as_revoked("gone", "revoked")
    client.backend.mark_as_revoked("late", "expired")


def test_a_line_still_being_written_is_read_later(tmp_path: Path) -> None:
    """Half a line is left alone until its other half is there, and nothing is read twice."""
    path = tmp_path / "journal"
    reader = JournalReader(path)
    whole, half = line("started", "a"), line("searching", "b")
    path.write_text(whole + half[:10])
    reader.read()
    assert (reader.count("a", "started"), reader.count("b", "searching")) == (1, 0)
    path.write_text(whole + half)
    reader.read()
    assert (reader.count("a", "started"), reader.count("b", "searching")) == (1, 1)
    assert (None, 7) == (reader.searching_in("a"), reader.searching_in("b"))


def test_a_journal_that_nobody_wrote_yet_is_empty(tmp_path: Path) -> None:
    """Before the first task starts there is no file, and no event."""
    reader = JournalReader(tmp_path / "journal")
    reader.read()
    assert reader.searching_in("a") is None


def test_the_backends_ends_agree_with_the_plan(client: Celery, tmp_path: Path) -> None:
    """Ends stored by workers, and starts in the journal, make a run without contradictions."""
    plan = plan_of(**WORKER_ENDS)
    journal = tmp_path / "journal"
    journal.write_text(line("started", "ok") + line("started", "limit"))
    store(client)
    witness = Witness(client, JournalReader(journal), {})
    witness.refresh(plan)
    assert witness.unfinished(plan) == []
    assert witness.contradictions(plan) == []


def test_an_end_that_is_not_the_planned_one_is_a_contradiction(client: Celery, tmp_path: Path) -> None:
    """A task that should have failed and succeeded is named, with both ends."""
    client.backend.mark_as_done("x", 1)
    plan = plan_of(x=Attempt("failure", "ValueError", started=False))
    witness = Witness(client, JournalReader(tmp_path / "journal"), {})
    witness.refresh(plan)
    expected = f"{TASK} x: ends planned [('failure', 'ValueError')], seen [('success', '')]"
    assert [expected] == witness.contradictions(plan)


def test_the_best_score_is_what_the_task_returned(client: Celery, tmp_path: Path) -> None:
    """Of a search that is made whole the result has the score; one that is cut off has none to compare."""
    whole, cut = ModelRun("tuning", "grid", iterations=12), ModelRun("tuning", "random")
    jobs = tuple(Job(run.label, TASK, {}, (Attempt("success"),), run=run) for run in (whole, cut))
    for job in jobs:
        client.backend.mark_as_done(job.id, {"score": 0.25})
    witness = Witness(client, JournalReader(tmp_path / "journal"), {})
    witness.refresh(Plan(1, [Unit("group", jobs)], [TASK]))
    assert {Key("celery_tuning_best_score", "grid"): 0.25} == witness.best_scores


def test_an_ignored_task_ends_by_the_journal_alone(client: Celery, tmp_path: Path) -> None:
    """Celery stores nothing for what ignores itself: the journal says how it ended."""
    plan = plan_of(i=Attempt("ignored"))
    (tmp_path / "journal").write_text(line("started", "i") + line("ignored", "i"))
    witness = Witness(client, JournalReader(tmp_path / "journal"), {})
    witness.refresh(plan)
    assert witness.contradictions(plan) == []


def test_what_has_no_end_is_unfinished(client: Celery, tmp_path: Path) -> None:
    """A task that only started is waited for."""
    plan = plan_of(running=Attempt("success"))
    (tmp_path / "journal").write_text(line("started", "running"))
    witness = Witness(client, JournalReader(tmp_path / "journal"), {})
    witness.refresh(plan)
    assert [job.id for job in witness.unfinished(plan)] == ["running"]


def test_a_rejection_between_two_looks_is_no_failure(
    client: Celery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task that writes its line and has its end stored while the backend is asked is judged with its line."""
    plan = plan_of(r=Attempt("rejected"))
    asked = client.backend.get_task_meta

    def reject_meanwhile(task_id: str) -> object:
        (tmp_path / "journal").write_text(line("started", task_id) + line("rejected", task_id))
        client.backend.mark_as_failure(task_id, Reject("no picture"))
        return asked(task_id)

    monkeypatch.setattr(client.backend, "get_task_meta", reject_meanwhile)
    witness = Witness(client, JournalReader(tmp_path / "journal"), {})
    witness.refresh(plan)
    assert witness.contradictions(plan) == []
