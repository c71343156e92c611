"""The application whose tasks use their current span."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from celery import Celery
from celery.utils.log import get_task_logger
from opentelemetry import baggage, trace
from opentelemetry.trace import Link, SpanContext, StatusCode, TraceFlags

from celery_otel_pipeline.polling import wait_until
from tests.integration.relay.harness import install

app = Celery("shop", broker="redis://unset", backend=os.environ.get("RELAY_BACKEND"))
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_pool_restarts = True
app.conf.worker_lost_wait = 1.0
app.conf.worker_pool_start_method = os.environ.get("RELAY_START_METHOD", "fork")
if "RELAY_TASK_FORMAT" in os.environ:
    app.conf.worker_task_log_format = os.environ["RELAY_TASK_FORMAT"]
if "RELAY_BEAT" in os.environ:
    app.conf.beat_schedule = {
        "note": {"task": "shop.note", "schedule": 0.1, "options": {"queue": os.environ["RELAY_QUEUE"]}}
    }
logger = get_task_logger(__name__)
LINKED = Link(SpanContext(0xA, 0xB, is_remote=True, trace_flags=TraceFlags(1)))


def current() -> str:
    """The ids of the current span."""
    ids = trace.get_current_span().get_span_context()
    return f"00-{ids.trace_id:032x}-{ids.span_id:016x}-{ids.trace_flags:02x}"


@app.task(name="shop.quiet")
def quiet() -> str:
    """Sets nothing."""
    return current()


def set_pid() -> int:
    """Sets one attribute: the process id, which is returned."""
    trace.get_current_span().set_attribute("pid", os.getpid())
    return os.getpid()


@app.task(name="shop.note")
def note() -> int:
    """Sets one attribute."""
    return set_pid()


@app.task(name="shop.everything")
def everything() -> None:
    """Sets all that can be set."""
    span = trace.get_current_span()
    span.set_attribute("shop.text", "naïve")
    span.set_attributes({"shop.number": 7, "shop.share": 0.5, "shop.vip": True, "shop.items": ["a", "b"]})
    span.add_event("packed", {"boxes": 2}, timestamp=1)
    span.add_link(LINKED.context, {"why": "replaced"})
    span.set_status(StatusCode.ERROR, "out of boxes")
    span.update_name("pack an order")
    try:
        raise KeyError("box")  # noqa: TRY301  # recorded, not raised
    except KeyError as error:
        span.record_exception(error)


@app.task(name="shop.tenant")
def tenant() -> list[object]:
    """The tenant that the publisher put into its baggage, and whether the span records."""
    return [baggage.get_baggage("tenant"), trace.get_current_span().is_recording()]


@app.task(name="shop.meet")
def meet(number: int, directory: str) -> int:
    """Sets the process id, when so many tasks run at the same time."""
    _meet(number, Path(directory))
    return set_pid()


def _meet(number: int, directory: Path) -> None:
    (directory / str(os.getpid())).touch()
    wait_until(
        lambda: len(list(directory.iterdir())) >= number, deadline=40, message="not enough processes", interval=0.01
    )


@app.task(name="shop.die_together")
def die_together(number: int, directory: str) -> None:
    """When so many tasks run, sets something and is killed, as the system kills when memory runs out."""
    _meet(number, Path(directory))
    set_pid()
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="shop.pause")
def pause(times: int) -> list[str]:
    """The ids of the current span, again and again, while other tasks run."""
    found = []
    for number in range(times):
        time.sleep(0.01)
        found.append(current())
        trace.get_current_span().add_event(f"{number}")
    return found


@app.task(name="shop.say")
def say(text: str) -> None:
    """Logs a line."""
    logger.warning(text)


@app.task(name="shop.flood")
def flood(records: int, size: int, directory: str) -> Any:
    """Sends so many large records at once, as soon as it is told; gives the number of those that went through."""
    (Path(directory) / f"{os.getpid()}.ready").touch()
    wait_until((Path(directory) / "go").exists, deadline=60, message="never told to go", interval=0.01)
    carrier = app.harness.carrier
    sent = sum(carrier.send({"span": f"{n}", "attributes": {"text": "x" * size}}) for n in range(records))
    (Path(directory) / f"{os.getpid()}.sent").touch()
    return sent


install(app)
