"""A process that is no worker exports what it uses by itself, under a name that no second one has."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from celery_otel import names
from celery_otel_pipeline.polling import wait_until

_SCRIPT = """
import sys
import celery_otel
celery_otel.start_global_monitor(interval=0.2, process_type="web-test")
sys.stdin.read()
"""
ENVIRON = {"OTEL_METRICS_EXPORTER": "console", "OTEL_METRIC_EXPORT_INTERVAL": "100"}


class Script:
    """A process that has asked for a monitor, and what it prints.

    Args:
        directory: Where it prints to.
    """

    def __init__(self, directory: Path) -> None:
        self._printed = directory / "printed"
        directory.mkdir()
        with self._printed.open("w") as file:
            argv, environ = [sys.executable, "-c", _SCRIPT], {**os.environ, **ENVIRON}
            self._popen = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=file, env=environ)

    def has_said(self) -> bool:
        """Whether it has exported how many processes it is."""
        return names.PROCESS_COUNT.name in self._printed.read_text()

    def end(self) -> str:
        """Lets it end; gives what it has printed."""
        self._popen.communicate(timeout=30)
        return self._printed.read_text()

    def kill(self) -> None:
        """Ends it in any case."""
        self._popen.kill()
        self._popen.communicate()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Script]]:
    """Two processes."""
    started = [Script(tmp_path / str(number)) for number in range(2)]
    yield started
    for process in started:
        process.kill()


def exports(text: str) -> Iterator[Any]:
    """What the console exporter has printed."""
    decoder, position = json.JSONDecoder(), text.find("{")
    while position >= 0:
        document, end = decoder.raw_decode(text, position)
        yield document
        position = text.find("{", end)


def counts(document: Any) -> Iterator[tuple[str, str, dict[str, str], float]]:
    """Service, instance, labels and how many processes there are, of one export."""
    (resource,) = document["resource_metrics"]
    who = resource["resource"]["attributes"]
    for metric in resource["scope_metrics"][0]["metrics"]:
        if metric["name"] == names.PROCESS_COUNT.name:
            for point in metric["data"]["data_points"]:
                yield who["service.name"], who["service.instance.id"], point["attributes"], point["value"]


def test_two_processes_of_one_service_have_two_names(two: list[Script]) -> None:
    """They say what they are until their end, and at their end that they are no more."""
    host = socket.gethostname()
    wait_until(lambda: all(one.has_said() for one in two), deadline=60, message="they say nothing")
    texts = [one.end() for one in two]
    found = [[count for document in exports(text) for count in counts(document)] for text in texts]
    assert {f"web-test@{host}", f"web-test-2@{host}"} == {instance for ((_, instance, _, _), *_) in found}
    for said in found:
        name = said[0][1]
        assert {("web-test", name, "web-test", name)} == {(job, one, *labels.values()) for job, one, labels, _ in said}
        assert ([1] * (len(said) - 1), 0) == ([value for *_, value in said[:-1]], said[-1][-1])
