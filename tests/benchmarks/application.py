"""The application that is measured: a task that does nothing, instrumented as the environment says.

Worker and publisher load it alike: `BENCH_VARIANT` names the instrumentation, `BENCH_BROKER` the broker,
`BENCH_LATENCIES` the file where the other task writes how old its message is.
"""

import gc
import os
import time
from typing import Any

from celery import Celery, signals

VARIANT = os.environ.get("BENCH_VARIANT", "bare")

app = Celery("bench", broker=os.environ.get("BENCH_BROKER", "redis://127.0.0.1:6379/0"))
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)


@app.task(name="bench.noop")
def noop() -> None:
    """Does nothing: all that is measured is what surrounds it."""


@app.task(name="bench.stamp")
def stamp(published: float) -> None:
    """Write down how many seconds ago it was published."""
    waited = time.time() - published
    with open(os.environ["BENCH_LATENCIES"], "a", encoding="ascii") as file:  # noqa: PTH123 - pathlib costs more
        file.write(f"{waited:.9f}\n")


def use_upstream(**_: Any) -> None:
    """Set up OpenTelemetry's own instrumentation for Celery as its documentation says, with the SDK's defaults."""
    # Here, since the other variants shall not pay for these imports.
    from opentelemetry import metrics, trace  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.instrumentation.celery import CeleryInstrumentor  # noqa: PLC0415
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    tracing = TracerProvider()
    tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())]))
    CeleryInstrumentor().instrument()


def freeze(**_: Any) -> None:
    """Keep what is loaded by now out of the garbage collector's sight, as celery-otel does before the pool forks."""
    gc.freeze()


PUBLISHES = os.environ.get("BENCH_ROLE") == "publisher"

if VARIANT == "frozen":
    signals.worker_init.connect(freeze, weak=False)
elif VARIANT == "celery-otel" or (VARIANT == "headers" and PUBLISHES):
    import celery_otel

    celery_otel.instrument(app)
elif VARIANT == "upstream" and PUBLISHES:
    use_upstream()
elif VARIANT == "upstream":
    signals.worker_process_init.connect(use_upstream, weak=False)
