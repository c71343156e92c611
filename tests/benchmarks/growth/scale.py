"""How large a run is: the sizes at which everything is measured, and how often."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """One scale.

    Attributes:
        names: Numbers of task names; those of error types and queues are the same.
        registered: Numbers of tasks of a real worker.
        workers: Numbers of simulated workers.
        children: Numbers of children of a pool.
        backlog: Lengths of a queue.
        attempts: Attempts in this process for one point.
        tasks: Tasks of a real worker for one point.
        repeats: Of how many measurements in this process a point is the median.
        rounds: Of how many real workers it is.
        interval: Milliseconds between two exports of a real worker: about as long as its tasks take, so that few are in
            their CPU.
        looks: How often a queue is looked at for one point.
        scrape_interval: Seconds between two scrapes: time enough for the largest page.
    """

    names: tuple[int, ...] = (1, 10, 100, 1000)
    registered: tuple[int, ...] = (1, 10, 100, 1000)
    workers: tuple[int, ...] = (1, 10, 50, 200)
    children: tuple[int, ...] = (1, 4, 16, 64)
    backlog: tuple[int, ...] = (0, 1000, 10_000, 100_000, 1_000_000)
    attempts: int = 4000
    tasks: int = 1000
    repeats: int = 3
    rounds: int = 2
    interval: int = 20_000
    looks: int = 50
    scrape_interval: float = 15.0


FULL = Scale()
#: Enough to see that everything works, and for no figure.
SMALL = Scale(
    names=(1, 10),
    registered=(2,),
    workers=(3,),
    children=(2,),
    backlog=(100,),
    attempts=200,
    tasks=50,
    repeats=1,
    rounds=1,
    interval=2000,
    looks=5,
    scrape_interval=1.0,
)
