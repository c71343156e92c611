"""The tracer provider of a process: lazy, shared, quiet when it is not needed, and never in the user's way."""

from collections.abc import Iterator

import pytest

from celery_otel_pipeline.otlp_sink import OtlpSink
from tests.integration.out_of_the_way.endpoints import Refusing, Silent
from tests.integration.traces.script import run


@pytest.fixture
def sink() -> Iterator[OtlpSink]:
    """Where the spans arrive."""
    with OtlpSink() as sink:
        yield sink


def test_nothing_exists_until_the_first_span(sink: OtlpSink) -> None:
    """Instrumenting builds no exporter and no thread; the first publish does, and the end of the process exports it."""
    run(
        """
        import sys
        celery_otel.instrument(app)
        assert set() == threads()
        assert "requests" not in sys.modules
        app.send_task("shop.order")
        assert {"OtelBatchSpanRecordProcessor"} == threads()
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint,
    )
    (span,) = sink.spans()
    assert ("send celery", "shop-producer") == (span.name, span.service)


@pytest.mark.parametrize(
    "env", [{"OTEL_SERVICE_NAME": "web"}, {"OTEL_RESOURCE_ATTRIBUTES": "service.name=web"}], ids=["name", "attributes"]
)
def test_the_service_is_named_by_the_standard_variables(sink: OtlpSink, env: dict[str, str]) -> None:
    """A name that is given wins over that of the application."""
    code = "celery_otel.instrument(app); app.send_task('shop.order')"
    run(code, OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint, **env)
    assert ["web"] == [span.service for span in sink.spans()]


def test_the_users_provider_is_used(sink: OtlpSink) -> None:
    """A provider that was set before makes the spans, and ours is not there."""
    run(
        """
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        exporter, provider = InMemorySpanExporter(), TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        celery_otel.instrument(app)
        app.send_task("shop.order")
        assert ["send celery"] == [span.name for span in exporter.get_finished_spans()]
        assert provider is trace.get_tracer_provider()
        celery_otel.uninstrument(app)
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint,
    )
    assert [] == sink.spans()


def test_without_exporters_the_provider_is_left_to_the_user() -> None:
    """With OTEL_TRACES_EXPORTER=none no provider is set, and one that is set later makes the spans."""
    run(
        """
        celery_otel.instrument(app)
        assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        exporter, provider = InMemorySpanExporter(), TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        app.send_task("shop.order")
        assert ["send celery"] == [span.name for span in exporter.get_finished_spans()]
        """,
        OTEL_TRACES_EXPORTER="none",
    )


def test_one_provider_for_all_applications_until_the_last_goes(sink: OtlpSink) -> None:
    """A second application shares the provider; with the last one it goes quiet, and comes back with the next."""
    run(
        """
        other = Celery("other", broker="memory://", set_as_current=False)
        celery_otel.instrument(app)
        celery_otel.instrument(other)
        celery_otel.uninstrument(app)
        other.send_task("first")
        celery_otel.uninstrument(other)
        assert set() == threads()
        with trace.get_tracer("users").start_as_current_span("quiet"):
            other.send_task("unseen")
        assert set() == threads()
        celery_otel.instrument(app)
        app.send_task("second")
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint,
    )
    assert ["first", "second"] == [span.attributes["celery.task.name"] for span in sink.spans()]


def test_celerys_own_application_does_not_name_the_service(sink: OtlpSink) -> None:
    """The application that Celery makes by itself gives its place to the first that the user makes."""
    run(
        """
        celery_otel.instrument(Celery("default", broker="memory://", set_as_current=False))
        celery_otel.instrument(app)
        app.send_task("shop.order")
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint,
    )
    assert ["shop-producer"] == [span.service for span in sink.spans()]


def test_an_unsampled_trace_builds_nothing_and_is_passed_on() -> None:
    """With a sampler that takes nothing there is no exporter, and the message says so to all that follow."""
    run(
        """
        from celery import signals
        sent = []
        signals.after_task_publish.connect(lambda headers, **_: sent.append(headers["traceparent"]), weak=False)
        celery_otel.instrument(app)
        app.send_task("shop.order")
        assert set() == threads()
        assert 0 == int(sent[0][-2:], 16) & 1
        """,
        OTEL_TRACES_SAMPLER="always_off",
    )


def test_a_forked_process_begins_afresh(sink: OtlpSink) -> None:
    """A process that is forked after the first span exports its own, and nothing of its parent's."""
    run(
        """
        import os
        celery_otel.instrument(app)
        app.send_task("parent")
        child = os.fork()
        if child == 0:
            app.send_task("child")
            raise SystemExit
        assert 0 == os.waitpid(child, 0)[1]
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint,
        OTEL_BSP_SCHEDULE_DELAY="60000",
    )
    assert ["child", "parent"] == [span.attributes["celery.task.name"] for span in sink.spans()]


@pytest.mark.parametrize("kind", [Refusing, Silent])
def test_a_dead_collector_does_not_keep_a_process(kind: type[Refusing] | type[Silent]) -> None:
    """A script ends although its spans cannot be exported, long before the exporter would give up."""
    with kind() as collector:
        run(
            "celery_otel.instrument(app); app.send_task('shop.order')",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_EXPORTER_OTLP_TIMEOUT="600",
        )


def test_what_could_not_be_exported_is_said_once() -> None:
    """Batch after batch that fails is one line of ours, with the reason, and none of the exporter's."""
    output = run(
        """
        import logging, sys
        logging.basicConfig(stream=sys.stdout)
        celery_otel.instrument(app)
        for number in range(3):
            app.send_task("shop.order")
            trace.get_tracer_provider().force_flush()
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=Refusing().url,
        OTEL_EXPORTER_OTLP_TIMEOUT="0.2",
    )
    (line,) = [line for line in output.splitlines() if "kombu" not in line]
    assert line.startswith("WARNING:celery_otel:celery-otel could not export 1 spans by otlp: ")
