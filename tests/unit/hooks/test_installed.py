"""What is put into Celery comes out again, and goes where it belongs."""

from celery.utils.dispatch import Signal

from celery_otel.hooks.installed import connected, connected_first


def test_a_receiver_is_put_before_the_others() -> None:
    """The signal calls it first, its list of receivers is the same object, and it is gone afterwards."""
    signal, called = Signal(), []

    def first(**_: object) -> None:
        called.append("first")

    def second(**_: object) -> None:
        called.append("second")

    receivers = signal.receivers
    with connected(signal, second):
        with connected_first(signal, first):
            signal.send(sender=None)
        signal.send(sender=None)
    signal.send(sender=None)
    assert ["first", "second", "second"] == called
    assert receivers is signal.receivers
