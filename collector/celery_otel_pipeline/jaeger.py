"""Jaeger, run with the repository's own configuration."""

import http
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from celery_otel_pipeline.fetching import FetchError, fetch, is_reachable
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.repository import JAEGER_CONFIGURATION
from celery_otel_pipeline.server import Server
from celery_otel_pipeline.spans import Trace, parse_traces
from celery_otel_pipeline.tools import tool_path

_PREFIX = "CELERY_OTEL_JAEGER_"
_SEARCHED = timedelta(days=3)
# A sender's clock may be ahead of ours.
_AHEAD = timedelta(hours=1)


class JaegerServer(Server):
    """A server that keeps its traces over restarts.

    Args:
        directory: Where traces and log go.
        otlp_target: Host and port where OTLP/gRPC is received, for a collector that is there before Jaeger is; by
            default a free one.
        prometheus_url: Whom the monitor page asks; by default a Prometheus that is not there.
    """

    def __init__(self, directory: Path, *, otlp_target: str | None = None, prometheus_url: str | None = None) -> None:
        self.otlp_target = otlp_target or f"{LOOPBACK}:{free_port()}"
        self._query, self._health = free_port(), free_port()
        variables = {
            "OTLP_ENDPOINT": self.otlp_target,
            "QUERY_ENDPOINT": f"{LOOPBACK}:{self._query}",
            "QUERY_GRPC_ENDPOINT": f"{LOOPBACK}:{free_port()}",
            "HEALTH_ENDPOINT": f"{LOOPBACK}:{self._health}",
            "TELEMETRY_HOST": LOOPBACK,
            "TELEMETRY_PORT": str(free_port()),
            "PROMETHEUS_URL": prometheus_url or f"http://{LOOPBACK}:{free_port()}",
            "DIRECTORY": str(directory / "data"),
        }
        env = {_PREFIX + name: value for name, value in variables.items()}
        argv = [str(tool_path("jaeger")), f"--config={JAEGER_CONFIGURATION}"]
        super().__init__(Process("jaeger", argv, directory=directory, env=env))

    @property
    def url(self) -> str:
        """The address of the page and of the HTTP API."""
        return f"http://{LOOPBACK}:{self._query}"

    def answers(self) -> bool:
        """Whether Jaeger has loaded its traces, receives and takes queries."""
        return is_reachable(f"http://{LOOPBACK}:{self._health}/status")

    def trace(self, trace_id: str, *, raw: bool = False) -> Trace:
        """Return a trace by its hexadecimal id; one that Jaeger does not know has no spans.

        Args:
            trace_id: 32 hexadecimal digits.
            raw: Every span as it was stored: one that was delivered twice is there twice, and without warnings.
        """
        found = self._traces(f"/api/v3/traces/{trace_id}?{urlencode({'raw_traces': _text(raw)})}")
        return found[0] if found else Trace(trace_id, ())

    def search(
        self,
        service: str,
        *,
        operation: str | None = None,
        tags: Mapping[str, Any] | None = None,
        limit: int = 10_000,
        raw: bool = False,
    ) -> list[Trace]:
        """Return the traces of the last three days in which one span has all that is asked for.

        Args:
            service: The service's name.
            operation: The span's name; by default any.
            tags: The span's attributes, compared here, with their types: Jaeger's own comparison knows only texts.
            limit: How many traces Jaeger looks at, at most.
            raw: As in `trace`.
        """
        found = self._traces(f"/api/v3/traces?{urlencode(_search(service, operation, limit, raw=raw))}")
        wanted = (tags or {}).items()
        return [
            trace
            for trace in found
            if any(
                span.service == service and operation in {None, span.operation} and wanted <= span.tags.items()
                for span in trace.spans
            )
        ]

    def services(self) -> set[str]:
        """Return the names of all services that have sent spans."""
        return set(self._ask("/api/v3/services")["services"])

    def monitor(self, figure: str, service: str, *, kind: str = "consumer") -> dict[str, list[float]]:
        """Return what the monitor page shows of a service's operations over the last hour, second by second.

        Args:
            figure: "calls" per second, "errors" as a share of them, or "latencies" (95th percentile, seconds).
            service: The service's name.
            kind: Which spans count.

        Returns:
            By operation the values, NaN where there was no call.
        """
        query = {
            "service": service,
            "spanKind": kind,
            "groupByOperation": "true",
            "endTs": int(time.time() * 1000),
            "lookback": 3_600_000,
            "step": 1000,
            "ratePer": 60_000,
            **({"quantile": 0.95} if figure == "latencies" else {}),
        }
        return _monitored(self._ask(f"/api/metrics/{figure}?{urlencode(query)}"))

    def _traces(self, path: str) -> list[Trace]:
        try:
            return parse_traces(self._ask(path))
        except FetchError as error:
            # Nothing found is an error to Jaeger.
            if error.status == http.HTTPStatus.NOT_FOUND:
                return []
            raise

    def _ask(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(fetch(f"{self.url}{path}", timeout=60))
        return answer


def _search(service: str, operation: str | None, limit: int, *, raw: bool) -> dict[str, str]:
    now = datetime.now(UTC)
    wanted = {
        "service_name": service,
        "operation_name": operation,
        "start_time_min": (now - _SEARCHED).isoformat(),
        "start_time_max": (now + _AHEAD).isoformat(),
        "num_traces": str(limit),
        "raw_traces": _text(raw),
    }
    return {f"query.{name}": value for name, value in wanted.items() if value is not None}


def _text(flag: bool) -> str:  # noqa: FBT001 - the one value there is
    return "true" if flag else "false"


def _monitored(answer: Mapping[str, Any]) -> dict[str, list[float]]:
    # Where nothing was called, the point is NaN, which JSON has only as a text.
    return {
        label["value"]: [float(point["gaugeValue"]["doubleValue"]) for point in metric["metricPoints"]]
        for metric in answer["metrics"]
        for label in metric["labels"]
        if label["name"] == "operation"
    }
