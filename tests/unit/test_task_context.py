"""The context of a task: made when somebody looks into it, and then as any other."""

import threading
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from opentelemetry import context as otel
from opentelemetry.context import Context

from celery_otel.task_context import TaskContext


class Maker:
    """Makes contents, and counts them."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.made = 0

    def __call__(self, _: TaskContext) -> Context:
        """The next one."""
        self.made = next(self.numbers)
        return Context({"number": self.made})

    def context(self) -> TaskContext:
        """A context of its contents."""
        context = TaskContext()
        context.make, context.request, context.pid = self, {}, 1
        return context


@pytest.fixture
def maker() -> Maker:
    """One that has made nothing yet."""
    return Maker()


def test_nothing_is_made_for_who_does_not_look(maker: Maker) -> None:
    """Attached and taken back, it costs no content."""
    context = maker.context()
    otel.detach(otel.attach(context))
    assert (0, None) == (maker.made, context.content)


def test_a_value_is_found_and_made_once(maker: Maker) -> None:
    """Every question is answered from the same content, those of OpenTelemetry too."""
    context = maker.context()
    assert (1, None, 1) == (otel.get_value("number", context), context.get("other"), context["number"])
    assert {"number": 1} == context.content
    assert 1 == maker.made


def test_a_context_that_is_derived_has_its_values(maker: Maker) -> None:
    """OpenTelemetry copies it, whether somebody has looked into it before or not."""
    context = maker.context()
    assert {"number": 1, "more": 2} == otel.set_value("more", 2, context)
    assert {"number": 1} == context


@pytest.mark.parametrize(
    "look",
    [
        dict,
        Context,
        lambda context: {**context},
        lambda context: dict(context.items()),
        lambda context: dict(zip(context.keys(), context.values(), strict=True)),
        lambda context: dict.fromkeys(context, len(context)),
        lambda context: {key: 1 for key in ("number", "other") if key in context},
    ],
)
def test_it_is_a_dictionary_however_it_is_read(maker: Maker, look: Callable[[Any], dict[str, int]]) -> None:
    """Whoever takes it for the dictionary that a context is finds its content."""
    assert {"number": 1} == look(maker.context())


def test_it_cannot_be_changed(maker: Maker) -> None:
    """Nor can any other context."""
    with pytest.raises(ValueError, match=r"^$"):
        maker.context()["number"] = 2


def test_threads_that_look_at_once_find_the_same(maker: Maker) -> None:
    """Each may make a content, and all get one of them."""
    context, together = maker.context(), threading.Barrier(8)
    found: list[object] = []

    def look() -> None:
        together.wait(20)
        found.append(context["number"])

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [context["number"]] * 8 == found
