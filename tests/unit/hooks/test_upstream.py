"""The upstream instrumentation is silent while ours is there, and as it was afterwards."""

import gc
from collections.abc import Iterator

import pytest
from celery import signals
from opentelemetry.instrumentation.celery import CeleryInstrumentor

from celery_otel.hooks.upstream import UPSTREAM_SILENCE
from tests.live_receivers import live_receivers

SIGNALS = (
    signals.task_prerun,
    signals.task_postrun,
    signals.before_task_publish,
    signals.after_task_publish,
    signals.task_failure,
    signals.task_retry,
)


@pytest.fixture
def upstream() -> Iterator[CeleryInstrumentor]:
    """Upstream's instrumentor, not instrumented."""
    gc.collect()
    instrumentor = CeleryInstrumentor()
    yield instrumentor
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()


def connected() -> list[int]:
    """How many receivers each of the six signals has."""
    return [len(receivers) for receivers in live_receivers(SIGNALS)]


def test_what_was_there_before_comes_back(upstream: CeleryInstrumentor) -> None:
    """Upstream's handlers are disconnected meanwhile, and connected again."""
    bare = connected()
    upstream.instrument()
    before = connected()
    assert [number + 1 for number in bare] == before
    with UPSTREAM_SILENCE.used():
        assert bare == connected()
    assert before == connected()


def test_what_comes_later_is_silent_until_ours_goes(upstream: CeleryInstrumentor) -> None:
    """An upstream instrumentor that is loaded after ours connects nothing before ours is gone."""
    bare = connected()
    with UPSTREAM_SILENCE.used():
        upstream.instrument()
        assert upstream.is_instrumented_by_opentelemetry
        assert bare == connected()
    assert [number + 1 for number in bare] == connected()


def test_what_is_taken_back_meanwhile_stays_away(upstream: CeleryInstrumentor) -> None:
    """An upstream instrumentor whose user has taken it back is not brought back by us."""
    bare = connected()
    upstream.instrument()
    with UPSTREAM_SILENCE.used():
        upstream.uninstrument()
    assert bare == connected()


def test_two_applications_share_the_silence(upstream: CeleryInstrumentor) -> None:
    """Upstream speaks again when the last application has gone, not before."""
    upstream.instrument()
    before = connected()
    with UPSTREAM_SILENCE.used():
        with UPSTREAM_SILENCE.used():
            silent = connected()
        assert silent == connected()
    assert before == connected()
