"""No credential passes the collector, and no stranger sends to it where a token is asked for."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace.export import SpanExporter

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.repository import BEARER_TOKEN_CONFIGURATION
from celery_otel_pipeline.spans import Tags
from tests.acceptance.traces.pipeline import TracePipeline
from tests.acceptance.traces.sender import SpanSender, sender_to, trace_id

SECRET = "hunter2-hunter2-hunter2"  # noqa: S105 - what is looked for
BY_NAME: Tags = {
    "db.password": SECRET,
    "http.request.header.authorization": (f"Bearer {SECRET}",),
    "http.request.header.cookie": (f"session={SECRET}",),
    "shop.api_key": SECRET,
    "aws.secret": SECRET,
    "refresh_token": SECRET,
}
BY_VALUE: Tags = {
    "broker": f"failed on amqp://shop:{SECRET}@rabbit:5672/shop, trying redis://:{SECRET}@redis/0",
    "arguments": f"('a', 1) {{'password': '{SECRET}', 'token': '{SECRET}'}}",
    "body": f'{{"client_secret": "{SECRET}", "n": 1}}',
    "query": f"/pay?api_key={SECRET}&n=1",
    "header": f"Authorization: Basic {SECRET}",
    "bearer": f"got Bearer {SECRET} from the client",
    "jwt": f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{SECRET}",
    "aws": "AKIAIOSFODNN7HUNTER2",
    "github": f"ghp_{SECRET.replace('-', '')}hunter2hunter2hunter2",
    "openai": f"sk-proj-{SECRET}",
}
HARMLESS: Tags = {
    "url": "https://shop.example:8080/orders/7?page=2",
    "task": "shop.tokens.count_tokens",
    "gen_ai.usage.output_tokens": 512,
    "text": "the basic plan was kept, mail to a@example.com",
    "celery.task.name": "shop.pay",
    "id": "6f1c2a9e-53c2-4b1a-9a0e-1f9b5f3c2a11",
}


def test_what_looks_like_a_credential_does_not_reach_jaeger(tmp_path: Path) -> None:
    """In the attributes of span, events and sender, and in the status, the secret is gone and the rest stays."""
    texts = " ".join(str(value) for value in BY_VALUE.values())
    with TracePipeline(tmp_path) as pipeline:
        with sender_to(pipeline.collector, BY_NAME) as sender:
            context = sender.span("pay", error=ValueError(texts), tags={**BY_NAME, **BY_VALUE, **HARMLESS})
            sender.send()
        pipeline.wait_until_settled(1)
        (span,) = pipeline.jaeger.trace(trace_id(context)).spans

    assert [] == re.findall(".{20}hunter2", repr(span), flags=re.IGNORECASE)
    assert dict.fromkeys(BY_NAME, "****") == {name: span.tags[name] for name in BY_NAME}
    assert dict.fromkeys(BY_NAME, "****") == {name: span.resource[name] for name in BY_NAME}
    assert [] == [name for name in BY_VALUE if "****" not in span.tags[name]]
    assert HARMLESS == {name: span.tags[name] for name in HARMLESS}
    assert "failed on amqp****rabbit:5672/shop, trying redis****redis/0" == span.tags["broker"]
    assert span.status_message.startswith("failed on amqp****rabbit:5672/shop")
    assert "otel.status_description" not in span.tags


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """Return a file with the one token that is accepted."""
    file = tmp_path / "tokens"
    file.write_text("right  # the workers'\n")
    return file


def grpc(collector: Collector, token: str) -> SpanExporter:
    """Return an exporter over gRPC that shows a token."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return GrpcExporter(collector.otlp_grpc_endpoint, insecure=True, headers=headers, timeout=5)


def http(collector: Collector, token: str) -> SpanExporter:
    """Return an exporter over HTTP that shows a token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return HttpExporter(f"{collector.otlp_http_endpoint}/v1/traces", headers=headers, timeout=5)


def accepts(exporter: SpanExporter) -> bool:
    """Whether a span is taken."""
    with SpanSender(exporter) as sender:
        sender.span("pay")
        try:
            sender.send()
        except AssertionError:
            return False
        return True


@pytest.mark.parametrize("exporter", [grpc, http])
def test_token_is_asked_for_where_it_is_configured(
    exporter: Callable[[Collector, str], SpanExporter], token_file: Path, tmp_path: Path
) -> None:
    """Without the right token nothing is accepted, over either protocol, and another may take its place."""
    settings = {"TOKEN_FILE": str(token_file)}
    with Collector(tmp_path / "c", settings=settings, configurations=[BEARER_TOKEN_CONFIGURATION]) as collector:
        assert not accepts(exporter(collector, ""))
        assert not accepts(exporter(collector, "wrong"))
        assert accepts(exporter(collector, "right"))

        token_file.write_text("newer\n")
        wait_until(lambda: accepts(exporter(collector, "newer")), deadline=30, message="the new token is still refused")
        assert not accepts(exporter(collector, "right"))


@pytest.mark.parametrize("exporter", [grpc, http])
def test_token_is_not_asked_for_by_default(exporter: Callable[[Collector, str], SpanExporter], tmp_path: Path) -> None:
    """As it is, the collector listens to whoever reaches it: on loopback, the machine's own."""
    with Collector(tmp_path) as collector:
        assert accepts(exporter(collector, ""))
