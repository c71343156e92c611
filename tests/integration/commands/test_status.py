"""`celery otel status` against real workers, and without them."""

import json
import signal

from celery import Celery

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import Process
from tests.integration.commands.conftest import PLAIN, ROOT, Shop

ORDER = "tests.integration.commands.application.order"


def test_what_is_going_on(shop: Shop) -> None:
    """The JSON tells the workers, the task that runs and those that wait, by the field names of the guide."""
    worker, plain = shop.worker("one"), shop.worker("plain", app=PLAIN)
    door = shop.directory / "door"
    with Celery("client", broker=shop.url, set_as_current=False) as client:
        client.send_task(ORDER, [str(door)], task_id="first", queue="celery")
        wait_until(lambda: _active(shop), deadline=30, message="no task runs")
        client.send_task("shop.nobody", queue="mail")
    found = shop.run("status", "--json")
    door.touch()
    document = found.document
    assert (0, 2, [worker.node_name, plain.node_name]) == (
        found.status,
        document["total_workers"],
        [one["name"] for one in document["workers"]],
    )
    assert [(True, "online", 2), (False, "online", 2)] == [
        (one["instrumented"], one["status"], one["pool"]["max_concurrency"]) for one in document["workers"]
    ]
    assert 1 == document["summary"]["active"]
    assert ["celery"] == [queue["name"] for queue in document["queues"]]


def _active(shop: Shop) -> bool:
    return bool(shop.run("status", "--json").document["active_tasks"])


def test_the_page(shop: Shop) -> None:
    """The page of a pipe is plain text, whole lines without a colour."""
    worker = shop.worker("one")
    found = shop.run("status")
    assert (0, "", True, False) == (
        found.status,
        found.errors,
        worker.node_name in found.output,
        "\x1b" in found.output,
    )


def test_no_worker(shop: Shop) -> None:
    """Without any worker the exit status is 1, and standard error says what to do."""
    found = shop.run("status", "--json")
    assert (1, 0, True) == (found.status, found.document["total_workers"], "Start one" in found.errors)


def test_no_broker(nowhere: Shop) -> None:
    """Without a broker the exit status is 1; the message names it without its password."""
    found = nowhere.run("status", "--json")
    assert (1, False) == (found.status, found.document["broker_connected"])
    assert ("", True, False) == (
        found.document.get("workers", ""),
        "does not answer" in found.errors,
        "hunter2" in found.output + found.errors,
    )


def test_watching(shop: Shop) -> None:
    """Pages follow each other until Ctrl-C, which ends the command with success and without a traceback."""
    shop.worker("one")
    watching = Process(
        "watch", shop.command("status", "--watch", "--json"), directory=shop.directory, env=shop.environment(), cwd=ROOT
    )
    with watching:
        wait_until(lambda: watching.log.count("\n") > 1, deadline=30, message=lambda: watching.log_tail)
        watching.signal(signal.SIGINT)
        assert 0 == watching.wait(10)
    assert [1] * watching.log.count("\n") == [json.loads(line)["total_workers"] for line in watching.log.splitlines()]
