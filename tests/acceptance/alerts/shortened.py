"""The numbers of the rules, with waits that a test can bear; every rule has them, also those that are not to fire."""

from collections.abc import Mapping

#: A worker's heart beats every 5 s, which is heard 2 s later at most; a series without a sender lives for 10 s.
HEARTBEAT_LATE = 12
SILENT = 20
OLD = 15

_NUMBERS: Mapping[str, Mapping[str, float | str]] = {
    "HighTaskFailureRate": {"threshold": 10},
    "TaskTimeout": {"threshold": 0.2, "window": "15s"},
    "TaskFailureRatio": {"threshold": 0.5, "volume": 6, "window": "15s"},
    "RetryStorm": {"threshold": 0.5, "volume": 20, "window": "15s"},
    "WorkerLost": {"window": "15s"},
    "UnknownTasks": {"window": "15s"},
    "DuplicateTasks": {"window": "15s"},
    "WorkerDown": {"window": "10s"},
    "WorkerSilent": {"threshold": SILENT},
    "PoolSaturated": {"window": "5s"},
    "ConsumerStuck": {"threshold": 8, "fresh": HEARTBEAT_LATE, "window": "5s"},
    "WorkerNotReporting": {"threshold": 40, "window": "20s", "for": "4s"},
    "QueueBacklog": {"threshold": 20},
    "QueueWithoutConsumer": {"for": "2s"},
    "OldestMessageTooOld": {"threshold": OLD},
    "BeatNotFiring": {"threshold": 8, "window": "10s"},
    "BrokerDown": {},
    "TelemetryLost": {"window": "15s"},
    "CollectorDown": {},
    "CollectorRefusing": {"window": "15s"},
    "CollectorQueueFilling": {"threshold": 0.5},
    "ApiDown": {"window": "5s", "for": "2s"},
}


def shortened(**others: Mapping[str, float | str]) -> dict[str, dict[str, float | str]]:
    """What `write_rules` is to change.

    Args:
        others: Other numbers of some alerts.
    """
    return {alert: {"for": "1s", **numbers, **others.get(alert, {})} for alert, numbers in _NUMBERS.items()}
