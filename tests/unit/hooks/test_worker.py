"""What one worker has before its first task."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery import Celery, _state
from celery.worker import strategy

from celery_otel import names
from celery_otel.hooks.state import open_state
from celery_otel.hooks.worker import WorkerTelemetry
from celery_otel.metric import Labels, Metric, Value
from celery_otel.settings import Settings


class Exports:
    """A pipeline that notes what it is told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.taken = True

    def start(self) -> None:
        """The worker is ready."""
        self.events.append("start")

    def close(self, timeout: float) -> bool:
        """The worker has stopped."""
        self.events.append("close" if timeout > 0 else "no time")
        return self.taken


@pytest.fixture(autouse=True)
def only_own_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the tasks that other tests of this process share with every application out of ours."""
    builtin = {finalizer for finalizer in _state._on_app_finalizers if finalizer.__module__ == "celery.app.builtins"}  # noqa: SLF001  # Celery has no public way
    monkeypatch.setattr(_state, "_on_app_finalizers", builtin)


def telemetry(tasks: list[str], exports: Exports, **environ: str) -> WorkerTelemetry:
    """The telemetry of a worker whose application has these tasks."""
    settings = Settings.read(environ)
    app = Celery("shop", set_as_current=False)
    for task in tasks:
        app.task(Exports.start, name=task)
    pool = SimpleNamespace(__module__="celery.concurrency.solo")
    worker = SimpleNamespace(app=app, hostname="w@host", pool_cls=pool, pool=SimpleNamespace(num_processes=1))
    state = partial(open_state, settings, lambda name: {"service.instance.id": name})
    return WorkerTelemetry(worker, settings, lambda *_: exports, open_state=state)


@pytest.fixture
def exports() -> Exports:
    """A pipeline."""
    return Exports()


@pytest.fixture
def idle(exports: Exports) -> Iterator[WorkerTelemetry]:
    """A worker that has done nothing."""
    made = telemetry(["shop.a", "shop.b", "shop.c"], exports)
    yield made
    made.close()


def number_of_series(read: dict[Metric, dict[Labels, Value]]) -> int:
    """How many series there are."""
    return sum(len(series) for series in read.values())


def test_an_idle_worker_has_as_many_series_as_documented(idle: WorkerTelemetry) -> None:
    """Before its first heartbeat and task: 40 series of the worker and 20 of each registered task."""
    assert 40 + 20 * 3 == number_of_series(idle.read())


def test_celerys_own_tasks_have_no_series_until_they_run(idle: WorkerTelemetry) -> None:
    """Only the user's tasks read 0 from the start."""
    assert {"shop.a", "shop.b", "shop.c"} == {task for (task,) in idle.read()[names.TASK_RECEIVED]}


def test_tasks_beyond_the_limit_share_a_label(exports: Exports) -> None:
    """The number of task names is bounded too, and what overflowed is counted."""
    made = telemetry(["shop.a", "shop.b", "shop.c"], exports, CELERY_OTEL_MAX_TASKS="1")
    read = made.read()
    made.close()
    assert {("shop.a",), ("_OTHER",)} == set(read[names.TASK_RECEIVED])
    assert 2 == read[names.CELERY_OTEL_LABEL_OVERFLOW]["task_name",]


def test_closing_takes_the_patch_back_and_exports_once(exports: Exports) -> None:
    """A worker is closed once, however often it is told, and Celery is as it was."""
    before = strategy.create_request_cls
    made = telemetry([], exports)
    assert before is not strategy.create_request_cls
    made.ready()
    made.close()
    made.close()
    assert before is strategy.create_request_cls
    assert ["start", "close"] == exports.events


def test_kept_counts_add_a_series_of_the_worker_and_one_of_each_task(exports: Exports, tmp_path: Path) -> None:
    """With a state there is also what was killed, by task, and the errors of keeping it."""
    made = telemetry(["shop.a", "shop.b", "shop.c"], exports, CELERY_OTEL_STATE_DIRECTORY=str(tmp_path))
    read = made.read()
    made.close()
    assert 41 + 21 * 3 == number_of_series(read)


def test_a_worker_whose_counts_nobody_took_is_gone_on_from(exports: Exports, tmp_path: Path) -> None:
    """The counts of one worker are the next one's, and of one that comes soon also where the last export was taken."""
    counted = []
    for taken in (False, True, True):
        exports.taken = taken
        made = telemetry([], exports, CELERY_OTEL_STATE_DIRECTORY=str(tmp_path))
        made.hooks.unknown()
        counted.append(made.read()[names.TASK_UNKNOWN][()])
        made.close()
    assert [1, 2, 3] == counted


def test_a_directory_that_cannot_be_had_is_one_line_and_one_error(
    exports: Exports, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker says that it keeps nothing, and why, and counts all the same."""
    made = telemetry([], exports, CELERY_OTEL_STATE_DIRECTORY="/proc/celery-otel")
    made.hooks.unknown()
    read = made.read()
    made.close()
    assert 1 == read[names.CELERY_OTEL_HOOK_ERRORS]["state",]
    assert {(): 1} == read[names.TASK_UNKNOWN]
    (line,) = caplog.messages
    assert "does not keep this worker's counts: /proc/celery-otel/w@host cannot be written to" in line
