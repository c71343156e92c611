"""The lines that tasks log say in which trace they were logged."""

import re
from pathlib import Path

import pytest

from celery_otel_pipeline.polling import wait_until
from tests.integration.relay.conftest import OpenShop, Shop, stamp


def said(shop: Shop, text: str) -> list[str]:
    """The lines with a text, once there are some."""
    logs = lambda: "\n".join(path.read_text() for path in shop.directory.glob("*.log"))  # noqa: E731  # read again and again
    return wait_until(
        lambda: [line for line in logs().splitlines() if f": {text}" in line],
        deadline=20,
        message=lambda: f"{text} is not in the log\n{logs()}",
    )


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent", "eventlet", "solo"])
def test_a_tasks_line_has_the_ids_of_its_attempt(open_shop: OpenShop, pool: str) -> None:
    """Trace and span id are those of the stamp, in Celery's own format."""
    shop = open_shop(pool=pool)
    results = [shop.send("say", f"order {number} packed") for number in range(5)]
    for number, result in enumerate(results):
        _, trace_id, span_id, _ = stamp(result).split("-")
        result.get(timeout=60)
        (line,) = said(shop, f"order {number} packed")
        assert line.endswith(f"shop.say[{result.id}]: order {number} packed trace_id={trace_id} span_id={span_id}"), (
            line
        )


def test_a_child_with_a_log_of_its_own(open_shop: OpenShop, tmp_path: Path) -> None:
    """Children that set their logging up again, for a file each, have the ids in their lines."""
    # It says that it is ready in its own file, where nobody waits for it.
    shop = open_shop("--logfile", str(tmp_path / "%n-%i.log"), wait=False, concurrency=1)
    result = shop.send("say", "packed")
    result.get(timeout=60)
    (line,) = said(shop, "packed")
    assert f"trace_id={stamp(result).split('-')[1]}" in line


def test_it_can_be_switched_off(open_shop: OpenShop) -> None:
    """With OTEL_PYTHON_LOG_CORRELATION=false lines are Celery's own."""
    shop = open_shop(OTEL_PYTHON_LOG_CORRELATION="false")
    shop.run("say", "packed")
    (line,) = said(shop, "packed")
    assert line.endswith(": packed")


def test_a_format_of_the_users_stays(open_shop: OpenShop) -> None:
    """A format that the application sets is left alone, and can name the fields itself."""
    shop = open_shop(RELAY_TASK_FORMAT="%(levelname)s %(otelTraceID)s %(otelServiceName)s: %(message)s")
    result = shop.send("say", "packed")
    result.get(timeout=60)
    (line,) = said(shop, "packed")
    assert re.fullmatch(rf".*WARNING {stamp(result).split('-')[1]} shop: packed", line)
