"""Links: between the dashboards, from a panel to the traces behind it, and to the API's page."""

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

TAG = "celery"
_RUNBOOKS = "https://github.com/celery-otel/celery-otel/blob/main/docs/runbooks"
_PERIOD = "start=${__from}000&end=${__to}000&lookback=custom&limit=50"
_FAILED = "tags=%7B%22error%22%3A%22true%22%7D"


def between_dashboards() -> list[DashboardLink]:
    """Return the links at the top of every dashboard."""
    others = (
        DashboardLink("Celery")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(as_dropdown=True)
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
        .tooltip("The other dashboards, with the same choices and time")
    )
    return [
        others,
        _page("What runs now", "${api_url}", "The API's page: tasks that run, and how to stop them"),
        _page("Traces", "${jaeger_url}", "Jaeger: what one task did"),
    ]


def _page(title: str, url: str, tooltip: str) -> DashboardLink:
    link = DashboardLink(title).type(DashboardLinkType.LINK).icon("external link").url(url)
    return link.tooltip(tooltip).target_blank(target_blank=True)


def traces_of_line() -> DashboardLink:
    """Return the link from a line, with the labels `job` and `task_name`, to its task's traces."""
    return _traces("${__field.labels.job}", "${__field.labels.task_name}")


def traces_of_row() -> DashboardLink:
    """Return the link from a row of a table, with the columns Service and Task, to its task's traces."""
    return _traces("${__data.fields.Service}", "${__data.fields.Task}")


def failed_traces_of_row() -> DashboardLink:
    """Return the link from a row of a table, with the columns Service and Task, to traces of its failed attempts."""
    return _traces("${__data.fields.Service}", "${__data.fields.Task}", _FAILED, title="Failed traces in Jaeger")


def task_of_row() -> DashboardLink:
    """Return the link from a row of a table, with the column Task, to the dashboard of that task."""
    return _inside("The task", "/d/celery-task?var-task_name=${__data.fields.Task}&${__url_time_range}")


def runbook_of_row() -> DashboardLink:
    """Return the link from a row of a table, with the column Alert, to what to do about it."""
    return DashboardLink("Runbook").url(f"{_RUNBOOKS}/${{__data.fields.Alert}}.md").target_blank(target_blank=True)


def worker_of_row() -> DashboardLink:
    """Return the link from a row of a table, with the column Worker, to the resources of that worker."""
    return _inside("Its resources", "/d/celery-resources?var-worker_name=${__data.fields.Worker}&${__url_time_range}")


def worker_of_line() -> DashboardLink:
    """Return the link from a line, with the label `worker_name`, to the dashboard of that worker."""
    return _inside("The worker", "/d/celery-worker?var-worker_name=${__field.labels.worker_name}&${__url_time_range}")


def queue_of_line() -> DashboardLink:
    """Return the link from a line, with the label `queue_name`, to the dashboard of that queue."""
    return _inside("The queue", "/d/celery-queues?var-queue_name=${__field.labels.queue_name}&${__url_time_range}")


def api_page() -> DashboardLink:
    """Return the link to the API's page."""
    return DashboardLink("What runs now: the API's page").url("${api_url}").target_blank(target_blank=True)


def _traces(service: str, task: str, *more: str, title: str = "Traces in Jaeger") -> DashboardLink:
    query = "&".join([f"service={service}", f"operation=process%20{task}", *more, _PERIOD])
    return DashboardLink(title).url(f"${{jaeger_url}}/search?{query}").target_blank(target_blank=True)


def _inside(title: str, url: str) -> DashboardLink:
    return DashboardLink(title).url(url)
