"""Variables become the text that Grafana would put into a query."""

import pytest

from grafana.reading import Times, chosen, substituted

BOARD = {
    "templating": {
        "list": [
            {"type": "datasource", "name": "datasource", "query": "prometheus"},
            {"type": "query", "name": "job", "query": "label_values(celery_task_total, job)"},
            {"type": "query", "name": "worker_name", "query": 'label_values(up{job=~"$job"}, worker_name)'},
            {"type": "constant", "name": "api_url", "query": "http://127.0.0.1:8000"},
        ]
    }
}


def test_all_values_of_a_variable_are_alternatives() -> None:
    """Several values stand in parentheses, a single one stands alone; what a pattern would misread is escaped."""
    found = {"celery_task_total": ["shop"], 'up{job=~"shop"}': ["w1@a.example", "w2@b"]}
    values = chosen(BOARD, Times(600, 10, 15), lambda selector, label: found[selector] if label else [])
    assert "shop" == values["job"]
    assert r"(w1@a\\.example|w2@b)" == values["worker_name"]
    assert {"datasource", "api_url"}.isdisjoint(values)


def test_rates_look_back_four_scrapes_or_one_step_more() -> None:
    """The window holds four scrapes, and never leaves a gap between two points of a graph."""
    assert ["60s", "615s"] == [Times(3600, step, 15).variables()["__rate_interval"] for step in (15, 600)]


def test_a_variable_without_a_value_is_an_error() -> None:
    """Nothing is asked with a variable left in it."""
    assert 'up{job="shop"}[60s]' == substituted('up{job="${job}"}[$window]', {"job": "shop", "window": "60s"})
    with pytest.raises(KeyError, match="unheard_of"):
        substituted("up{job=~'$unheard_of'}", {})


def test_a_variable_that_asks_for_more_than_labels_is_an_error() -> None:
    """A query that is no label_values cannot be answered here, which is said."""
    board = {"templating": {"list": [{"type": "query", "name": "job", "query": "metrics(celery)"}]}}
    with pytest.raises(ValueError, match="job is no label_values"):
        chosen(board, Times(600, 10, 15), lambda selector, label: [selector, label])
