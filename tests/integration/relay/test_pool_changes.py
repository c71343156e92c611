"""Whenever and however a child is made, it has the relay."""

from pathlib import Path

import pytest
from billiard.exceptions import WorkerLostError

from celery_otel_pipeline.polling import wait_until
from tests.integration.relay.conftest import OpenShop, Shop


def test_recycled_children(open_shop: OpenShop) -> None:
    """With --max-tasks-per-child 1 every task has a process of its own, and every record arrives."""
    shop = open_shop("--max-tasks-per-child", "1")
    pids = [shop.run("note") for _ in range(6)]
    assert 6 == len(set(pids))
    shop.wait_for_pids(set(pids))
    assert 6 == len(shop.records())


def test_autoscaled_children(open_shop: OpenShop) -> None:
    """Children that come with the load, go, and come again send as the first ones do."""
    shop = open_shop("--autoscale", "5,1", AUTOSCALE_KEEPALIVE="0.5")
    first = shop.run_together(5)
    shop.wait_for_pids(first)
    wait_until(
        lambda: len(first & set(shop.worker.children)) < 5, deadline=60, message=lambda: f"no child went: {first}"
    )
    second = shop.run_together(5)
    assert second - first
    shop.wait_for_pids(second)


def test_children_that_are_asked_for(open_shop: OpenShop) -> None:
    """pool_grow brings children that send; pool_shrink leaves those that stay sending."""
    shop = open_shop()
    first = shop.run_together(2)
    shop.control("pool_grow", n=2)
    grown = shop.run_together(4)
    assert first < grown
    for rest_of_them in (3, 2, 1):
        shrink_to(shop, grown, rest_of_them)
    rest = shop.run("note")
    assert rest in grown
    shop.wait_for_pids(grown)
    assert 2 + 4 + 1 == len(shop.wait_for_records(7))


def shrink_to(shop: Shop, grown: set[int], number: int) -> None:
    """Takes one child away, and waits until it is gone.

    With one of three still busy, Celery ends the two others and says that it could not: asked again, as it must be, it
    would end too many.
    """
    shop.control("pool_shrink", n=1)
    wait_until(
        lambda: len(children(shop, grown)) == number,
        deadline=60,
        message=lambda: f"not {number}: {children(shop, grown)}",
    )


def children(shop: Shop, of: set[int]) -> set[int]:
    """Those of some processes that are still the worker's children."""
    return of & set(shop.worker.children)


def test_a_restarted_pool(open_shop: OpenShop) -> None:
    """After pool_restart all children are new, and they send."""
    shop = open_shop()
    first = shop.run_together(2)
    shop.control("pool_restart")
    # A child goes when it is about to take its next task.
    wait_until(
        lambda: shop.run_together(2) and not children(shop, first),
        deadline=60,
        message=lambda: f"{first} are still there",
    )
    second = shop.run_together(2)
    assert not first & second
    shop.wait_for_pids(first | second)


def test_beat_beside_the_pool(open_shop: OpenShop, tmp_path: Path) -> None:
    """With -B, whose process closes what it inherits, tasks that beat sends have their records."""
    shop = open_shop("-B", "-s", str(tmp_path / "schedule"), RELAY_BEAT="1")
    shop.wait_for_records(5)


def test_killed_children(open_shop: OpenShop, tmp_path: Path) -> None:
    """A child that is killed in its task takes what that set with it, and nothing else: its successor sends."""
    shop = open_shop()
    first = shop.run_together(2)
    grave = tmp_path / "grave"
    grave.mkdir()
    # Both at once: after the first one, its successor might be the next to die.
    for killed in [shop.send("die_together", 2, str(grave)) for _ in range(2)]:
        with pytest.raises(WorkerLostError):
            killed.get(timeout=60)
    second = shop.run_together(2)
    assert not first & second
    shop.wait_for_pids(first | second)
    assert 4 == len(shop.records())


@pytest.mark.parametrize("stop", ["warm_stop", "cold_stop"])
def test_the_relay_does_not_hold_up_the_end(open_shop: OpenShop, stop: str) -> None:
    """A worker that has relayed ends as it should."""
    shop = open_shop()
    shop.run("note")
    assert 0 == getattr(shop.worker, stop)()
