"""The variables at the top of a dashboard, and the ones behind its links."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from grafana.dashboards.addresses import Addresses

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${datasource}")
Variable = Builder[VariableModel]

#: What has a value for each service: workers, and beats, which may have a name of their own.
_SERVICES = '{__name__=~"celery_task_total|celery_beat_last_tick_timestamp_seconds"}'
#: The API's series keep a worker in the list that is gone, and the workers' one that no API knows.
_WORKERS = '{__name__=~"celery_worker_up|celery_worker_pool_size"}'
_QUEUES = '{__name__=~"celery_queue_length|celery_task_queue_time_seconds_count"}'


def datasource() -> Variable:
    """Return the choice of the Prometheus that is asked."""
    return (
        builders.DatasourceVariable("datasource")
        .label("Prometheus")
        .description("The Prometheus that scrapes the collector.")
        .type("prometheus")
    )


def job() -> Variable:
    """Return the choice of services: the label `job`, which is the service's name."""
    return _choice("job", "Service", f"label_values({_SERVICES}, job)")


def task_name() -> Variable:
    """Return the choice of tasks, of those that the chosen services have."""
    return _choice("task_name", "Task", 'label_values(celery_task_total{job=~"$job"}, task_name)')


def worker_name() -> Variable:
    """Return the choice of workers, those that were lost meanwhile included."""
    return _choice("worker_name", "Worker", f"label_values({_WORKERS}, worker_name)")


def process_of() -> Variable:
    """Return the choice of workers and beats whose resources are read."""
    return _choice("worker_name", "Worker or beat", 'label_values(celery_process_count{job=~"$job"}, worker_name)')


def queue_name() -> Variable:
    """Return the choice of queues."""
    return _choice("queue_name", "Queue", f"label_values({_QUEUES}, queue_name)")


def model_type() -> Variable:
    """Return the choice of types of models."""
    return _choice("model_type", "Model type", 'label_values(celery_training_runs_total{job=~"$job"}, model_type)')


def method() -> Variable:
    """Return the choice of methods of search."""
    return _choice("method", "Method", 'label_values(celery_tuning_runs_total{job=~"$job"}, method)')


def process_type() -> Variable:
    """Return the choice of kinds of processes."""
    return _choice("process_type", "Process", 'label_values(celery_process_count{job=~"$job"}, process_type)')


def constants(addresses: Addresses) -> list[Variable]:
    """Return the addresses of the links, which are not shown."""
    return [
        builders.ConstantVariable("api_url").label("API").value(addresses.api),
        builders.ConstantVariable("jaeger_url").label("Jaeger").value(addresses.jaeger),
    ]


def _choice(name: str, label: str, query: str) -> Variable:
    return (
        builders.QueryVariable(name)
        .label(label)
        .query(query)
        .datasource(PROMETHEUS)
        .multi(multi=True)
        .include_all(include_all=True)
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )
