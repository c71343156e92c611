"""The producers of docs/guides/producers.md do what it says, as they stand there."""

import re
import sys
from pathlib import Path

import pytest

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import Process
from tests.integration.traces.conftest import ROOT, Traced

GUIDE = ROOT / "docs" / "guides" / "producers.md"
FILES = re.compile(r"^`([\w/]+\.py)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WSGI = """
from werkzeug.test import Client
from {module} import {name}

assert 202 == Client({name}).post("/orders/7").status_code
"""
ASGI = """
from fastapi.testclient import TestClient
from {module} import {name}

assert 202 == TestClient({name}).post("/orders/7").status_code
"""


@pytest.mark.parametrize(
    ("module", "name", "request_it"),
    [
        ("shop.web", "web", WSGI),
        ("store.web", "web", ASGI),
        ("mysite.wsgi", "application", WSGI),
    ],
    ids=["flask", "fastapi", "django"],
)
def test_a_request_is_the_parent_of_its_publish(
    traced: Traced, tmp_path: Path, module: str, name: str, request_it: str
) -> None:
    """A request to the guide's web server is a span, and the publish in it is that span's child, in one trace."""
    for path, code in FILES.findall(GUIDE.read_text()):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(code)
    code = request_it.format(module=module, name=name)
    env = {**traced.environment(CELERY_BROKER_URL=traced.broker_url), "PYTHONPATH": str(tmp_path)}
    with Process("web", [sys.executable, "-c", code], directory=tmp_path, env=env, cwd=tmp_path) as web:
        assert 0 == web.wait(60), web.log_tail
    wait_until(lambda: len(traced.sink.spans()) == 2, deadline=20, message=lambda: f"{traced.names}")
    (request,), (publish,) = traced.sink.spans(kind="SERVER"), traced.sink.spans(kind="PRODUCER")
    assert (request.span_id, request.trace_id) == (publish.parent_id, publish.trace_id)
    assert "" == request.parent_id
    project = module.partition(".")[0]
    assert {f"{project}-producer"} == {request.service, publish.service}
    assert f"{project}.celery_app.order" == publish.attributes["celery.task.name"]
