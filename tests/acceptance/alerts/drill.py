"""Faults that were made, the alerts that they have to raise, and how long those took to come and to go."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

from celery_otel_pipeline.notifications import Notification
from celery_otel_pipeline.polling import wait_until
from tests.acceptance.alerts.recorder import Key, Recorder, key
from tests.acceptance.alerts.stack import Stack
from tests.acceptance.alerts.table import Row

#: Seconds that an alert may take to fire, or to be over: far more than it does on a machine with nothing else to do.
PATIENCE = 120.0
WATCHDOG = Key("Watchdog")


@dataclass
class Fault:
    """Something that was broken.

    Attributes:
        what: In a few words, for the table.
        alerts: What has to be notified of it.
        made: When, on the monotonic clock.
        repaired: When it was mended, on the same clock; what passes by itself was mended when it was made.
    """

    what: str
    alerts: tuple[Key, ...]
    made: float = field(default_factory=time.monotonic)
    repaired: float = field(default_factory=time.monotonic)

    def mended(self) -> None:
        """It is mended now."""
        self.repaired = time.monotonic()


class Drill:
    """The faults of one stack.

    Args:
        stack: Where they are made.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._recorder = Recorder(stack.prometheus, stack.alertmanager)
        self._faults: list[Fault] = []

    def fault(self, what: str, *alerts: Key) -> Fault:
        """Note a fault that is being made now."""
        self._faults.append(Fault(what, alerts))
        return self._faults[-1]

    def fires(self, fault: Fault) -> None:
        """Wait until Prometheus fires a fault's alerts, Alertmanager holds them, and their receiver knows of them."""
        for alert in fault.alerts:
            self._wait(partial(self._has_fired, alert, fault.made), f"{alert} does not fire for: {fault.what}")

    def resolves(self, fault: Fault) -> None:
        """Wait until a mended fault's alerts are over everywhere."""
        for alert in fault.alerts:
            self._wait(partial(self._is_over, alert, fault.repaired), f"{alert} does not resolve after: {fault.what}")

    def quiet(self) -> None:
        """Wait until nothing fires or is held but the dead man's switch, of which its receiver has been told."""
        self._wait(
            lambda: self._newest() == ({WATCHDOG}, {WATCHDOG}, set()) and WATCHDOG in self.notified(),
            "something goes on",
        )

    def holds_back(self, fault: Fault, *alerts: Key) -> None:
        """Wait until Alertmanager has kept quiet about alerts since a fault was made; without alerts, about any."""
        wanted = set(alerts)

        def held_back() -> bool:
            found = self.inhibited(fault)
            return bool(found) and wanted <= found

        self._wait(held_back, f"{wanted or 'nothing'} is held back for: {fault.what}")

    def notified(self, moment: float = 0.0) -> set[Key]:
        """Every alert of which a receiver was told since a moment that it fires.

        That one is over of which nobody was told is told by Alertmanager together with others of its group.
        """
        told = self.stack.receiver.since(moment)
        return {key(notification.labels) for notification in told if notification.status == "firing"}

    def inhibited(self, fault: Fault) -> set[Key]:
        """Every alert that Alertmanager held and kept quiet about since a fault was made."""
        return set().union(*(look.inhibited for look in self._recorder.since(fault.made)))

    def expected(self) -> set[Key]:
        """Every alert of which a receiver has to be told."""
        return {WATCHDOG}.union(*(fault.alerts for fault in self._faults))

    def rows(self, fault: Fault) -> list[Row]:
        """How long the alerts of a fault that is over took."""
        return [self._row(fault, alert) for alert in fault.alerts]

    def goes_out(self, alert: Key) -> float:
        """Wait until Alertmanager does not hold an alert any more; how many seconds that took."""
        began = time.monotonic()
        self._wait(lambda: any(alert not in look.held for look in self._recorder.since(began)), f"{alert} stays")
        return time.monotonic() - began

    def comes_back(self, alert: Key) -> float:
        """Wait until Alertmanager holds an alert; how many seconds that took."""
        began = time.monotonic()
        self._wait(lambda: any(alert in look.held for look in self._recorder.since(began)), f"{alert} stays away")
        return time.monotonic() - began

    def _wait(self, condition: Callable[[], bool], message: str) -> None:
        wait_until(condition, deadline=PATIENCE, message=lambda: f"{message}. {self._state()}")

    def _row(self, fault: Fault, alert: Key) -> Row:
        firing = next(look.at for look in self._recorder.since(fault.made) if alert in look.firing)
        return {
            "alert": alert.name,
            "fault": fault.what,
            "fired": firing - fault.made,
            "notified": self._told(alert, "firing", fault.made)[0].at - fault.made,
            "resolved": self._over(alert, fault.repaired) - fault.repaired,
        }

    def _has_fired(self, alert: Key, moment: float) -> bool:
        looks = self._recorder.since(moment)
        seen = any(alert in look.firing for look in looks) and any(alert in look.held for look in looks)
        return seen and bool(self._told(alert, "firing", moment))

    def _is_over(self, alert: Key, moment: float) -> bool:
        looks = self._recorder.since(moment)
        gone = bool(looks) and alert not in looks[-1].firing | looks[-1].held | looks[-1].inhibited
        return gone and bool(self._told(alert, "resolved", moment))

    def _over(self, alert: Key, moment: float) -> float:
        """When the receiver was told that it is over, after it was last told that it is not."""
        firing = [moment, *(notification.at for notification in self._told(alert, "firing", moment))]
        return next(over.at for over in self._told(alert, "resolved", firing[-1]))

    def _told(self, alert: Key, status: str, moment: float) -> list[Notification]:
        came = [one for one in self.stack.receiver.since(moment) if key(one.labels) == alert]
        return [notification for notification in came if notification.status == status]

    def _newest(self) -> tuple[Iterable[Key], ...]:
        looks = self._recorder.looks
        return (set(looks[-1].firing), set(looks[-1].held), set(looks[-1].inhibited)) if looks else ()

    def _state(self) -> str:
        looks = self._recorder.looks
        told = [(*key(notification.labels), notification.status) for notification in self.stack.receiver.since(0.0)]
        return f"The last look: {looks[-1] if looks else None}. Notified so far: {told}"

    def __enter__(self) -> Self:
        self._recorder.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recorder.__exit__(kind, error, trace)
