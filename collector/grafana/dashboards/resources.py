"""Resources: CPU, memory, disk and GPU of workers and beats, with their child processes."""

from grafana.dashboards import variables
from grafana.dashboards.addresses import Addresses
from grafana.dashboards.board import Board
from grafana.dashboards.panels import Panel, Query, graph, number
from grafana.dashboards.queries import JOB, WORKER, rate, series, sum_by
from grafana.dashboards.units import BYTES, BYTES_PER_SECOND, COUNT, PERCENT, RATIO, WHOLE

_PROCESS = 'process_type=~"$process_type"'
_BY = "worker_name, process_type"
_NAME = "{{worker_name}} {{process_type}}"


def board(addresses: Addresses) -> Board:
    """Return the dashboard."""
    made = Board(
        "celery-resources",
        "Celery: resources",
        "What do workers and beats use, their child processes included, and how close are they to their limits?",
        addresses,
        [variables.job(), variables.process_type(), variables.process_of()],
    )
    _now(made)
    _processor_and_memory(made)
    _rest(made)
    _gpus(made)
    return made


def _of(metric: str) -> str:
    return series(metric, JOB, WORKER, _PROCESS)


def _lines(title: str, description: str, unit: str, metric: str, *, width: int = 8) -> Panel:
    return graph(title, description, unit, Query(sum_by(_BY, _of(metric)), _NAME), width=width)


def _now(made: Board) -> None:
    nearest = f"max({_of('celery_process_memory_bytes')} / {_of('celery_process_memory_limit_bytes')})"
    made.row(
        "Now",
        number(
            "CPU", "All together; 100 % is one core.", PERCENT, Query(sum_by("", _of("celery_process_cpu_percent")))
        ),
        number(
            "Memory", "Resident memory, all together.", BYTES, Query(sum_by("", _of("celery_process_memory_bytes")))
        ),
        number(
            "Of the memory limit",
            "Memory of the process that is nearest to the limit of its control group. Absent without a limit.",
            RATIO,
            Query(nearest),
        ),
        number("Processes", "With their descendants.", WHOLE, Query(sum_by("", _of("celery_process_count")))),
        number("Threads", "Of all processes.", WHOLE, Query(sum_by("", _of("celery_process_threads")))),
        number("Open files", "Sockets and pipes included.", WHOLE, Query(sum_by("", _of("celery_process_open_files")))),
    )


def _processor_and_memory(made: Board) -> None:
    made.row(
        "CPU and memory",
        _lines(
            "CPU",
            "User and system time, of ended child processes too; 100 % is one core.",
            PERCENT,
            "celery_process_cpu_percent",
            width=12,
        ),
        _lines(
            "Memory",
            "Resident memory. Pages that processes share count for each of them.",
            BYTES,
            "celery_process_memory_bytes",
            width=12,
        ),
        _lines(
            "Private memory",
            "What nobody else shares: what the end of the processes would free.",
            BYTES,
            "celery_process_memory_private_bytes",
            width=12,
        ),
        _lines(
            "Memory limit",
            "The smallest limit of the control groups that the process is in. Absent without one.",
            BYTES,
            "celery_process_memory_limit_bytes",
            width=12,
        ),
    )


def _rest(made: Board) -> None:
    read, written = "celery_process_disk_read_bytes_total", "celery_process_disk_written_bytes_total"
    made.row(
        "Disk and processes",
        graph(
            "Disk",
            "Read from disks and written to them; what the page cache gave is not in it.",
            BYTES_PER_SECOND,
            Query(sum_by(_BY, rate(read, JOB, WORKER, _PROCESS)), f"{_NAME} read"),
            Query(sum_by(_BY, rate(written, JOB, WORKER, _PROCESS)), f"{_NAME} written"),
            width=12,
        ),
        _lines("Processes", "The process and its descendants.", COUNT, "celery_process_count", width=12),
        _lines("Threads", "Of the process and its descendants.", COUNT, "celery_process_threads", width=12),
        _lines(
            "Open files",
            "One that only rises is a leak.",
            COUNT,
            "celery_process_open_files",
            width=12,
        ),
    )


def _gpus(made: Board) -> None:
    used, total = _of("celery_gpu_memory_used_bytes"), _of("celery_gpu_memory_total_bytes")
    made.row(
        "GPU",
        graph(
            "GPU at work",
            "Whoever uses it. Absent where there is no GPU, or pynvml is not installed.",
            PERCENT,
            Query(f"max by (instance, gpu) ({_of('celery_gpu_utilization_percent')})", "{{instance}} GPU {{gpu}}"),
        ).max(100),
        graph(
            "GPU memory",
            "Used, whoever uses it, and all there is.",
            BYTES,
            Query(f"max by (instance, gpu) ({used})", "{{instance}} GPU {{gpu}} used"),
            Query(f"max by (instance, gpu) ({total})", "{{instance}} GPU {{gpu}} all"),
        ),
    )
