"""What a collector says of itself."""

from prometheus_client.parser import text_string_to_metric_families

from celery_otel_pipeline.fetching import fetch


def figure(telemetry_target: str, name: str) -> float:
    """Return a figure of a collector, summed over its series; 0 where it has none of that name.

    Args:
        telemetry_target: Host and port of its own series.
        name: As on the page, with or without the `_total` of a counter.
    """
    return sum(figures(telemetry_target, name))


def figures(telemetry_target: str, name: str) -> list[float]:
    """Return the values of all series of that name; the arguments are those of `figure`."""
    page = fetch(f"http://{telemetry_target}/metrics")
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    return [sample.value for sample in samples if sample.name in {name, f"{name}_total"}]
