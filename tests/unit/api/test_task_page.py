"""Pages of tasks stay in place while tasks come and go."""

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celery_otel.inspection import HeldTask
from celery_otel_api.task_page import CursorError, in_order, page_of, read, written
from tests.unit.api.service import held

Identity = tuple[str, str]
World = dict[Identity, str]

STATES = ("scheduled", "reserved", "active")
IDENTITIES: list[Identity] = [(f"w{worker}@h", f"id{number:02}") for worker in range(3) for number in range(12)]
identities = st.sampled_from(IDENTITIES)
worlds = st.dictionaries(identities, st.sampled_from(STATES), max_size=len(IDENTITIES))
some = st.sets(identities, max_size=12)


def tasks_of(world: World) -> list[HeldTask]:
    """What the workers hold in a world."""
    return [held(task_id, state, worker=worker) for (worker, task_id), state in world.items()]


def moved_on(world: World, going: set[Identity], coming: World, advancing: set[Identity]) -> World:
    """A world in which some tasks have gone, some have come, and some have moved nearer to their end."""
    left = {identity: state for identity, state in world.items() if identity not in going}
    for identity in advancing & left.keys():
        left[identity] = STATES[min(STATES.index(left[identity]) + 1, len(STATES) - 1)]
    new = {identity: state for identity, state in coming.items() if identity not in going}
    return {**new, **left}


@given(world=worlds, limit=st.integers(1, 10), data=st.data())
def test_a_task_that_stays_is_on_exactly_one_page(world: World, limit: int, data: st.DataObject) -> None:
    """Whatever begins, moves on and ends between two pages, a task that is held all the time appears exactly once."""
    steady, seen, cursor = set(world), Counter[Identity](), None
    for _ in range(len(IDENTITIES) * 2):
        page = page_of(in_order(tasks_of(world)), read(cursor) if cursor else None, limit)
        seen.update((task.worker, task.task_id) for task in page.tasks)
        steady &= world.keys()
        if page.following is None:
            break
        cursor = written(page.following)
        world = moved_on(world, data.draw(some), data.draw(worlds), data.draw(some))
        steady &= world.keys()
    assert dict.fromkeys(steady, 1) == {identity: seen[identity] for identity in steady}


@given(world=worlds, limit=st.integers(1, 40))
def test_pages_of_what_does_not_change_are_all_of_it(world: World, limit: int) -> None:
    """All pages together are all tasks in order, each page full but the last, and the last says that it is."""
    ordered, after = in_order(tasks_of(world)), None
    found: list[HeldTask] = []
    while True:
        page = page_of(ordered, after, limit)
        found += page.tasks
        after = page.following
        if after is None:
            break
        assert limit == len(page.tasks)
    assert ordered == found


@given(st.tuples(st.text(), st.text(), st.integers(0, 100), st.sampled_from(STATES)))
def test_a_cursor_is_read_as_it_was_written(key: tuple[str, str, int, str]) -> None:
    """A cursor has only characters that need no escape in an address, and stands for its key."""
    cursor = written(key)
    assert set() == set(cursor) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert key == read(cursor)


@given(st.text(max_size=40) | st.text("ABCwW0-_", max_size=40))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    """Whatever is given as a cursor is a key or a CursorError, and nothing else."""
    with suppress(CursorError):
        assert 4 == len(read(text))


@pytest.mark.parametrize("text", ["W10", "WzEsMiwzLDRd", "bnVsbA", "é"])
def test_json_that_is_no_key_is_refused(text: str) -> None:
    """A cursor of JSON that no page gives is refused."""
    with pytest.raises(CursorError):
        read(text)
