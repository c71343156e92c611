"""Waiting with a deadline."""

from collections.abc import Iterator

import pytest

from celery_otel_pipeline.polling import DeadlineError, wait_until


def test_first_truthy_value_is_returned() -> None:
    """The condition is asked until it gives something, which is returned."""
    answers: Iterator[str | None] = iter([None, "", "there", "later"])

    assert wait_until(lambda: next(answers), deadline=60, message="never", interval=0) == "there"


def test_deadline_raises_the_message() -> None:
    """At the deadline the message says what was waited for, and how long."""
    with pytest.raises(DeadlineError, match=r"After 0 s: the moon is not blue"):
        wait_until(lambda: False, deadline=0, message="the moon is not blue")


def test_message_is_made_at_the_deadline() -> None:
    """A callable message is asked at the end, so it reports how far things came."""
    asked: list[int] = []

    def ask() -> bool:
        asked.append(1)
        return False

    with pytest.raises(DeadlineError) as failure:
        wait_until(ask, deadline=0.02, message=lambda: f"asked {len(asked)} times", interval=0.001)
    assert f"asked {len(asked)} times" in str(failure.value)
    assert asked


def test_condition_is_asked_even_without_time() -> None:
    """A condition that is true already is found with a deadline of zero."""
    assert wait_until(lambda: 1, deadline=0, message="never") == 1


def test_error_of_the_condition_is_passed_on() -> None:
    """A condition that fails ends the waiting at once."""
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: 1 // 0, deadline=60, message="never")
