"""An instrumented application whose tasks use a real HTTP client and a real Redis client."""

import os

import redis
import requests
from celery import Celery, Task, chord
from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.resources import Resource

import celery_otel
from celery_otel.stamps import LINKS

BROKER = os.environ.get("TRACES_BROKER", "redis://unset")

app = Celery("traces", broker=BROKER, backend=os.environ.get("TRACES_BACKEND"))
app.conf.broker_connection_retry_on_startup = True


def _own_provider() -> None:
    """Sets a tracer provider as a user does who has OpenTelemetry already."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": "users-own"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


if os.environ.get("TRACES_OWN_PROVIDER"):
    _own_provider()
upstream = os.environ.get("TRACES_UPSTREAM")
if upstream == "upstream":
    CeleryInstrumentor().instrument()
celery_otel.instrument(app)
if upstream == "ours":
    CeleryInstrumentor().instrument()
if os.environ.get("TRACES_LIBRARIES"):
    RequestsInstrumentor().instrument()
    RedisInstrumentor().instrument()


@app.task(name="traces.fetch")
def fetch(url: str, queue: str) -> int:
    """Asks a server, asks Redis, and publishes a task."""
    status = requests.post(url, timeout=5).status_code
    redis.Redis.from_url(BROKER).echo("traces")
    order.apply_async(queue=queue)
    return status


@app.task(name="traces.relay")
def relay(queue: str) -> None:
    """Publishes a task."""
    order.apply_async(queue=queue)


@app.task(name="traces.order")
def order() -> None:
    """Does nothing."""


@app.task(name="traces.fan_out", trail=False)
def fan_out(queue: str, headers: int, *, lazily: bool = False) -> str:
    """Publishes a chord, its headers from a list or a generator; gives the id of its body."""
    tasks = (order.si().set(queue=queue) for _ in range(headers))
    return str(chord(tasks if lazily else list(tasks))(told.s().set(queue=queue)).id)


@app.task(name="traces.told", bind=True)
def told(self: Task, results: list[None]) -> tuple[int, str]:
    """The body of a chord: how many headers it had, and what its message says of them."""
    return len(results), str(self.request.get(LINKS) or "")


if os.environ.get("TRACES_BEAT"):
    app.conf.beat_schedule = {
        "often": {"task": "traces.order", "schedule": 0.2, "options": {"queue": os.environ["TRACES_BEAT"]}}
    }
