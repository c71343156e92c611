"""PromQL, put together from parts.

Every window is `$__rate_interval`, which Grafana keeps at four scrapes or more, so that no rate lacks its two samples;
or `$__range`, where a table or a number says what happened in the time that is shown. Histograms are summed before the
quantile is taken. The API's series may be in Prometheus twice, scraped and pushed: they are told by their maximum.
"""

JOB = 'job=~"$job"'
TASK = 'task_name=~"$task_name"'
WORKER = 'worker_name=~"$worker_name"'
QUEUE = 'queue_name=~"$queue_name"'


def series(metric: str, *filters: str) -> str:
    """Return a selector of the series with these labels."""
    return f"{metric}{{{', '.join(filters)}}}" if filters else metric


def collectors(name: str) -> str:
    """Return a selector of a series of the collector, which puts _total behind its counters or not as it is set up."""
    return f'{{__name__=~"otelcol_{name}(_total)?"}}'


def rate(metric: str, *filters: str) -> str:
    """Return how often per second a counter rises."""
    return f"rate({series(metric, *filters)}[$__rate_interval])"


def increase(metric: str, *filters: str) -> str:
    """Return by how much a counter rises from one point of a graph to the next."""
    return f"increase({series(metric, *filters)}[$__rate_interval])"


def within_range(metric: str, *filters: str) -> str:
    """Return by how much a counter rose in the whole time that the dashboard shows."""
    return f"increase({series(metric, *filters)}[$__range])"


def sum_by(labels: str, expression: str) -> str:
    """Return the sum for each set of labels; for all together when none is named."""
    return f"sum by ({labels}) ({expression})" if labels else f"sum({expression})"


def max_by(labels: str, expression: str) -> str:
    """Return the maximum for each set of labels; of all when none is named."""
    return f"max by ({labels}) ({expression})" if labels else f"max({expression})"


def quantile(share: float, labels: str, histogram: str, *filters: str) -> str:
    """Return the value that this share of a histogram's observations does not exceed, for each set of labels."""
    by = f"le, {labels}" if labels else "le"
    return f"histogram_quantile({share}, {sum_by(by, rate(f'{histogram}_bucket', *filters))})"


def mean(labels: str, histogram: str, *filters: str) -> str:
    """Return the mean of a histogram's observations, for each set of labels."""
    total = sum_by(labels, rate(f"{histogram}_sum", *filters))
    return f"{total} / {sum_by(labels, rate(f'{histogram}_count', *filters))}"


def mean_within_range(labels: str, histogram: str, *filters: str) -> str:
    """Return the mean over the whole time that the dashboard shows, for each set of labels."""
    total = sum_by(labels, within_range(f"{histogram}_sum", *filters))
    return f"{total} / {sum_by(labels, within_range(f'{histogram}_count', *filters))}"


def of_job(rule: str, label: str, metric: str) -> str:
    """Return a recorded series, which knows no service, of those only that the chosen services have."""
    return f"{rule} and on ({label}) {series(metric, JOB)}"


def or_zero(expression: str) -> str:
    """Return 0 where there is nothing to count."""
    return f"{expression} or vector(0)"
