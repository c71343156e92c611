"""OpenTelemetry for Celery whose numbers are true: every attempt of every task is counted exactly once.

```python
import celery_otel

app = Celery("shop")
celery_otel.instrument(app)
```
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from celery_otel.errors import CeleryOtelError, ConfigurationError

if TYPE_CHECKING:
    from celery_otel.instrumentation import instrument, setup_celery_metrics, uninstrument
    from celery_otel.resources.global_monitor import start_global_monitor, stop_global_monitor
    from celery_otel.summary import get_celery_metrics_summary

__all__ = [
    "CeleryOtelError",
    "ConfigurationError",
    "get_celery_metrics_summary",
    "instrument",
    "setup_celery_metrics",
    "start_global_monitor",
    "stop_global_monitor",
    "uninstrument",
]
_ELSEWHERE = {
    "get_celery_metrics_summary": "celery_otel.summary",
    "start_global_monitor": "celery_otel.resources.global_monitor",
    "stop_global_monitor": "celery_otel.resources.global_monitor",
}


def __getattr__(name: str) -> Any:
    """The calls, imported when they are needed: Celery loads our plug-in, and with it this, at every start."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE.get(name, "celery_otel.instrumentation")), name)
