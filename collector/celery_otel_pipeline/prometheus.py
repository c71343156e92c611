"""A Prometheus server, run with the repository's scrape settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from celery_otel_pipeline.fetching import is_reachable
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.promql import PromqlApi
from celery_otel_pipeline.repository import PROMETHEUS_CONFIGURATION
from celery_otel_pipeline.server import Server
from celery_otel_pipeline.tools import tool_path

# Why these: see collector/prometheus/prometheus.yml.
FEATURES = "created-timestamp-zero-ingestion,exemplar-storage"


class PrometheusServer(Server, PromqlApi):
    """A server that keeps its data over restarts.

    Args:
        directory: Where data, configuration and log go.
        targets: For each job the host:port to scrape. A job of `prometheus.yml` keeps its settings, another gets
            Prometheus's own; jobs that are not named here are not scraped.
        scrape_interval: As in "1s"; rules are evaluated as often.
        rules: Where the rule files are (`rules.write_rules` makes some); None for no rules.
        alertmanager: The host:port that is told of alerts; None for nobody.
        arguments: More of the command line.
    """

    def __init__(
        self,
        directory: Path,
        *,
        targets: Mapping[str, str],
        scrape_interval: str = "1s",
        rules: Path | None = None,
        alertmanager: str | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self._port = free_port()
        directory.mkdir(parents=True, exist_ok=True)
        configuration = directory / "prometheus.yml"
        settings = yaml.safe_load(PROMETHEUS_CONFIGURATION.read_text())
        settings = adapted(settings, targets, scrape_interval, rules=rules, alertmanager=alertmanager)
        configuration.write_text(yaml.safe_dump(settings))
        argv = [
            str(tool_path("prometheus")),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address={LOOPBACK}:{self._port}",
            f"--enable-feature={FEATURES}",
            # Else the first scrape comes 5 s after the start.
            "--scrape.discovery-reload-interval=100ms",
            *arguments,
        ]
        super().__init__(Process("prometheus", argv, directory=directory))

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://{LOOPBACK}:{self._port}"

    def answers(self) -> bool:
        """Whether the server has loaded its data and takes queries."""
        return is_reachable(f"{self.url}/-/ready")


def adapted(
    settings: dict[str, Any],
    targets: Mapping[str, str],
    scrape_interval: str,
    *,
    rules: Path | None = None,
    alertmanager: str | None = None,
) -> dict[str, Any]:
    """Return Prometheus settings with other addresses and another interval, and nothing else changed."""
    jobs = {job["job_name"]: job for job in settings["scrape_configs"]}
    # A scrape may not take longer than the interval.
    intervals = dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), scrape_interval)
    return {
        **settings,
        "global": {**settings["global"], **intervals},
        "rule_files": [] if rules is None else [str(rules.absolute() / "*.yml")],
        "alerting": {"alertmanagers": [_static(target) for target in (alertmanager,) if target]},
        "scrape_configs": [{**jobs.get(job, {"job_name": job}), **_static(target)} for job, target in targets.items()],
    }


def _static(target: str) -> dict[str, Any]:
    return {"static_configs": [{"targets": [target]}]}
