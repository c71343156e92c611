"""`telemetry.yaml` describes what is on the spans of real producers, workers and beats, and nothing else is."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from opentelemetry.semconv.schemas import Schemas

from celery_otel import attributes
from celery_otel_pipeline.otlp_sink import OtlpSink, SinkSpan
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.rabbitmq import RabbitMQServer
from celery_otel_pipeline.redis import RedisServer
from tests.acceptance.traced.scene import ROOT, Shop

TELEMETRY: dict[str, Any] = yaml.safe_load((ROOT / "instrumentation/celery_otel/telemetry.yaml").read_text())
OPTIONS = {"CELERY_OTEL_CAPTURE_CONTENT": "true", "CELERY_OTEL_CAPTURE_MESSAGE_SIZE": "true"}
#: What makes every attribute appear: publishes, publish errors, ends of every kind, workflows, an ETA, an eager task,
#: models that are trained in a task and in a script.
PAGES = ("arguments", "routed", "broken", "refused", "later", "expired", "again", "fail", "group", "chord", "ship")
MODELS = ("models", "script")
EAGER = ("eager", "eager_failure")
KINDS = ("producer", "consumer", "eager", "training", "tuning", "link")
PREFIXES = tuple(name for name, entry in TELEMETRY["attributes"].items() if entry.get("prefix"))
OF_BEAT = "shop-beat"
MADE_BY_RUNS = ("training", "tuning")


@pytest.fixture(scope="module")
def spans(tmp_path_factory: pytest.TempPathFactory, rabbitmq: RabbitMQServer) -> Iterator[list[SinkSpan]]:
    """The spans of a run that does a bit of everything."""
    directory = tmp_path_factory.mktemp("described")
    with RedisServer(directory / "redis") as redis, OtlpSink() as sink:
        with Shop(redis, sink.endpoint, None, directory, rabbitmq.url) as shop:
            shop.worker(**OPTIONS)
            shop.beat(SHOP_PERIOD="0.5", OTEL_SERVICE_NAME=OF_BEAT, **OPTIONS)
            for page in (*PAGES, *MODELS, *EAGER):
                shop.visit(page, **OPTIONS)
            wait_until(
                lambda: not missing(sink.spans()), deadline=60, message=lambda: f"not emitted: {missing(sink.spans())}"
            )
        # With the worker's end the last of everything is here.
        yield [span for span in sink.spans() if span.scope == "celery_otel"]


def described(kind: str) -> set[str]:
    """The attributes that a kind of span is said to have."""
    return {name for name, entry in TELEMETRY["attributes"].items() if kind in entry["spans"]}


def emitted(spans: list[SinkSpan], kind: str) -> set[str]:
    """The attributes that celery-otel has put on a kind of span; the tasks' own begin with the shop's name."""
    if kind == "link":
        return {key for span in spans for link in span.link_attributes for key in link}
    keys = {key for span in spans if kind_of(span) == kind for key in span.attributes}
    return {described_name(key) for key in keys if not key.startswith("shop.")}


def described_name(key: str) -> str:
    """The name by which an attribute is described: of some a part is the user's."""
    return next((prefix for prefix in PREFIXES if key.startswith(f"{prefix}.")), key)


def kind_of(span: SinkSpan) -> str:
    """The kind of span by the names of `telemetry.yaml`."""
    if span.service == OF_BEAT:
        return "beat"
    if span.name.partition(" ")[0] in MADE_BY_RUNS:
        return span.name.partition(" ")[0]
    return {"PRODUCER": "producer", "CONSUMER": "consumer", "INTERNAL": "eager"}.get(span.kind, "")


def missing(spans: list[SinkSpan]) -> set[tuple[str, str]]:
    """What is described and was not emitted yet."""
    return {(kind, name) for kind in KINDS for name in described(kind) - emitted(spans, kind)}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_described_is_emitted_and_nothing_else(spans: list[SinkSpan], kind: str) -> None:
    """The attributes of a kind of span are those of its description, both ways."""
    assert described(kind) == emitted(spans, kind)


def test_beats_spans_are_as_described(spans: list[SinkSpan]) -> None:
    """A span of beat has what is always there, and nothing that is not described."""
    always = {name for name in described("beat") if TELEMETRY["attributes"][name]["when"].startswith("always")}
    assert always <= emitted(spans, "beat") <= described("beat")


def test_types_are_as_described(spans: list[SinkSpan]) -> None:
    """Every attribute has the type that its description gives."""
    types = {"string": str, "int": int, "double": float, "bool": bool}
    wrong = [
        (key, value)
        for span in spans
        for key, value in span.attributes.items()
        if key in TELEMETRY["attributes"] and not isinstance(value, types[TELEMETRY["attributes"][key]["type"]])
    ]
    assert [] == wrong


def test_names_and_kinds_are_as_described(spans: list[SinkSpan]) -> None:
    """Every span is called and of the kind that its description says."""
    for span in spans:
        entry = TELEMETRY["spans"][kind_of(span)]
        assert entry["kind"] == span.kind
        assert entry["name"].partition(" <")[0] == span.name.partition(" ")[0]


def test_the_schema_is_said(spans: list[SinkSpan]) -> None:
    """All spans of ours say the same version of the semantic conventions, one that the installed package knows."""
    assert {Schemas.V1_44_0.value} == {span.schema_url for span in spans}


def test_links_say_what_they_mean(spans: list[SinkSpan]) -> None:
    """A retry's link is the attempt before, and a chord's body has one for each header."""
    meanings = [link[attributes.LINK] for span in spans for link in span.link_attributes]
    assert {"previous attempt": 2, "header": 3} == {meaning: meanings.count(meaning) for meaning in set(meanings)}


def test_an_exception_event_has_the_conventions_attributes(spans: list[SinkSpan]) -> None:
    """With content captured every exception event has class, stack and message, and nothing else."""
    events = [
        found
        for span in spans
        for name, found in zip(span.events, span.event_attributes, strict=True)
        if name == "exception"
    ]
    assert {frozenset({"exception.type", "exception.stacktrace", "exception.message"})} == set(map(frozenset, events))


@pytest.mark.parametrize("name", TELEMETRY["events"])
def test_an_event_of_a_run_is_as_described(spans: list[SinkSpan], name: str) -> None:
    """The events of training and tuning have the attributes of their description, on the spans that it says."""
    entry = TELEMETRY["events"][name]
    found = [
        (kind_of(span), {described_name(key) for key in told})
        for span in spans
        for event, told in zip(span.events, span.event_attributes, strict=True)
        if event == name
    ]
    assert set(entry["spans"]) == {kind for kind, _ in found}
    assert set(entry["attributes"]) == set().union(*(told for _, told in found))
