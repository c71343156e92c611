"""The description of the API: valid, complete, and readable."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from celery import Celery
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.applications import Starlette
from starlette.routing import Mount

from celery_otel_api.application import operations, service_of
from celery_otel_api.openapi import document
from celery_otel_api.problems import KINDS
from celery_otel_api.settings import ApiSettings
from tests.unit.api.services import LOCAL, TestClient, client_of
from tests.unit.api.test_operation import ECHO

Json = dict[str, Any]


@pytest.fixture(scope="module")
def described() -> Json:
    """The description of the whole service, and of an operation with parameters."""
    return document([*operations(), *ECHO])


def each_operation(described: Json) -> Iterator[Json]:
    """The operations of a description."""
    for methods in described["paths"].values():
        yield from methods.values()


def test_the_description_is_valid(described: Json) -> None:
    """By the schema of OpenAPI 3.1."""
    OpenAPIV31SpecValidator(described).validate()


def test_every_operation_is_described_once(described: Json) -> None:
    """None is forgotten, and none has the name of another."""
    identifiers = [operation["operationId"] for operation in each_operation(described)]
    assert len([*operations(), *ECHO]) == len(identifiers) == len(set(identifiers))


def test_everything_is_described_in_words(described: Json) -> None:
    """Every operation, parameter, field and answer."""
    nameless = [
        where
        for operation in each_operation(described)
        for where, one in [
            (operation["operationId"], operation),
            *((f"{operation['operationId']} {one['name']}", one) for one in operation["parameters"]),
            *((f"{operation['operationId']} {status}", one) for status, one in operation["responses"].items()),
        ]
        if not one.get("description")
    ]
    fields = [
        f"{name}.{key}"
        for name, schema in described["components"]["schemas"].items()
        for key, one in schema.get("properties", {}).items()
        if not one.get("description")
    ]
    assert [] == nameless + fields


def test_every_reference_leads_to_a_schema(described: Json) -> None:
    """The validator does not follow them; two models of one name would have none."""
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(described)))
    assert set() == references - set(described["components"]["schemas"])


def test_errors_are_described_as_problems(described: Json) -> None:
    """Every operation has some, and their bodies are problems unless the operation has one of its own for a status."""
    for operation in [*operations(), *ECHO]:
        responses = described["paths"][operation.path][operation.method.lower()]["responses"]
        errors = {status for status in responses if status >= "400" and int(status) not in operation.responses}
        assert {"400", "401", "429", "500"} <= errors
        assert all("application/problem+json" in responses[status]["content"] for status in errors)


def test_the_kinds_of_problems_are_in_the_description(described: Json) -> None:
    """With what each means."""
    assert KINDS == described["x-problem-kinds"]


def test_a_parameter_is_described_with_its_limits(described: Json) -> None:
    """Those of the path are required; the others have their defaults."""
    parameters = {one["name"]: one for one in described["paths"]["/echo/{task_id}"]["get"]["parameters"]}
    assert ("path", True, {"type": "string"}) == tuple(
        parameters["task_id"][key] for key in ("in", "required", "schema")
    )
    assert {"type": "integer", "minimum": 1, "default": 10} == parameters["limit"]["schema"]


def test_what_needs_a_scope_says_so(described: Json) -> None:
    """By both ways to show a token; what needs none says that too."""
    assert [{"token": ["read"]}, {"session": ["read"]}] == described["paths"]["/echo/{task_id}"]["get"]["security"]
    assert [] == described["paths"]["/session"]["get"]["security"]


def test_mounted_the_description_names_the_prefix() -> None:
    """So that programs ask at the right address."""
    service = service_of(Celery("shop"), ApiSettings.read(), operations())
    with TestClient(Starlette(routes=[Mount("/celery", service)]), base_url=LOCAL) as client:
        assert [{"url": "/celery"}] == client.get("/celery/openapi.json").json()["servers"]


class Tags(HTMLParser):
    """What a page refers to, and whether its elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.identifiers: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes an element."""
        found = dict(attrs)
        self.seen.add(tag)
        self.identifiers |= {found["id"] or ""} if "id" in found else set()
        self.links |= {found["href"] or ""} if "href" in found else set()
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Checks that it is the last one opened."""
        assert tag == self.open.pop()


def test_the_page_shows_every_operation_and_loads_nothing() -> None:
    """No script, nothing from elsewhere, and every link leads somewhere on it."""
    with client_of() as client:
        answer = client.get("/docs")
    tags = Tags()
    tags.feed(answer.text)
    assert ([], set()) == (tags.open, tags.seen & {"script", "link", "img", "iframe"})
    assert set() == {link.removeprefix("#") for link in tags.links} - tags.identifiers
    assert {"get_session", "post_session", "delete_session"} <= tags.identifiers


def test_the_page_may_show_nothing_but_itself() -> None:
    """Its own style by its hash; no script at all."""
    with client_of() as client:
        policy = client.get("/docs").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
