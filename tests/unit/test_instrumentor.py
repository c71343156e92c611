"""Zero code: every application of the process is instrumented, and all of it is taken back."""

from collections.abc import Iterator

import pytest
from celery import Celery

import celery_otel
from celery_otel.instrumentation import is_instrumented
from celery_otel.instrumentor import CeleryOtelInstrumentor


@pytest.fixture
def instrumentor(monkeypatch: pytest.MonkeyPatch) -> Iterator[CeleryOtelInstrumentor]:
    """As `opentelemetry-instrument` makes it, but without a tracer provider: none could be taken back."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    instrumentor = CeleryOtelInstrumentor()
    yield instrumentor
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()


def new_app(name: str) -> Celery:
    """An application that nobody else sees."""
    return Celery(name, broker="memory://", set_as_current=False)


def test_applications_that_are_there_and_those_to_come(instrumentor: CeleryOtelInstrumentor) -> None:
    """Both are instrumented, and neither is when the instrumentor is gone."""
    init = Celery.__init__
    before = new_app("before")
    instrumentor.instrument(skip_dep_check=True)
    after = new_app("after")
    assert [True, True] == [is_instrumented(app) for app in (before, after)]
    instrumentor.uninstrument()
    later = new_app("later")
    assert [False, False, False] == [is_instrumented(app) for app in (before, after, later)]
    assert init is Celery.__init__


def test_what_a_user_has_instrumented_stays(instrumentor: CeleryOtelInstrumentor) -> None:
    """An application whose user calls `instrument` too is instrumented once; one that came before ours stays so."""
    own = new_app("own")
    celery_otel.instrument(own)
    instrumentor.instrument(skip_dep_check=True)
    celery_otel.instrument(own)
    instrumentor.uninstrument()
    assert is_instrumented(own)
    celery_otel.uninstrument(own)
    assert not is_instrumented(own)


def test_a_wrong_setting_instruments_nothing(
    instrumentor: CeleryOtelInstrumentor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A value that cannot be used is logged, and the application is made as if we were not there."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "sometimes")
    instrumentor.instrument(skip_dep_check=True)
    assert not is_instrumented(new_app("alone"))
    assert "celery-otel instruments nothing: OTEL_TRACES_SAMPLER='sometimes' cannot be used" in caplog.text
