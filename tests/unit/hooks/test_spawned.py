"""A process that becomes a child without being forked gets what it could not inherit; others are left alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from celery import signals

from celery_otel.hooks.spawned import SpawnedChild


def test_a_child_gets_its_parts_and_gives_them_back() -> None:
    """They are entered when Celery says that this process is a child, and left when we are taken back."""
    events: list[str] = []

    @contextmanager
    def part() -> Iterator[None]:
        events.append("entered")
        yield
        events.append("left")

    with SpawnedChild(part, part):
        assert [] == events
        signals.worker_process_init.send(sender=None)
        assert ["entered"] * 2 == events
    assert ["entered"] * 2 + ["left"] * 2 == events
    signals.worker_process_init.send(sender=None)
    assert 4 == len(events)


def test_where_a_worker_is_opened_nothing_is_entered() -> None:
    """Closed, it is not there for children that are forked, nor for a pool that runs in MAIN itself."""
    entered: list[None] = []

    @contextmanager
    def part() -> Iterator[None]:
        entered.append(None)
        yield

    with SpawnedChild(part) as spawned:
        spawned.close()
        signals.worker_process_init.send(sender=None)
    assert [] == entered
