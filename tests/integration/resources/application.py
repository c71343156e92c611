"""The snippet of the monitoring guide in front of tasks that write and fork."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from celery import Celery

from celery_otel import setup_celery_metrics, start_global_monitor

app = Celery("measured", broker="redis://unset", backend=os.environ.get("SHOP_BACKEND"))
app.conf.broker_connection_retry_on_startup = True
_WRITE = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_bytes(b'x' * 300_000)"


@app.task
def write(directory: str, number: int) -> int:
    """Writes a file, and has a subprocess write another; gives the process id."""
    (Path(directory) / f"own-{number}").write_bytes(b"x" * 300_000)
    subprocess.run([sys.executable, "-I", "-S", "-c", _WRITE, f"{directory}/other-{number}"], check=True)
    return os.getpid()


@app.task
def die() -> None:
    """Kills its own child."""
    os.kill(os.getpid(), signal.SIGKILL)


# Setup Celery metrics
setup_celery_metrics(app)

# Start resource monitoring
start_global_monitor(interval=float(os.environ.get("MONITOR_INTERVAL", "30.0")), process_type="celery_worker")
