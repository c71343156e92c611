"""Writes docs/reference/api.md from the API's own OpenAPI document.

`python api/generate_reference.py` writes it; with `--check` it writes nothing and exits 1 if it differs.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from celery_otel_api.application import operations
from celery_otel_api.openapi import document

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "api.md"
_HEAD = """# The API

*Generated from the API's own OpenAPI document by `make generate`.*

{description}
The service describes itself, too: `/openapi.json` for programs, `/docs` for people.
[How to start it, its options, tokens and scopes](../guides/api.md).

| request | gives | scope |
| --- | --- | --- |
"""
_PROBLEM = "application/problem+json"
_LIMITS = {
    "default": "default",
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
    "maxLength": "characters at most",
}

Described = Mapping[str, Any]


def page(described: Described) -> str:
    """The text of the page for an OpenAPI document."""
    parts = [
        _HEAD.format(description=described["info"]["description"].strip() + "\n"),
        *_overview(described["paths"]),
        *_operations(described["paths"]),
        *_models(described["components"]["schemas"]),
        *_problems(described["x-problem-kinds"]),
    ]
    return "".join(parts)


def _each(paths: Described) -> Iterator[tuple[str, Described]]:
    """Each operation, with its request."""
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def _overview(paths: Described) -> Iterator[str]:
    for request, operation in _each(paths):
        scope = f"`{operation['x-scope']}`" if "x-scope" in operation else "none"
        yield f"| [`{request}`](#{_anchor(request)}) | {_cell(operation['summary'])} | {scope} |\n"


def _anchor(heading: str) -> str:
    """What GitHub and MkDocs both make of a heading."""
    return "".join(sign for sign in heading.lower() if sign.isalnum() or sign in "_- ").replace(" ", "-")


def _operations(paths: Described) -> Iterator[str]:
    for request, operation in _each(paths):
        yield f"\n## {request}\n\n{operation['description'].strip()}\n"
        yield from _table(("parameter", "type", "meaning"), map(_parameter, operation["parameters"]))
        for content in operation.get("requestBody", {}).get("content", {}).values():
            yield f"\nBody: {_type(content['schema'])}\n"
        yield from _answers(operation["responses"])


def _parameter(parameter: Described) -> tuple[str, ...]:
    schema = parameter["schema"]
    place = f"in {parameter['in']}{', required' if parameter['required'] else ''}"
    return f"`{parameter['name']}`", f"{_type(schema)}, {place}{_limits(schema)}", parameter["description"]


def _answers(responses: Described) -> Iterator[str]:
    own = {status: one for status, one in responses.items() if set(one.get("content", {})) != {_PROBLEM}}
    rows = ((status, _bodies(one), one["description"]) for status, one in own.items())
    yield from _table(("status", "body", "meaning"), rows)
    if others := [status for status in responses if status not in own]:
        yield f"\n[Problems](#problems): {', '.join(others)}.\n"


def _bodies(response: Described) -> str:
    return ", ".join(f"`{kind}` {_type(one['schema'])}" for kind, one in response.get("content", {}).items()) or "none"


def _models(schemas: Described) -> Iterator[str]:
    yield "\n## What answers are made of\n"
    for name, schema in sorted(schemas.items()):
        yield f"\n### {name}\n\n{schema.get('description', '').strip()}\n"
        if "enum" in schema:
            yield f"\n{_type(schema)}\n"
        fields = ((f"`{key}`", _type(one) + _limits(one), one.get("description", "")) for key, one in _fields(schema))
        yield from _table(("field", "type", "meaning"), fields)


def _fields(schema: Described) -> Iterable[tuple[str, Described]]:
    properties: Described = schema.get("properties", {})
    return properties.items()


def _problems(kinds: Mapping[str, str]) -> Iterator[str]:
    yield "\n## Problems\n\nThe last part of a problem's `type`:\n"
    yield from _table(("kind", "meaning"), ((f"`{kind}`", meaning) for kind, meaning in kinds.items()))


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table; nothing if it has no rows."""
    found = [f"| {' | '.join(map(_cell, row))} |\n" for row in rows]
    if found:
        yield f"\n| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n"
        yield from found


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _limits(schema: Described) -> str:
    return "".join(f", {words} {schema[key]}" for key, words in _LIMITS.items() if key in schema)


def _type(schema: Described) -> str:
    """The type of a value, with links to the models in it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{_anchor(name)})"
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("const", schema.get("type", "anything")))


def main() -> int:
    """Writes the page, or says that it differs; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = page(document(operations()))
    if not parser.parse_args().check:
        PAGE.write_text(text)
        return 0
    if PAGE.read_text() == text:
        return 0
    print(f"{PAGE} differs: run `make generate`")  # noqa: T201  # a program for a terminal
    return 1


if __name__ == "__main__":
    sys.exit(main())
