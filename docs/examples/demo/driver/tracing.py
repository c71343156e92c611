"""The trace of the web request: fetched from Jaeger, which is built and started only now, and shown.

Until then the spans wait in the collector's queue, on the disk: the numbers need not wait for Jaeger.
"""

from dataclasses import dataclass, field

from celery_otel_pipeline.jaeger import JaegerServer
from celery_otel_pipeline.polling import DeadlineError, wait_until
from celery_otel_pipeline.spans import Trace

from .display import Screen
from .jaeger_build import BuildError, JaegerBuild
from .plan import Unit
from .planned_trace import deviations
from .stack import Stack, StackError

POLL_SECONDS = 0.2


@dataclass
class Tracing:
    """Shows one trace, and says whether it is as planned.

    Attributes:
        stack: The running servers.
        screen: Where to show it.
        deadline: Seconds that its spans may take to Jaeger.
        links: Jaeger's addresses to open, by name, once it runs.
    """

    stack: Stack
    screen: Screen
    deadline: float
    links: dict[str, str] = field(default_factory=dict)

    def run(self, unit: Unit, trace_id: str) -> bool:
        """Show the trace; False where it is not as planned, or there is no Jaeger to ask.

        Args:
            unit: What the web front was asked for.
            trace_id: The trace that began there.

        Raises:
            StackError: Another server than Jaeger ended.
        """
        self.screen.say("the spans wait in the collector's queue, on the disk, until Jaeger is there")
        jaeger = self._jaeger()
        return jaeger is not None and self._show(jaeger, unit, trace_id)

    def _jaeger(self) -> JaegerServer | None:
        try:
            JaegerBuild(self.stack.starter.directory, self.screen.say, self.stack.check).run()
            jaeger = self.stack.start_jaeger()
        except (BuildError, StackError) as error:
            self.stack.check()
            self.screen.error(f"\n{error}\nThe numbers above hold all the same; there is no trace to show.")
            return None
        # The collector tries a Jaeger that was away at longer and longer intervals, a new one at once. What waits is
        # on the disk, and the workers' totals are in the workers: neither is lost by that.
        self.screen.say("restarting the collector, which then sends what waits")
        self.stack.restart_collector()
        return jaeger

    def _show(self, jaeger: JaegerServer, unit: Unit, trace_id: str) -> bool:
        trace = self._fetch(jaeger, unit, trace_id)
        wrong = deviations(unit, trace)
        self.links = {
            "Jaeger, the trace": f"{jaeger.url}/trace/{trace_id}",
            "Jaeger, the same as JSON": f"{jaeger.url}/api/v3/traces/{trace_id}",
        }
        self.screen.trace(trace, wrong, self.links["Jaeger, the same as JSON"])
        return not wrong

    def _fetch(self, jaeger: JaegerServer, unit: Unit, trace_id: str) -> Trace:
        """Return the trace, as soon as it is as planned or else at the deadline."""
        found = [Trace(trace_id, ())]

        def as_planned() -> bool:
            self.stack.check()
            found.append(jaeger.trace(trace_id))
            return not deviations(unit, found[-1])

        try:
            wait_until(as_planned, deadline=self.deadline, message="not yet", interval=POLL_SECONDS)
        except DeadlineError:
            self.screen.error(f"Waited {self.deadline:.0f} s in vain.")
        return found[-1]
