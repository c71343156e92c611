"""The load sends the demo's plans, and ends what the demo would end by hand."""

import uuid
from collections import Counter
from pathlib import Path

import pytest
from celery import Celery
from docs.examples.demo.driver.load import Load
from docs.examples.demo.driver.plan import Intervention, Plan
from docs.examples.demo.driver.scenario import Scenario
from docs.examples.demo.driver.unreliable_server import UnreliableServer

# What of a unit is a message at once; the workers publish the rest.
FIRST = {"chain": lambda jobs: jobs[:1], "chord": lambda jobs: jobs[:-1], "request": lambda jobs: (jobs[0], jobs[2])}


@pytest.fixture
def client() -> Celery:
    """An application whose broker and result backend are this process's memory."""
    app = Celery("load", broker="memory://", backend="cache+memory://", set_as_current=False)
    # All applications of a process share that memory, and others leave messages in their queues.
    app.conf.task_default_queue = str(uuid.uuid4())
    return app


def plan_of(server: UnreliableServer) -> Plan:
    """The plan of the first seed."""
    return Scenario(1, server.url, Path("/")).plan()


def test_it_sends_every_unit_of_a_plan(client: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job that begins a unit is a message, and each that the plan interferes with is revoked after it was sent."""
    revoked: list[tuple[list[str], bool]] = []
    sent: Counter[str] = Counter()
    monkeypatch.setattr(client.control, "revoke", lambda ids, terminate: revoked.append((ids, terminate)))
    with UnreliableServer() as server:
        plan = plan_of(server)
        Load(client, server, lambda: None).perform(1)

    wanted = [job for unit in plan.units for job in FIRST.get(unit.kind, lambda jobs: jobs)(unit.jobs)]
    with client.connection_for_read() as connection, connection.SimpleQueue(client.conf.task_default_queue) as queue:
        sent.update(queue.get_nowait().headers["task"] for _ in range(queue.qsize()))
    assert Counter(job.task for job in wanted) == sent
    assert [([job.id], True) for job in plan.jobs if job.intervention is not Intervention.NONE] == revoked
