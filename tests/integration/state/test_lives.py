"""A worker that is killed again and again has counted what Celery itself has logged, over all of its lives."""

import json
import random
import signal

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.worker import CeleryWorker
from tests.integration.out_of_the_way.endpoints import Accepting, Refusing
from tests.integration.state.conftest import Reborn, logged, total, unexplained, wait_for_death
from tests.integration.worker.conftest import Series, eventually, scrape

LIVES = 2
TASKS = 100
#: More than a snapshot, and less than the log of so many tasks.
LARGEST = 16 << 10


def test_what_is_counted_is_what_celery_logged(reborn: Reborn) -> None:
    """Killed while it runs tasks and holds others, a worker loses nothing of what it received and what became of it."""
    chance = random.Random(15)
    for life in range(LIVES):
        reborn.send(TASKS, first=TASKS * life)
        worker = reborn.live(SHOP_RATE="1/h", SHOP_KILLED_AFTER=str(chance.randrange(30, 90)))
        wait_for_death(worker)
    reborn.live()
    _come_to_rest(reborn)
    assert logged(worker) == reborn.counted()
    series = scrape(reborn.port)
    assert 0 == unexplained(series)
    # Otherwise the kills have hit nothing, and this says little.
    assert total(series, "celery_task_returned_total", cause="killed") > 0
    assert total(series, "celery_task_received_total") > TASKS


def test_children_that_outlive_their_worker_change_nothing(reborn: Reborn) -> None:
    """With children, killed from outside at any moment: what MAIN was not told is returned, and the rest counts."""
    chance = random.Random(16)
    for life in range(LIVES):
        reborn.send(TASKS, first=TASKS * life)
        worker = reborn.live("prefork")
        before = logged(worker)["received"]
        _wait_for_receipts(worker, before + chance.randrange(20, 80))
        worker.signal(signal.SIGKILL)
        wait_for_death(worker)
    reborn.live("prefork")
    _come_to_rest(reborn)
    series, said = scrape(reborn.port), logged(worker)
    assert 0 == unexplained(series)
    counted, killed = reborn.counted(), total(series, "celery_task_returned_total", cause="killed")
    # Counted is a moment before it is logged; a child logs the end a moment before MAIN hears of it.
    assert 0 <= counted["received"] - said["received"] <= LIVES
    assert all(counted[word] <= said[word] for word in ("succeeded", "raised", "retry"))
    ends = sum(said[word] for word in ("succeeded", "raised", "retry"))
    assert counted["received"] - killed <= ends <= counted["received"]
    assert killed > 0


def test_a_life_without_a_collector_is_told_by_the_next(reborn: Reborn) -> None:
    """What no collector took when the worker ended in good order is in the next life; what one took is marked so."""
    with Refusing() as nobody:
        first = reborn.live(OTEL_METRICS_EXPORTER="otlp", OTEL_EXPORTER_OTLP_ENDPOINT=nobody.url)
        reborn.send(10)
        eventually(11, lambda: sum(logged(first)[word] for word in ("succeeded", "raised", "retry")))
        first.warm_stop()
    assert "The next worker of this name goes on from what was counted" in first.log
    second = reborn.live()
    eventually(logged(first), reborn.counted)
    second.warm_stop()
    with Accepting() as somebody:
        reborn.live(OTEL_METRICS_EXPORTER="otlp", OTEL_EXPORTER_OTLP_ENDPOINT=somebody.url).warm_stop()
    (snapshot,) = reborn.kept.rglob("*.snapshot")
    told = json.loads(snapshot.read_text())
    assert (True, True) == (told["closed"], told["delivered"])


def test_a_second_worker_of_the_name_goes_on_without(reborn: Reborn) -> None:
    """The second worker says what to do, counts that, and runs its tasks."""
    reborn.live()
    second = reborn.live(OTEL_EXPORTER_PROMETHEUS_PORT="1", OTEL_METRICS_EXPORTER="console")
    assert second.log.count("Give each worker a name of its own") == 1
    assert second.alive


def test_a_file_that_cannot_grow_costs_the_state_and_not_the_worker(reborn: Reborn) -> None:
    """With no room for the log the worker says so once and goes on; with room again, the next life has everything."""
    worker = reborn.live(SHOP_LARGEST_FILE=str(LARGEST))
    reborn.send(TASKS)
    complaint = "celery-otel cannot keep the counts"
    wait_until(lambda: complaint in worker.log, deadline=60, message="the file has grown beyond its limit")
    _come_to_rest(reborn)
    before = reborn.counted()
    assert TASKS <= before["received"]
    worker.signal(signal.SIGKILL)
    wait_for_death(worker)
    reborn.live()
    eventually(before, reborn.counted)
    assert 1 <= total(scrape(reborn.port), "celery_otel_hook_errors_total", hook="state")
    assert 1 == worker.log.count(complaint)


def _wait_for_receipts(worker: CeleryWorker, number: int) -> None:
    wait_until(lambda: logged(worker)["received"] >= number, deadline=30, message="it receives too little")


def _come_to_rest(reborn: Reborn) -> None:
    wait_until(lambda: _left(reborn) == (0, 0), deadline=60, message=lambda: f"left are {_left(reborn)}")


def _left(reborn: Reborn) -> tuple[float, float]:
    """How many messages wait in the queue or came while this looked, and how many tasks the worker holds."""
    before, waiting, after = scrape(reborn.port), reborn.waiting(), scrape(reborn.port)
    came = total(after, "celery_task_received_total") - total(before, "celery_task_received_total")
    return waiting + came, _held(before) + _held(after)


def _held(series: Series) -> float:
    return total(series, "celery_active_tasks") + total(series, "celery_worker_prefetch_count")
