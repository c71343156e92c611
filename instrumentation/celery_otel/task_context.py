"""The context that a task runs in, whose content is made when somebody first looks into it: most tasks never do."""

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any

from opentelemetry.context import Context

_CONTENT = "content"
"""Where the content is kept, in the dictionary that the context is: setting it there once is a single step, whatever
threads look into it at the same time."""


class TaskContext(Context):
    """A context of one task. Once somebody has looked into it, it is as any other.

    It is made for every task, so it has no `__init__`, which would be one more call: who makes it sets the first three.

    Attributes:
        make: Makes the content. Must not raise: it may be anybody's code that looks into it.
        request: The task's request.
        pid: The process that runs the task, and not one that it forks.
        over: Whether the task has ended: a thread that it leaves behind may look into its context later.
    """

    make: "Callable[[TaskContext], Context]"
    request: Mapping[str, Any]
    pid: int
    over = False

    @property
    def content(self) -> Context | None:
        """What is in it; None if nobody has looked into it."""
        return dict.get(self, _CONTENT)  # type: ignore[return-value]  # nothing else is put there

    def _opened(self) -> Context:
        content = dict.get(self, _CONTENT)
        if content is None:
            content = dict.setdefault(self, _CONTENT, self.make(self))
        return content  # type: ignore[return-value]  # nothing else is put there

    # OpenTelemetry calls the first two; the others are for whoever takes it for the dictionary that it is.

    def get(self, key: str, default: Any = None) -> Any:
        """A value of it."""
        return self._opened().get(key, default)

    def copy(self) -> dict[str, object]:
        """A copy of its content."""
        return dict(self._opened())

    def __getitem__(self, key: str) -> object:
        return self._opened()[key]

    def __contains__(self, key: object) -> bool:
        return key in self._opened()

    def __iter__(self) -> Iterator[str]:
        return iter(self._opened())

    def __len__(self) -> int:
        return len(self._opened())

    def __eq__(self, other: object) -> bool:
        return self._opened() == other

    __hash__ = None  # type: ignore[assignment]  # as of every dictionary

    def __repr__(self) -> str:
        return repr(self._opened())

    def keys(self) -> KeysView[str]:  # type: ignore[override]  # a view of another dictionary
        """Its keys."""
        return self._opened().keys()

    def values(self) -> ValuesView[object]:  # type: ignore[override]  # a view of another dictionary
        """Its values."""
        return self._opened().values()

    def items(self) -> ItemsView[str, object]:  # type: ignore[override]  # a view of another dictionary
        """Both."""
        return self._opened().items()
