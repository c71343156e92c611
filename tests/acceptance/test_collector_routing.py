"""The file of docs/guides/routing.md sends spans where the page says, by who sent them."""

import re
from collections import Counter
from pathlib import Path

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.jaeger import JaegerServer
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.repository import ROOT
from tests.acceptance.traces.pipeline import NOTHING_BY_CHANCE, TracePipeline
from tests.acceptance.traces.sender import SERVICE, sender_to, trace_id

PAGE = ROOT / "docs" / "guides" / "routing.md"
SECONDS = 30.0
SENDERS = {
    "team": {"service.namespace": "payments"},
    "staging": {"deployment.environment.name": "staging"},
    "production": {"deployment.environment.name": "production"},
}


def file_of_the_page(team: JaegerServer) -> str:
    """The page's `routing.yaml`, with the team's Jaeger where it is here."""
    (text,) = re.findall(r"^```yaml\n(connectors:.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return str(text).replace("${env:PAYMENTS_JAEGER_ENDPOINT:-127.0.0.1:24317}", team.otlp_target)


def sent(collector: Collector) -> dict[str, str]:
    """Sends a span of each of the page's senders; gives the traces' ids."""
    traces = {}
    for name, resource in SENDERS.items():
        with sender_to(collector, resource) as sender:
            traces[name] = trace_id(sender.span(name))
            sender.send()
    return traces


def test_a_team_and_an_environment_have_pipelines_of_their_own(tmp_path: Path) -> None:
    """The team's spans are in its Jaeger alone, all of staging's in the common one, and of the rest what is sampled."""
    routing = tmp_path / "routing.yaml"
    with JaegerServer(tmp_path / "team") as team:
        routing.write_text(file_of_the_page(team))
        with TracePipeline(tmp_path, settings=NOTHING_BY_CHANCE, configurations=[routing]) as pipeline:
            traces = sent(pipeline.collector)
            pipeline.wait_until_settled(1)
            assert Counter([(traces["staging"], "staging")]) == pipeline.stored()
            found = wait_until(
                lambda: team.search(SERVICE, raw=True), deadline=SECONDS, message="the team has no trace"
            )
            assert [traces["team"]] == [trace.trace_id for trace in found]
