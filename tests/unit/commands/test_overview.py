"""What `status` shows, as JSON and as a page."""

import json

from celery_otel.broker import QueueLength
from celery_otel.inspection import STATES
from celery_otel.terminal.overview import Overview, document
from celery_otel.terminal.page import page
from tests.unit.commands.cluster import NAME, NOW, held, worker

PLAIN = worker(
    "celery@plain",
    instrumented=False,
    versions={},
    queues=(),
    clock_difference=None,
    counts=dict.fromkeys(STATES, 0),
    uptime=None,
)
BUSY = worker(tasks=(held(time_start=NOW - 65), held("scheduled", task_id="id-2", eta=NOW + 30)))
OVERVIEW = Overview(NOW, (BUSY, PLAIN), (QueueLength("celery", 3), QueueLength("mail", None, reason="gone")))


def test_the_fields_of_the_guide() -> None:
    """The JSON has the fields of the API's answers, with their meaning."""
    found = json.loads(json.dumps(document(OVERVIEW)))
    assert ("2025-11-24T16:00:00.000Z", 2) == (found["timestamp"], found["total_workers"])
    assert {"active": 1, "reserved": 2, "scheduled": 0, "total_pending": 3} == found["summary"]
    first = found["workers"][0]
    assert {"kind": "prefork", "max_concurrency": 4, "busy_workers": 1} == first["pool"]
    assert (NAME, "online", True, 2) == (first["name"], first["status"], first["instrumented"], first["prefetch_count"])


def test_what_a_worker_did_not_tell_is_not_0() -> None:
    """It is null in the JSON, and a question mark for people."""
    mute = worker("celery@mute", busy=None, max_concurrency=None, prefetch_count=None, counts={"reserved": 1})
    overview = Overview(NOW, (BUSY, mute), ())
    assert {"active": None, "reserved": 3, "scheduled": None, "total_pending": None} == document(overview)["summary"]
    text = page(overview, None)
    assert "? active, 3 reserved, ? scheduled" in text
    assert "?/-" in next(line for line in text.splitlines() if line.startswith("celery@mute"))


def test_the_tasks_of_the_guide() -> None:
    """Each task is told with worker, id, name and its time, in the list of its state."""
    found = document(OVERVIEW)
    [active] = found["active_tasks"]
    assert (NAME, "id-1", "shop.order", NOW - 65) == tuple(
        active[name] for name in ("worker", "task_id", "task_name", "time_start")
    )
    assert ([], NOW + 30) == (found["reserved_tasks"], found["scheduled_tasks"][0]["eta"])


def test_a_queue_whose_length_is_not_known() -> None:
    """Its length is null with the reason, and never 0."""
    known, unknown = document(OVERVIEW)["queues"]
    assert (3, [NAME], {}) == (known["length"], known["workers"], known["reasons"])
    assert (None, [], {"length": "gone"}) == (unknown["length"], unknown["workers"], unknown["reasons"])


def test_how_long_a_task_runs_by_the_workers_clock() -> None:
    """A worker whose clock is ahead does not make its tasks look younger."""
    ahead = worker(clock_difference=10.0, tasks=(held(time_start=NOW + 5),))
    assert 5.0 == Overview(NOW, (ahead,), ()).running(ahead.tasks[0])


def test_the_page() -> None:
    """The page shows workers, queues and tasks, each in a table of its own; empty ones are left out."""
    blocks = page(OVERVIEW, None).split("\n\n")
    assert ["2025-11-24T16:00:00Z", "WORKER", "QUEUE", "ACTIVE", "SCHEDULED"] == [block.split()[0] for block in blocks]
    assert ["shop.order", "id-1", NAME, "celery", "1m", "05s"] == blocks[3].splitlines()[1].split()
    assert "no" == blocks[1].splitlines()[-1].split()[-1]


def test_the_page_at_widths() -> None:
    """At no width is a line longer than the terminal."""
    assert [] == [width for width in range(1, 200) if max(map(len, page(OVERVIEW, width).splitlines())) > width]


def test_more_tasks_than_a_table_shows() -> None:
    """Of many tasks the longest running ones are shown, and how many there are besides."""
    tasks = tuple(held(task_id=f"id-{number}", time_start=NOW - number) for number in range(30))
    many = worker(tasks=tasks, counts={"active": 30, "reserved": 0, "scheduled": 0})
    active = page(Overview(NOW, (many,), ()), None).split("\n\n")[-1].splitlines()
    assert ("id-29", "and 10 more") == (active[1].split()[1], active[-1])


def test_an_empty_page() -> None:
    """Without workers and queues nothing but the headline is shown."""
    assert "2025-11-24T16:00:00Z  0 workers  tasks: 0 active, 0 reserved, 0 scheduled" == page(
        Overview(NOW, (), ()), None
    )
