"""The numbers of the rules, with waits that a test can bear; every rule has them, also those that are not to fire."""

from collections.abc import Mapping

from celery_otel_pipeline.rules import thresholds

#: A worker's heart beats every 5 s, and is heard of 2 s later at most.
FRESH = 12
#: A worker that has lost its broker tries again 12 s later at most, and until then nobody consumes its queue.
RECONNECTED = "12s"
#: The series of a worker that is gone stand still for 15 s, and the last beat may have been 5 s before.
SILENT = 25

_NUMBERS: Mapping[str, Mapping[str, float | str]] = {
    "HighTaskFailureRate": {"threshold": 10},
    "TaskTimeout": {"threshold": 0.2, "window": "15s"},
    "TaskFailureRatio": {"threshold": 0.5, "volume": 6, "window": "15s"},
    "RetryStorm": {"threshold": 0.5, "volume": 20, "window": "15s"},
    "WorkerLost": {"window": "15s"},
    "UnknownTasks": {"window": "15s"},
    "DuplicateTasks": {"window": "15s"},
    "WorkerDown": {"window": "25s"},
    "WorkerSilent": {"threshold": SILENT},
    "PoolSaturated": {"window": "5s"},
    "ConsumerStuck": {"threshold": 8, "fresh": FRESH, "window": "5s"},
    "WorkerNotReporting": {"threshold": 40, "window": "20s", "for": "4s"},
    "QueueBacklog": {"threshold": 30, "for": "5s"},
    "QueueWithoutConsumer": {"for": RECONNECTED},
    "OldestMessageTooOld": {"threshold": 15},
    "BeatNotFiring": {"threshold": 8, "window": "10s", "for": "4s"},
    "BrokerDown": {"keep": "20s"},
    "TelemetryLost": {"window": "15s"},
    "CollectorDown": {"for": "3s"},
    "CollectorRefusing": {"window": "15s"},
    "CollectorQueueFilling": {"threshold": 0.5, "keep": "20s"},
    "ApiDown": {"window": "5s", "for": "2s"},
}


def shortened() -> dict[str, dict[str, float | str]]:
    """What `write_rules` is to change."""
    return {alert: {**_waits(alert), **numbers} for alert, numbers in _NUMBERS.items()}


def _waits(alert: str) -> dict[str, float | str]:
    shorter: dict[str, float | str] = {"for": "1s", "keep": "6s"}
    return {name: wait for name, wait in shorter.items() if name in thresholds()[alert]}
