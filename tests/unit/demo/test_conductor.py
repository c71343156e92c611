"""What the driver says when it cannot do to a worker what the plan wants."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from celery import Celery
from docs.examples.demo.driver.conductor import Conductor, ConductorError
from docs.examples.demo.driver.plan import Intervention, Job
from docs.examples.demo.driver.stack import StackError
from docs.examples.demo.driver.witness import JournalReader

#: No process has it: the kernel's go to 4194304 at most.
PID = 5_000_000
SEARCH = Job("search", "playground.training.search", {}, (), intervention=Intervention.KILL_CHILD)


def look_at_dead_worker() -> None:
    """Find that a worker has ended."""
    raise StackError("worker-2", "ended in the middle of the demo.")


@pytest.mark.parametrize(
    ("check", "error", "said"),
    [
        (look_at_dead_worker, StackError, "worker-2 ended in the middle of the demo."),
        (lambda: None, ConductorError, f"Process {PID} runs search, but is no child of the demo's workers"),
    ],
)
def test_nobody_is_killed_that_is_no_child(
    tmp_path: Path, check: Callable[[], None], error: type[Exception], said: str
) -> None:
    """A worker that has ended is named, for it has no children any more; a stranger's process is left alone."""
    path = tmp_path / "journal"
    path.write_text(json.dumps({"event": "searching", "id": SEARCH.id, "pid": PID}) + "\n")
    journal = JournalReader(path)
    journal.read()
    conductor = Conductor(Celery(set_as_current=False), [], set, lambda unit: "", check)  # noqa: ARG005 - nothing is ordered
    conductor.waiting.append(SEARCH)

    with pytest.raises(error, match=said):
        conductor.intervene(journal)
