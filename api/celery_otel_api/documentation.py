"""`/docs`: the description of the API for people, as one page that loads nothing and runs nothing."""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 25%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 60rem; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
h2, h3 { overflow-wrap: anywhere; }
section { border-top: 1px solid var(--line); margin-top: 2rem; }
nav ul { list-style: none; padding: 0; }
nav li { margin: .35rem 0; }
dt { margin-top: .6rem; overflow-wrap: anywhere; }
dd { margin: 0 0 0 1rem; }
.method { font-weight: 700; display: inline-block; min-width: 5rem; }
.note { opacity: .8; }
a { color: inherit; }
a:focus-visible { outline: 2px solid; outline-offset: 2px; }
"""

_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Allows the page its own style, and nothing else."""

Described = Mapping[str, Any]


def page(document: Described) -> str:
    """The page of an OpenAPI document."""
    info = document["info"]
    parts = [
        f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>",
        *_paragraphs(info["description"]),
        *_contents(document["paths"]),
        *_operations(document["paths"]),
        *_models(document["components"]["schemas"]),
        *_kinds(document["x-problem-kinds"]),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}: the API</title><style>{_STYLE}</style>"
    )
    return f'<!doctype html><html lang="en"><head>{head}</head><body><main>{"".join(parts)}</main></body></html>'


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        yield f"<p>{_inline(paragraph)}</p>"


def _inline(text: str) -> str:
    """The text with what stands between backticks as code."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))


def _each(paths: Described) -> Iterator[tuple[str, str, Described]]:
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _contents(paths: Described) -> Iterator[str]:
    yield '<nav aria-label="Contents"><ul>'
    for path, method, operation in _each(paths):
        name = f'<span class="method">{method}</span><code>{escape(path)}</code>'
        yield f'<li><a href="#{escape(operation["operationId"])}">{name}</a> {_inline(operation["summary"])}</li>'
    yield '<li><a href="#models">What answers are made of</a></li><li><a href="#problems">Problems</a></li></ul></nav>'


def _operations(paths: Described) -> Iterator[str]:
    for path, method, operation in _each(paths):
        yield f'<section id="{escape(operation["operationId"])}"><h2>{method} <code>{escape(path)}</code></h2>'
        yield from _paragraphs(operation["description"])
        yield from _listed("Parameters", map(_parameter, operation["parameters"]))
        for content in operation.get("requestBody", {}).get("content", {}).values():
            yield f"<p>Body: {_type(content['schema'])}</p>"
        yield from _listed("Answers", (_response(status, one) for status, one in operation["responses"].items()))
        yield "</section>"


def _listed(title: str, entries: Iterable[str]) -> Iterator[str]:
    found = list(entries)
    if found:
        yield f"<h3>{title}</h3><dl>{''.join(found)}</dl>"


def _parameter(parameter: Described) -> str:
    schema = parameter["schema"]
    kind = f"{_type(schema)}, in {parameter['in']}{', required' if parameter['required'] else ''}{_limits(schema)}"
    return _entry(parameter["name"], kind, parameter["description"])


def _response(status: str, response: Described) -> str:
    kinds = (f"<code>{escape(kind)}</code> {_type(one['schema'])}" for kind, one in response.get("content", {}).items())
    return _entry(status, ", ".join(kinds) or "no body", response["description"])


def _entry(name: str, kind: str, description: str) -> str:
    return f'<dt><code>{escape(name)}</code> <span class="note">{kind}</span></dt><dd>{_inline(description)}</dd>'


_LIMITS = {
    "default": "default",
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
    "minLength": "characters at least",
    "maxLength": "characters at most",
    "pattern": "of the form",
}


def _limits(schema: Described) -> str:
    found = (f"{words} {schema[key]}" for key, words in _LIMITS.items() if key in schema)
    return "".join(f", {escape(one)}" for one in found)


def _type(schema: Described) -> str:
    """The type of a value, with links to the models in it."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#model-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(escape(str(value)) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(str(schema.get("const", schema.get("type", "anything"))))


def _models(schemas: Described) -> Iterator[str]:
    yield '<section id="models"><h2>What answers are made of</h2>'
    for name, schema in sorted(schemas.items()):
        yield f'<h3 id="model-{escape(name)}">{escape(name)}</h3>'
        yield from _paragraphs(schema.get("description", ""))
        if "enum" in schema:
            yield f"<p>{_type(schema)}</p>"
        fields = (_field(key, one) for key, one in schema.get("properties", {}).items())
        yield f"<dl>{''.join(fields)}</dl>"
    yield "</section>"


def _field(name: str, schema: Described) -> str:
    return _entry(name, _type(schema) + _limits(schema), schema.get("description", ""))


def _kinds(kinds: Mapping[str, str]) -> Iterator[str]:
    yield '<section id="problems"><h2>Problems</h2><p>The last part of a problem\'s <code>type</code>:</p><dl>'
    for kind, meaning in kinds.items():
        yield f"<dt><code>{escape(kind)}</code></dt><dd>{_inline(meaning)}</dd>"
    yield "</dl></section>"
