"""A replaced child is told from a first one and from growth."""

from celery_otel.hooks.children import ChildRestarts


class Pool:
    """Behaves as billiard's pool does toward those who watch it."""

    def __init__(self, size: int) -> None:
        self._processes = size

    def on_shrink(self, number: int) -> int:
        """What billiard calls for each child fewer."""
        return number


def create(restarts: ChildRestarts, pool: Pool, number: int) -> None:
    """The pool creates children."""
    for _ in range(number):
        restarts.created(pool)


def test_only_replacements_are_counted() -> None:
    """First children and growth are no restarts, also growth after shrinking; replacements are."""
    counted: list[None] = []
    restarts = ChildRestarts(lambda: counted.append(None))
    pool = Pool(4)
    create(restarts, pool, 4)
    assert 0 == len(counted)
    create(restarts, pool, 2)
    assert 2 == len(counted)
    for _ in range(2):
        pool._processes -= 1  # noqa: SLF001  # as billiard does
        pool.on_shrink(1)
    pool._processes += 2  # noqa: SLF001  # as billiard does
    create(restarts, pool, 3)
    assert 3 == len(counted)


def test_the_pool_is_left_as_it_was() -> None:
    """Releasing takes the watch off the pool."""
    pool = Pool(1)
    restarts = ChildRestarts(lambda: None)
    restarts.created(pool)
    restarts.release()
    assert "on_shrink" not in vars(pool)
