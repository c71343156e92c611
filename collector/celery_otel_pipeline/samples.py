"""What Prometheus's query API answers, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One value at one time (seconds since 1970); a scalar has no labels."""

    labels: dict[str, str]
    value: float
    timestamp: float


@dataclass(frozen=True)
class Series:
    """The raw samples of one series, oldest first, each (seconds since 1970, value)."""

    labels: dict[str, str]
    points: list[tuple[float, float]]


@dataclass(frozen=True)
class Exemplar:
    """One observation that a sample of a series remembers, with the labels that lead to its trace."""

    series: dict[str, str]
    labels: dict[str, str]
    value: float
    timestamp: float


def parse_exemplars(data: list[Mapping[str, Any]]) -> list[Exemplar]:
    """Read the `data` of an answer to a query for exemplars."""
    return [
        Exemplar(entry["seriesLabels"], found["labels"], float(found["value"]), float(found["timestamp"]))
        for entry in data
        for found in entry["exemplars"]
    ]


def parse_samples(data: Mapping[str, Any]) -> list[Sample]:
    """Read the `data` of an answer to an instant query for a vector or a scalar."""
    if data["resultType"] == "scalar":
        return [_sample({}, data["result"])]
    _expect(data, "vector")
    return [_sample(entry["metric"], entry["value"]) for entry in data["result"]]


def parse_series(data: Mapping[str, Any]) -> list[Series]:
    """Read the `data` of an answer to an instant query for a range vector."""
    _expect(data, "matrix")
    return [
        Series(entry["metric"], [(float(time), float(value)) for time, value in entry["values"]])
        for entry in data["result"]
    ]


def _expect(data: Mapping[str, Any], kind: str) -> None:
    if data["resultType"] != kind:
        raise TypeError(f"the query gives a {data['resultType']}, not a {kind}: check its range in brackets")


def _sample(labels: dict[str, str], pair: list[Any]) -> Sample:
    timestamp, value = pair
    return Sample(labels, float(value), float(timestamp))
