"""Under what conditions a plan is run, and what Celery itself does and does not do there."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Conditions:
    """One way of running workers.

    Attributes:
        pool: Celery's name of the pool.
        broker: `redis` or `amqp`.
        acks_late: Whether `task_acks_late` is set.
        celery: Celery's version in the workers, major and minor.
        queue: The queue that all workers of the run consume.
        concurrency: Slots of each worker; Celery makes it 1 with the solo pool.
    """

    pool: str = "prefork"
    broker: str = "redis"
    acks_late: bool = False
    celery: tuple[int, int] = (5, 7)
    queue: str = "ledger"
    concurrency: int = 4

    def __str__(self) -> str:
        """How the tables name it."""
        acks = "late" if self.acks_late else "early"
        version = ".".join(map(str, self.celery))
        return f"{self.pool}, {self.broker}, {acks} ack, Celery {version}"

    @property
    def own_queue(self) -> str:
        """The queue that only the first worker consumes."""
        return f"{self.queue}.first"

    @property
    def queues(self) -> tuple[str, str, str]:
        """All queues of a run: the common one, and one for each of the two workers."""
        return self.queue, self.own_queue, f"{self.queue}.second"

    @property
    def processes(self) -> bool:
        """Whether tasks run in children that can be killed without ending the worker."""
        return self.pool == "prefork"

    @property
    def soft_limits(self) -> bool:
        """Whether Celery enforces soft time limits."""
        return self.processes

    @property
    def hard_limits(self) -> bool:
        """Whether Celery enforces hard time limits."""
        return self.pool in {"prefork", "gevent"}

    @property
    def can_terminate(self) -> bool:
        """Whether Celery can stop a task that runs; before 5.5 its gevent pool has no `terminate_job`."""
        return self.pool in {"prefork", "eventlet"} or (self.pool == "gevent" and self.celery >= (5, 5))

    @property
    def slots(self) -> int:
        """How many tasks one worker runs at once."""
        return 1 if self.pool == "solo" else self.concurrency
