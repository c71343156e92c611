"""Finding processes that should be gone."""

from pathlib import Path

import psutil

from celery_otel_pipeline.polling import wait_until

_PATIENCE = 10.0


def processes_of(directory: Path) -> list[str]:
    """Return the command lines of what still has a file in a test's own directory open, as every server has its log."""
    return [_command_line(process) for process in psutil.process_iter() if _has_open_file_in(process, directory)]


def wait_until_gone(directory: Path) -> None:
    """Return when no process has a file in the directory open any more."""
    wait_until(
        lambda: not processes_of(directory),
        deadline=_PATIENCE,
        message=lambda: f"left behind: {processes_of(directory)}",
    )


def _has_open_file_in(process: psutil.Process, directory: Path) -> bool:
    try:
        return any(Path(file.path).is_relative_to(directory) for file in process.open_files())
    except psutil.Error:
        return False


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return f"process {process.pid}, which ended just now"
