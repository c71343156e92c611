"""Label values are bounded."""

from celery_otel.core.labels import OVERFLOW, BoundedLabel
from celery_otel.core.remembered import EndedAttempts


def test_values_beyond_the_limit_are_replaced_and_counted() -> None:
    """The first distinct values pass, for ever; the others become _OTHER, each time counted."""
    replaced: list[None] = []
    label = BoundedLabel(2, lambda: replaced.append(None))
    assert ["a", "b", "a", OVERFLOW, OVERFLOW, "b"] == [label(value) for value in "abacdb"]
    assert 2 == len(replaced)


def test_a_value_from_the_network_can_be_exported() -> None:
    """A value is cut to a length and holds nothing that cannot be encoded; it counts as one however often it comes."""
    label = BoundedLabel(2, lambda: None)
    assert ["a?", "a?", "x" * 200] == [label(value) for value in ("a\ud800", "a\ud800", "x" * 60_000)]


def test_the_oldest_attempt_is_forgotten_first() -> None:
    """The memory of ended attempts is bounded."""
    ended = EndedAttempts(size=2)
    for number in range(3):
        ended.remember((str(number), "0", "0"))
    assert [False, True, True] == [hash((str(number), "0", "0")) in ended for number in range(3)]
