"""OpenTelemetry for Celery whose numbers are true: every attempt of every task is counted exactly once.

```python
import celery_otel

app = Celery("shop")
celery_otel.instrument(app)
```
"""

from celery_otel.errors import CeleryOtelError, ConfigurationError
from celery_otel.instrument import instrument, setup_celery_metrics, uninstrument
from celery_otel.summary import get_celery_metrics_summary

__all__ = [
    "CeleryOtelError",
    "ConfigurationError",
    "get_celery_metrics_summary",
    "instrument",
    "setup_celery_metrics",
    "uninstrument",
]
