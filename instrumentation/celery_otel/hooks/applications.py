"""Every Celery application of this process: those that are there, and those to come."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from celery import Celery, _state

from celery_otel.hooks.installed import patched


def existing() -> list[Any]:
    """The applications that have been made so far and are still in use."""
    return list(_state._get_active_apps())  # noqa: SLF001  # Celery has no public name for it


@contextmanager
def followed(made: Callable[[Any], None]) -> Iterator[None]:
    """Calls somebody with each new application, in its constructor.

    Args:
        made: Called with it; raises nothing.
    """
    init = Celery.__init__

    @wraps(init)
    def init_and_tell(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        made(self)

    with patched(Celery, "__init__", init_and_tell):
        yield
