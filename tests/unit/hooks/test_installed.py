"""What is put in comes out again, whoever has put in something else meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from celery.utils.dispatch import Signal

from celery_otel.hooks.installed import Shared, connected, overridden


class Thing:
    """Has a method."""

    def speak(self) -> str:
        """Says what it is."""
        return "class"


def test_a_method_of_one_object_is_overridden() -> None:
    """The object has the other method, its class does not, and afterwards nothing is left in it."""
    thing = Thing()
    with overridden(thing, "speak", lambda: "ours"):
        assert "ours" == thing.speak()
        assert "class" == Thing().speak()
    assert {} == vars(thing)


def test_what_the_object_had_comes_back() -> None:
    """A method that somebody had put into the object before is there again."""
    thing = Thing()
    theirs = lambda: "theirs"  # noqa: E731  # compared by identity
    vars(thing)["speak"] = theirs
    with overridden(thing, "speak", lambda: "ours"):
        assert "ours" == thing.speak()
    assert theirs is thing.speak


def test_what_came_on_top_stays() -> None:
    """Somebody who has overridden the same method after us keeps theirs."""
    thing = Thing()
    with overridden(thing, "speak", lambda: "ours"):
        vars(thing)["speak"] = lambda: "theirs"
    assert "theirs" == thing.speak()


def test_what_is_shared_is_put_in_once() -> None:
    """The first user puts it in, the last one takes it out, in whatever order they go."""
    told: list[str] = []

    @contextmanager
    def install() -> Iterator[None]:
        told.append("in")
        yield
        told.append("out")

    shared = Shared(install)
    first, second = shared.used(), shared.used()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert ["in"] == told
    second.__exit__(None, None, None)
    assert ["in", "out"] == told
    with shared.used():
        assert ["in", "out", "in"] == told


def test_a_receiver_hears_while_it_is_connected() -> None:
    """The signal calls it inside, its list of receivers is the same object, and it is gone afterwards."""
    signal, called = Signal(), []

    def receiver(**_: object) -> None:
        called.append("called")

    receivers = signal.receivers
    with connected(signal, receiver):
        signal.send(sender=None)
    signal.send(sender=None)
    assert ["called"] == called
    assert receivers is signal.receivers
