"""Every unexpected value in every header: the worker lives if a bare one does, and all is accounted for."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from tests.attacks.target import Envelope, Target, altered
from tests.attacks.values import VALUES
from tests.attacks.verdict import Verdict

#: Our lines in the life of a worker that is attacked for less than a minute: one a kind.
KINDS_OF_LINES = 4


def attack(target: Target, bare: Callable[[], Target], places: Sequence[str]) -> Verdict:
    """Puts every value into each of these places, one message each.

    Args:
        target: An instrumented worker.
        bare: Makes the same worker without the product, to see whether Celery bears a message.
        places: Headers and properties.
    """
    verdict = Verdict(f"{len(VALUES)} unexpected values in each of {len(places)} headers and properties")
    with ExitStack() as stack:
        deaths = _Deaths(target, lambda: stack.enter_context(bare()), verdict)
        for place in places:
            verdict.sent += len(VALUES)
            if not _bears(target, [_message(target, place, value) for value in VALUES]):
                deaths.of(place)
            _balances(target, verdict, place)
    if deaths.celerys:
        verdict.remarks.append(f"Celery itself ends of {len(deaths.celerys)}: {', '.join(deaths.celerys)}")
    return verdict


def _message(target: Target, place: str, value: str) -> Envelope:
    (message,) = target.copies(target.message("attack.echo", 1), 1)
    return altered(message, place, VALUES[value])


def _bears(target: Target, messages: Sequence[Envelope]) -> bool:
    """Whether a worker still works behind these messages; one that does not is started anew."""
    target.push(*messages)
    if target.works():
        return True
    target.restart()
    return False


class _Deaths:
    """Finds out of which values a worker ends, and whether Celery alone does too.

    Args:
        target: The instrumented worker.
        bare: Starts the other one.
        verdict: Where it is noted.
    """

    def __init__(self, target: Target, bare: Callable[[], Target], verdict: Verdict) -> None:
        self._target = target
        self._open = bare
        self._bare: Target | None = None
        self._verdict = verdict
        self.celerys: list[str] = []

    def of(self, place: str) -> None:
        """Tries the values of a place one by one."""
        for value in VALUES:
            if _bears(self._target, [_message(self._target, place, value)]):
                continue
            self._bare = self._bare or self._open()
            if _bears(self._bare, [_message(self._bare, place, value)]):
                self._verdict.wrong.append(f"{place}={value}: the worker ends, and a bare one does not")
            else:
                self.celerys.append(f"{place}={value}")


def _balances(target: Target, verdict: Verdict, place: str) -> None:
    verdict.hold(not target.imbalance(), f"{place}: {target.imbalance()}")
    samples = target.samples()
    for name in ("celery_otel_hook_errors_total", "celery_otel_spans_dropped_total"):
        verdict.hold(not samples[name], f"{place}: {name} is {samples[name]:g}")
    lines = target.lines
    verdict.hold(len(lines) <= KINDS_OF_LINES, f"{place}: {len(lines)} lines, the last {lines[-1:]}")
