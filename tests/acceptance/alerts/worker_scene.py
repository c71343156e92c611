"""Workers with a queue of their own each, what is done to them, and how that is mended."""

import signal
from pathlib import Path

from celery_otel_pipeline.worker import start_together
from tests.acceptance.alerts.drill import Drill, Fault
from tests.acceptance.alerts.recorder import Key

#: Of a worker's events one every 20 s: the API then counts it as up for 100 s without any.
PATIENT = ("--heartbeat-interval", "20")
#: A consumer that knows no priorities never looks where a message with one lies.
NO_PRIORITIES = {"broker_transport_options": {"priority_steps": [0]}}
#: How many messages are a backlog, and how many are not.
MANY, FEW = 60, 5


class WorkerScene:
    """Seven workers and a queue that nobody consumes. What is done to one does not reach the others.

    Args:
        drill: Sees the alerts.
        directory: Where gates are.
    """

    def __init__(self, drill: Drill, directory: Path) -> None:
        self.drill = drill
        self.stack = drill.stack
        self.directory = directory
        self.stall = directory / "stall"
        worker = self.stack.worker
        self.workers = {
            "blocked": worker("blocked", "blocked", concurrency=2),
            "late": worker("late", "late"),
            "stuck": worker("stuck", "stuck", settings=NO_PRIORITIES),
            "dead": worker("dead", "dead"),
            "frozen": worker("frozen", "frozen"),
            "silent": worker("silent", "silent", arguments=PATIENT, FAULTS_STALL=str(self.stall)),
        }
        self.seldom = worker("seldom", "seldom", OTEL_METRIC_EXPORT_INTERVAL="60000")
        self.faults: dict[str, Fault] = {}

    def start(self) -> None:
        """Start all workers but the one that exports too seldom, and wait until nothing is wrong."""
        start_together(list(self.workers.values()))
        self.stack.send("nothing", queue="stuck")
        self.stack.shows("sum(celery_worker_up)", len(self.workers))
        self.drill.quiet()

    def stop_workers(self) -> None:
        """Let two workers fall silent, in two ways."""
        self._dies()
        self._freezes()

    def start_workers(self) -> None:
        """Let them be there again."""
        self._mended("frozen", "dead")
        self.workers["frozen"].signal(signal.SIGCONT)
        self.workers["dead"].start()

    def break_everything(self) -> None:
        """Make all other faults."""
        self._starts_seldom()
        self._blocks()
        self._is_late()
        self._sticks()
        self._stalls()
        self._mails()

    def _starts_seldom(self) -> None:
        self.seldom.start()
        what = "a worker exports once a minute, and the collector forgets what it was sent after 15 s"
        self._note("seldom", what, Key("WorkerNotReporting", self.seldom.node_name))

    def _blocks(self) -> None:
        self.stack.send("hold", str(self.directory), times=MANY, queue="blocked")
        what = "both slots of a pool run tasks that do not end, and many more wait"
        alerts = Key("PoolSaturated", self._node("blocked")), Key("QueueBacklog", "blocked")
        self._note("blocked", what, *alerts)

    def _is_late(self) -> None:
        self.stack.send("hold", str(self.directory), times=FEW, queue="late")
        what = "the one slot of a pool runs a task that does not end, and a few more wait"
        alerts = Key("PoolSaturated", self._node("late")), Key("OldestMessageTooOld", "late")
        self._note("late", what, *alerts)

    def _sticks(self) -> None:
        self.stack.send("nothing", times=3, queue="stuck", priority=6)
        what = "a worker does not take the messages of its queue, which have a priority that it does not know"
        self._note("stuck", what, Key("ConsumerStuck", self._node("stuck")))

    def _dies(self) -> None:
        self.workers["dead"].kill()
        self._note("dead", "kill -9 of a worker", Key("WorkerDown", self._node("dead")))

    def _freezes(self) -> None:
        self.workers["frozen"].signal(signal.SIGSTOP)
        self._note("frozen", "SIGSTOP of a worker", Key("WorkerDown", self._node("frozen")))

    def _stalls(self) -> None:
        self.stall.touch()
        self.stack.send("nothing", queue="silent")
        what = "a signal handler holds up the main process of a worker"
        self._note("silent", what, Key("WorkerSilent", self._node("silent")))

    def _mails(self) -> None:
        self.stack.send("nothing", times=2, queue="mail")
        self._note("mail", "messages in a queue that nobody consumes", Key("QueueWithoutConsumer", "mail"))

    def repair_everything(self) -> None:
        """Mend all of them."""
        self._mended("blocked", "late", "silent", "mail")
        (self.directory / "gate").touch()
        self.stall.unlink()
        self.stack.producer.control.add_consumer("mail", destination=[self._node("blocked")])
        self._mended("stuck", "seldom")
        self.seldom.warm_stop()
        # One of the same name that exports as it should, and one that knows priorities beside that which does not.
        start_together([self.stack.worker("seldom", "seldom"), self.stack.worker("helper", "stuck")])

    def _mended(self, *names: str) -> None:
        for name in names:
            self.faults[name].mended()

    def _note(self, name: str, what: str, *alerts: Key) -> None:
        self.faults[name] = self.drill.fault(what, *alerts)

    def _node(self, name: str) -> str:
        """The name on a worker's series."""
        return self.workers[name].node_name
