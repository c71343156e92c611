"""Operations: their parameters, and the routes that are made of them."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from celery import Celery
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount

from celery_otel_api.application import service_of
from celery_otel_api.operation import Operation
from celery_otel_api.settings import ApiSettings
from tests.unit.api.services import LOCAL, TestClient, client_of


class Parameters(BaseModel):
    """Of the operation under test."""

    task_id: str = Field(description="which task")
    limit: int = Field(10, ge=1, description="how many")
    fresh: bool = Field(default=False, description="whether to ask anew")


async def echo(request: Request, parameters: Parameters) -> Response:  # noqa: ARG001  # every handler's signature
    """Answers with its parameters."""
    return JSONResponse(parameters.model_dump())


ECHO = (Operation("/echo/{task_id}", echo, "Echo", parameters=Parameters),)


def test_parameters_come_from_path_and_query() -> None:
    """As their types say."""
    with client_of(operations=ECHO) as client:
        assert {"task_id": "a", "limit": 3, "fresh": True} == client.get("/echo/a?limit=3&fresh=1").json()


def test_an_id_is_any_text() -> None:
    """A slash or a line break in the id of a task, encoded as it must be in a path, is part of it."""
    with client_of(operations=ECHO) as client:
        assert "a/b c\nd" == client.get("/echo/a%2Fb%20c%0Ad").json()["task_id"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("limit=0", ["limit"]),
        ("limit=x", ["limit"]),
        ("limit=1&limit=2", ["limit"]),
        ("limt=1", ["limt"]),
        ("limit=0&fresh=perhaps", ["limit", "fresh"]),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(query: str, names: list[str]) -> None:
    """Each of them, also one that does not exist or comes twice."""
    with client_of(operations=ECHO) as client:
        answer = client.get(f"/echo/a?{query}")
    assert (422, names) == (answer.status_code, [one["name"] for one in answer.json()["invalid_parameters"]])


def test_the_query_cannot_replace_what_the_path_says() -> None:
    """The path wins."""
    with client_of(operations=ECHO) as client:
        assert "a" == client.get("/echo/a?task_id=b").json()["task_id"]


def test_head_is_answered_like_get_without_the_body() -> None:
    """As HTTP says."""
    with client_of(operations=ECHO) as client:
        answer = client.head("/echo/a")
    assert (200, b"") == (answer.status_code, answer.content)


def test_a_service_whose_application_does_not_start_it_says_so() -> None:
    """A mounted application's lifespan is not entered by itself."""
    service = service_of(Celery("shop"), ApiSettings.read(), ECHO)
    with TestClient(Starlette(routes=[Mount("/celery", service)]), base_url=LOCAL) as client:
        answer = client.get("/celery/echo/a")
    assert (503, "/problems/not-started") == (answer.status_code, answer.json()["type"])


def test_the_guide_tells_how_to_mount_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its program runs, and the mounted service is started."""
    guide = Path(__file__).parents[3] / "docs" / "guides" / "api.md"
    program = guide.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    module = ModuleType("proj.celery_app")
    vars(module)["app"] = Celery("shop", broker="memory://")
    monkeypatch.setitem(sys.modules, "proj", ModuleType("proj"))
    monkeypatch.setitem(sys.modules, "proj.celery_app", module)
    found: dict[str, Any] = {}
    exec(compile(program, guide.name, "exec"), found)  # noqa: S102  # our own guide
    with TestClient(found["service"], base_url=LOCAL) as client:
        assert 200 == client.get("/celery/session").status_code
        assert hasattr(found["monitoring"].state, "cluster")
