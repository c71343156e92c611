"""Judges the workers, one by one and beside each other."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby

from celery_otel.doctor.facts import Facts
from celery_otel.doctor.finding import Finding, listed, ok, problem, warning

CLOCK_DIFFERENCE = 1.0
"""Seconds by which clocks may differ."""


def answers(facts: Facts) -> Iterator[Finding]:
    """Whether anybody answers."""
    if facts.broker.error:
        return
    if facts.workers:
        yield ok("workers", f"{listed([worker.name for worker in facts.workers])} answered")
    else:
        yield problem(
            "workers",
            "none answered",
            "Start one, or look whether yours are connected to this broker. A worker with the pool solo cannot answer "
            "while it runs a task; for slow ones give --timeout.",
        )


def duplicates(facts: Facts) -> Iterator[Finding]:
    """Whether two workers answer under one name."""
    by_name = sorted(facts.replies, key=lambda reply: reply.name)
    for name, group in groupby(by_name, key=lambda reply: reply.name):
        replies = list(group)
        pids = {reply.pid for reply in replies if reply.pid is not None}
        if len(replies) > 1 or len(pids | _told(facts, name)) > 1:
            yield problem(
                f"worker {name}",
                "more than one worker answers under this name",
                "Give each its own (-n name@%h): commands reach only one of them, and their series are one.",
            )


def _told(facts: Facts, name: str) -> set[int]:
    """The process that answered under a name when it was asked again: of two, the broker may choose either."""
    return {worker.pid for worker in facts.workers if worker.name == name and worker.instrumented and worker.pid}


def labels(facts: Facts) -> Iterator[Finding]:
    """Whether two workers write the same series."""
    names = defaultdict(set)
    for reply in facts.replies:
        names[reply.label].add(reply.name)
    for label, same in sorted(names.items()):
        if len(same) > 1:
            yield problem(
                f"worker_name {label}",
                f"the series of {listed(sorted(same))} have the same name",
                "Give each its own CELERY_OTEL_WORKER_NAME.",
            )


def instrumented(facts: Facts) -> Iterator[Finding]:
    """Whether celery-otel is at work in each."""
    plain = [worker.name for worker in facts.workers if not worker.instrumented]
    for name in plain:
        yield problem(
            f"worker {name}",
            "not instrumented: nothing that it does is counted",
            "Call celery_otel.instrument(app) in the module that makes the application, install celery-otel there, "
            "look for OTEL_SDK_DISABLED in its environment, and restart it.",
        )
    if facts.workers and not plain:
        yield ok("instrumented", "every worker that answered")


def versions(facts: Facts) -> Iterator[Finding]:
    """Whether all have the versions that are installed here."""
    others = []
    for worker in facts.workers:
        for package, here in facts.versions.items():
            there = worker.versions.get(package)
            if there is not None and there != here:
                others.append(f"{worker.name} has {package} {there}, here is {here}")
    if others:
        yield warning("versions", "; ".join(others), "Finish the roll-out: what is told may differ between versions.")
    elif any(worker.versions for worker in facts.workers):
        yield ok("versions", ", ".join(f"{package} {version}" for package, version in facts.versions.items()))


def clocks(facts: Facts) -> Iterator[Finding]:
    """Whether the clocks go together."""
    told = {worker.name: worker.clock_difference for worker in facts.workers if worker.clock_difference is not None}
    wrong = {name: seconds for name, seconds in told.items() if abs(seconds) > CLOCK_DIFFERENCE}
    for name, seconds in wrong.items():
        yield problem(
            f"clock of {name}",
            f"{abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} the one here",
            "Run a time service on both hosts: queue times, ETAs and the order of spans are wrong by as much.",
        )
    if told and not wrong:
        yield ok("clocks", f"within {CLOCK_DIFFERENCE:g} s of the one here")


def revokes(facts: Facts) -> Iterator[Finding]:
    """Whether revokes outlive a restart."""
    forgetful = [worker.name for worker in facts.workers if worker.remembers_revokes is False]
    if forgetful:
        yield warning(
            "revokes",
            f"forgotten by {listed(forgetful)} at a restart",
            "Start workers with --statedb=FILE: else a revoked task that still waits is run after all.",
        )
    elif any(worker.remembers_revokes for worker in facts.workers):
        yield ok("revokes", "outlive a restart of the workers")


def idle(facts: Facts) -> Iterator[Finding]:
    """Whether each consumes something."""
    for worker in facts.workers:
        if not worker.queues:
            yield problem(
                f"worker {worker.name}",
                "consumes no queue",
                f"celery -A … control add_consumer QUEUE -d {worker.name}, or restart it with -Q.",
            )
