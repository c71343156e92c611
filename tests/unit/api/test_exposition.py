"""Two pages of metrics become one: nothing is lost, nothing is there twice, in both of Prometheus' formats."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_plain
from prometheus_client.registry import Collector

from celery_otel_api.exposition import labels_of, merged, parsed, values_of

Sample = tuple[str, frozenset[tuple[str, str]], float]

# Every text that a label may hold, so every way to write one: quotes, backslashes, ends of lines.
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from('"\\\n}{,= #'), max_size=8
)
NAMES = st.sampled_from(["celery_one", "celery_two_seconds", "celery_three", "other", "other_count_of"])
SERIES = st.dictionaries(st.tuples(TEXTS, TEXTS), st.integers(0, 10**9).map(float), min_size=1, max_size=4)
PAGES = st.dictionaries(NAMES, SERIES, max_size=4)


class Page(Collector):
    """Gives families to the library that writes them."""

    def __init__(self, page: dict[str, dict[tuple[str, str], float]], job: str) -> None:
        self._families = [self._family(name, series, job) for name, series in page.items()]

    @staticmethod
    def _family(name: str, series: dict[tuple[str, str], float], job: str) -> Metric:
        # One kind for each name, as both pages have the same metrics.
        kind = CounterMetricFamily if name.startswith("other") else GaugeMetricFamily
        family = kind(name, "What it is.", labels=["job", "one", "two"])
        for labels, value in series.items():
            family.add_metric([job, *labels], value)
        return family

    def collect(self) -> Iterable[Metric]:
        """The families."""
        return self._families


def written(generate: Callable[[Any], bytes], page: dict[str, dict[tuple[str, str], float]], job: str) -> str:
    """The text of a page."""
    registry = CollectorRegistry()
    registry.register(Page(page, job))
    return generate(registry).decode()


def read(families: Iterable[Metric]) -> list[Sample]:
    """Every sample."""
    return [
        (sample.name, frozenset(sample.labels.items()), sample.value)
        for family in families
        for sample in family.samples
    ]


FORMATS = [
    pytest.param(generate_latest, parse_plain, "", id="text"),
    pytest.param(generate_openmetrics, parse_openmetrics, "# EOF\n", id="openmetrics"),
]


@pytest.mark.parametrize(("generate", "parse", "end"), FORMATS)
@given(own=PAGES, relayed=PAGES)
def test_every_series_of_both_is_there_once(
    generate: Any, parse: Any, end: str, own: dict[str, Any], relayed: dict[str, Any]
) -> None:
    """What two jobs have is all on one page, each series once, and each family is described once."""
    pages = [written(generate, own, "own"), written(generate, relayed, "other")]
    text = merged(pages[0], pages[1], (), "own")
    expected = [sample for page in pages for sample in read(parse(page))]
    assert sorted(expected, key=repr) == sorted(read(parse(text + end)), key=repr)
    types = [line for line in text.split("\n") if line.startswith("# TYPE")]
    assert sorted(set(types)) == sorted(types)


@pytest.mark.parametrize(("generate", "parse", "end"), FORMATS)
@given(page=PAGES)
def test_a_page_with_itself_is_the_page(generate: Any, parse: Any, end: str, page: dict[str, Any]) -> None:
    """A series that both have is there once."""
    text = written(generate, page, "own")
    assert read(parse(text)) == read(parse(merged(text, text, names=(), job="") + end))


@given(relayed=PAGES, returned=PAGES)
def test_what_came_back_is_left_out(relayed: dict[str, Any], returned: dict[str, Any]) -> None:
    """Of families that may have come back, the relayed page's series of our own job are not shown, others are."""
    others = written(generate_latest, relayed, "other")
    back = written(generate_latest, returned, "own")
    first = written(generate_latest, {}, "")
    names = {name for page in (parsed(back), parsed(others)) for name in page}
    expected = read(parse_plain(merged(first, others, names, "own")))
    assert expected == read(parse_plain(merged(first, merged(others, back, (), ""), names, "own")))
    assert read(parse_plain(others)) == expected


def test_exemplars_and_timestamps_stay_as_they_are() -> None:
    """What stands behind a value is no business of ours."""
    line = 'celery_task_total{job="a",task_name="b # {c}"} 5.0 1.5 # {trace_id="0af7"} 1.0 1.25'
    page = f"# HELP celery_task Tasks.\n# TYPE celery_task counter\n{line}\n# EOF\n"
    assert line in merged("", page, (), "own").split("\n")


def test_histograms_stay_whole() -> None:
    """The samples of a histogram belong to its family."""
    family = HistogramMetricFamily("celery_wait_seconds", "Waits.", labels=["queue"])
    family.add_metric(["a"], [("1.0", 2), ("+Inf", 3)], 4.5)
    registry = CollectorRegistry()
    registry.register(type("Waits", (), {"collect": lambda _: [family]})())
    found = parsed(generate_latest(registry).decode())
    assert (["celery_wait_seconds"], 4) == (list(found), len(found["celery_wait_seconds"].samples))


def test_values_of_gauges_are_read() -> None:
    """Labels are told apart and values are numbers, whatever is written behind them."""
    page = '# TYPE celery_up gauge\ncelery_up{worker_name="a@b",job="x"} 1\ncelery_up{worker_name="c"} 1.5e+09 17\n'
    expected = {frozenset({("worker_name", "a@b"), ("job", "x")}): 1.0, frozenset({("worker_name", "c")}): 1.5e9}
    assert expected == values_of(parsed(page)["celery_up"])


def test_a_sample_without_labels_has_none() -> None:
    """A name alone is a series, too."""
    assert frozenset() == labels_of("celery_broker_up 1.0")


def test_a_sample_without_description_is_its_own_family() -> None:
    """Metrics that nobody describes are kept."""
    assert ["celery_one", "celery_two"] == list(parsed("celery_one 1\ncelery_two 2\n"))
