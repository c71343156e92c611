"""A process that is no worker exports by itself, under a name that no second one has."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from celery_otel import names
from celery_otel.resources.lone import LoneMonitor
from celery_otel.resources.reading import Reading
from celery_otel.settings import Settings
from celery_otel_pipeline.polling import wait_until

ENVIRON = {"OTEL_METRICS_EXPORTER": "console,prometheus", "OTEL_METRIC_EXPORT_INTERVAL": "50"}


class Fixed:
    """A meter that always says the same."""

    def read(self) -> Reading:
        """The reading."""
        return Reading({names.PROCESS_COUNT: 3})


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What ends with the test."""
    with ExitStack() as stack:
        yield stack


def printed(text: str) -> list[tuple[str, str, dict[str, str], float]]:
    """What the console exporter has printed of how many processes there are: service, instance, labels and number."""
    decoder, found, position = json.JSONDecoder(), [], text.find("{\n")
    while position >= 0:
        try:
            document, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            break  # the newest one is not whole yet
        found += list(counts(document))
        position = text.find("{\n", end)
    return found


def counts(document: Any) -> Iterator[tuple[str, str, dict[str, str], float]]:
    """The same of one export."""
    (resource,) = document["resource_metrics"]
    who = resource["resource"]["attributes"]
    for metric in resource["scope_metrics"][0]["metrics"]:
        if metric["name"] == names.PROCESS_COUNT.name:
            for point in metric["data"]["data_points"]:
                yield who["service.name"], who["service.instance.id"], point["attributes"], point["value"]


def test_it_exports_under_a_name_of_its_own(
    stack: ExitStack, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Two of one service differ by a number; at their end they hold nothing; the workers' port is left to them."""
    seen: list[tuple[str, str, dict[str, str], float]] = []
    text = ""

    def look() -> set[tuple[str, float]]:
        nonlocal text
        text += capfd.readouterr().out
        seen[:] = printed(text)
        return {(instance, number) for _, instance, _, number in seen}

    for _ in range(2):
        lone = LoneMonitor(Settings.read(ENVIRON), "shop", "web-test", 0.05, grace=0.0, open_meter=Fixed)
        stack.callback(lone.close)
        lone.start()
        wait_until(look, deadline=10, message="nothing is exported", interval=0.01)
    host = socket.gethostname()
    wait_until(lambda: len(look()) == 2, deadline=10, message=lambda: str(seen), interval=0.01)
    stack.close()
    expected = {(f"{name}@{host}", number) for name in ("web-test", "web-test-2") for number in (3, 0)}
    assert expected == look()
    service, instance, labels, _ = seen[0]
    assert ("shop", {"process_type": "web-test", "worker_name": instance}) == (service, labels)
    assert all("the port would be missing to a worker" in line for line in caplog.messages)


def test_one_that_ends_while_it_waits_has_exported_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """As in a process that has turned out to be a worker."""
    lone = LoneMonitor(Settings.read(ENVIRON), "shop", "web-test", 0.05, grace=60.0, open_meter=Fixed)
    lone.start()
    lone.configure(0.1, "batch")
    lone.close()
    assert [] == printed(capfd.readouterr().out)
