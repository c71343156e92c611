"""Errors: all of one form, and each kind documented."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import celery_otel_api
from celery_otel_api.problems import KINDS, MEDIA_TYPE, Problem
from tests.unit.api.services import client_of


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("PUT", "/session", 405, "method-not-allowed"),
        ("GET", "/revoke", 405, "method-not-allowed"),
        ("GET", "/read?unknown=1", 422, "invalid-parameters"),
        ("GET", "/fails", 500, "internal-error"),
    ],
)
def test_an_error_is_a_problem(method: str, path: str, status: int, kind: str) -> None:
    """With its type, its status, the path, and what to do next."""
    with client_of() as client:
        answer = client.request(method, path)
    problem = Problem.model_validate(answer.json())
    assert (status, MEDIA_TYPE) == (answer.status_code, answer.headers["content-type"])
    assert (f"/problems/{kind}", status, path.partition("?")[0]) == (problem.type, problem.status, problem.instance)


def test_a_wrong_method_is_answered_with_all_that_are_right() -> None:
    """Not with those of the first operation at this path alone."""
    with client_of() as client:
        allowed = client.put("/session").headers["allow"]
    assert {"GET", "HEAD", "POST", "DELETE"} == set(allowed.split(", "))


def test_a_broker_that_is_away_is_said_with_when_to_ask_again() -> None:
    """Whichever handler found out."""
    with client_of() as client:
        answer = client.get("/brokerless")
    assert (503, "/problems/broker-unreachable") == (answer.status_code, answer.json()["type"])
    assert 1 <= int(answer.headers["retry-after"])


def test_a_defect_tells_nothing_of_itself() -> None:
    """What an exception says may hold the broker's password."""
    with client_of() as client:
        assert "secret" not in client.get("/fails").text


def test_every_kind_of_problem_is_documented() -> None:
    """`KINDS`, which the description shows, has each kind that the package makes."""
    package = Path(celery_otel_api.__file__).parent
    made = {kind for path in package.glob("*.py") for kind in _kinds(ast.parse(path.read_text(encoding="utf-8")))}
    of_starlette = {"host-not-allowed", "not-found", "method-not-allowed", "body-too-large", "http-error"}
    assert set() == (made | of_starlette) - set(KINDS)


def _kinds(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ProblemError" and len(node.args) > 1:
            kind = node.args[1]
            if isinstance(kind, ast.Constant):
                yield str(kind.value)
