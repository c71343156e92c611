"""What tasks and driver tell each other through Redis: who runs, who may go on, how often something ran.

The journal is the driver's own witness. It is independent of the product under test, so that a moment such as
"these four tasks run" is known, not guessed by waiting.
"""

import time

import redis

#: How often a task that waits for its gate looks, in seconds.
GATE_INTERVAL = 0.05
#: A task that nobody lets go gives up after this many seconds, so that a broken run ends.
GATE_LIMIT = 90.0


class GateError(RuntimeError):
    """A task waited for its gate until the limit: the driver has died or forgotten it."""


class Journal:
    """Marks in one Redis database, shared by the driver and every worker of a run."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, decode_responses=True)

    def start(self, task_id: str) -> int:
        """Note that a task's body runs; returns how often it has run, this time included."""
        return int(self._redis.incr(f"started:{task_id}"))

    def starts(self, task_id: str) -> int:
        """How often the body of this task has begun."""
        return int(self._redis.get(f"started:{task_id}") or 0)

    def open_gate(self, task_id: str) -> None:
        """Let a waiting task go on."""
        self._redis.set(f"gate:{task_id}", 1)

    def wait_gate(self, task_id: str) -> None:
        """Block until the gate is open.

        Raises:
            GateError: nobody opened it within the limit.
        """
        deadline = time.monotonic() + GATE_LIMIT
        while not self._redis.exists(f"gate:{task_id}"):
            if time.monotonic() > deadline:
                raise GateError(f"nobody opened the gate of {task_id} within {GATE_LIMIT} s")
            time.sleep(GATE_INTERVAL)

    def note_child(self, worker: str, pid: int) -> None:
        """Note that a pool child of this worker has begun its life."""
        self._redis.rpush(f"children:{worker}", pid)

    def children(self, worker: str) -> int:
        """How many pool children this worker has had so far."""
        return int(self._redis.llen(f"children:{worker}"))

    def clear(self) -> None:
        """Forget everything, before a new run on the same server."""
        self._redis.flushdb()

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()
