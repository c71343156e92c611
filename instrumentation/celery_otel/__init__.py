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
    from celery_otel import optuna as optuna
    from celery_otel import sklearn as sklearn
    from celery_otel.instrumentation import instrument, setup_celery_metrics, uninstrument
    from celery_otel.resources.global_monitor import start_global_monitor, stop_global_monitor
    from celery_otel.subprocesses import subprocess_options
    from celery_otel.summary import get_celery_metrics_summary
    from celery_otel.training_run import current_training, training
    from celery_otel.tuning_run import current_tuning, tuning

__all__ = [
    "CeleryOtelError",
    "ConfigurationError",
    "current_training",
    "current_tuning",
    "get_celery_metrics_summary",
    "instrument",
    "setup_celery_metrics",
    "start_global_monitor",
    "stop_global_monitor",
    "subprocess_options",
    "training",
    "tuning",
    "uninstrument",
]
_ELSEWHERE = {
    "current_training": "celery_otel.training_run",
    "current_tuning": "celery_otel.tuning_run",
    "get_celery_metrics_summary": "celery_otel.summary",
    "start_global_monitor": "celery_otel.resources.global_monitor",
    "stop_global_monitor": "celery_otel.resources.global_monitor",
    "subprocess_options": "celery_otel.subprocesses",
    "training": "celery_otel.training_run",
    "tuning": "celery_otel.tuning_run",
}
_LIBRARIES = {"optuna", "sklearn"}


def __getattr__(name: str) -> Any:
    """The calls, imported when they are needed: Celery loads our plug-in, and with it this, at every start."""
    if name in _LIBRARIES:
        return import_module(f"celery_otel.{name}")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE.get(name) or _instrumentation()), name)


def _instrumentation() -> str:
    """The module that instruments; of a Celery that it does not know it could not even be imported."""
    unsupported = import_module("celery_otel.unsupported")
    known = unsupported.is_supported(import_module("celery").__version__)
    return "celery_otel.instrumentation" if known else "celery_otel.unsupported"
