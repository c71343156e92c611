"""Results and exceptions that are hostile: each ends its attempt once, and as Celery says it does."""

from celery_otel_pipeline.polling import DeadlineError, wait_until
from tests.attacks.hostile_ends import ENDS
from tests.attacks.target import Target
from tests.attacks.verdict import Verdict

DEADLINE = 60.0


def attack(target: Target, times: int = 1) -> Verdict:
    """Has tasks end in every way that is known, so many times each."""
    verdict = Verdict(f"{len(ENDS)} hostile results and exceptions")
    for name in list(ENDS) * times:
        verdict.sent += 1
        before = target.samples()["celery_task_received_total"]
        target.push(*target.copies(target.message("attack.end", name), 1))
        if not target.works():
            verdict.wrong.append(f"{name}: the worker ends")
            target.restart()
            continue
        _hold(target, verdict, name, before + 2)
    return verdict


def _hold(target: Target, verdict: Verdict, name: str, received: float) -> None:
    try:
        wait_until(lambda: _ended(target) >= received, deadline=DEADLINE, message="an attempt has no end")
    except DeadlineError:
        verdict.wrong.append(f"{name}: {received - _ended(target):g} attempts have no end")
    samples = target.samples()
    verdict.hold(not target.imbalance(), f"{name}: {target.imbalance()}")
    verdict.hold(received == samples["celery_task_received_total"], f"{name}: not received once")
    errors = samples["celery_otel_hook_errors_total"]
    verdict.hold(not errors, f"{name}: {errors:g} hook errors")
    verdict.hold(not samples["celery_otel_spans_dropped_total"], f"{name}: spans are dropped")


def _ended(target: Target) -> float:
    samples = target.samples()
    return samples["celery_task_total"] + samples["celery_task_returned_total"]
