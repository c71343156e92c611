"""Reading what Prometheus answers."""

import pytest

from celery_otel_pipeline.samples import Sample, Series, parse_samples, parse_series


def test_vector_gives_a_sample_for_each_series() -> None:
    """Values come as text beside their time, and become numbers."""
    data = {"resultType": "vector", "result": [{"metric": {"job": "j"}, "value": [12.5, "3"]}]}

    assert parse_samples(data) == [Sample({"job": "j"}, 3.0, 12.5)]


def test_scalar_gives_one_sample_without_labels() -> None:
    """A scalar is a value that belongs to no series."""
    assert parse_samples({"resultType": "scalar", "result": [1.0, "42"]}) == [Sample({}, 42.0, 1.0)]


def test_matrix_gives_the_raw_samples() -> None:
    """A range vector keeps every sample with its time."""
    data = {"resultType": "matrix", "result": [{"metric": {"job": "j"}, "values": [[1, "0"], [2.5, "7"]]}]}

    assert parse_series(data) == [Series({"job": "j"}, [(1.0, 0.0), (2.5, 7.0)])]


def test_other_kind_of_answer_is_an_error() -> None:
    """A query of the wrong kind is told, not read as empty."""
    with pytest.raises(TypeError, match="gives a matrix, not a vector"):
        parse_samples({"resultType": "matrix", "result": []})
    with pytest.raises(TypeError, match="gives a vector, not a matrix"):
        parse_series({"resultType": "vector", "result": []})
