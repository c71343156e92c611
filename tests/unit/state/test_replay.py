"""Wherever a log ends, what is read of it is exactly what the ledger said then."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from celery_otel import names
from celery_otel.core.attempt import Attempt
from celery_otel.core.outcome import IGNORED, LOST, REQUEUED, SUCCESS, TIMED_OUT, Outcome, ReturnCause, Status
from celery_otel.core.run import SUCCESS as RUN_SUCCESS
from celery_otel.core.run import TRAINING, RunRecord
from tests.unit.state.lives import Life, Numbers, Request, Time, held, numbers

FAILED = [Outcome(Status.FAILURE, detail=kind) for kind in ("KeyError", "ValueError", "OSError")]
OUTCOMES = [SUCCESS, IGNORED, REQUEUED, LOST, TIMED_OUT, Outcome(Status.RETRY, detail="KeyError"), *FAILED]
SECONDS = st.floats(0, 100)


class Replay(RuleBasedStateMachine):
    """Any sequence of what can happen to a ledger, and of deaths; each moment is read again at the end."""

    def __init__(self) -> None:
        super().__init__()
        self._root = TemporaryDirectory()
        self.path = Path(self._root.name) / "kept"
        self.time = Time()
        self.held: list[tuple[Attempt, Request]] = []
        self.runs: list[RunRecord] = []
        self.receipts = 0

    @initialize()
    def begin(self) -> None:
        """The first life begins."""
        self.life = Life(self.path, self.time)
        self.moments: list[tuple[int, int, Numbers, object]] = []
        self.life.ledger.declare(["a", "b"])
        self.lines = self._lines()

    @rule(task=st.sampled_from(["a", "b"]), queue=st.sampled_from(["x", "y"]), wait=SECONDS)
    def receive(self, task: str, queue: str, wait: float) -> None:
        """A message arrives."""
        self.time.now += 0.125
        attempt = self.life.receive(task, self.receipts % 5, queue)
        attempt.published_at = 1000.0 - wait
        self.receipts += 1
        self.held.append((attempt, self.life.requests[-1]))
        self.note()

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def start(self, data: st.DataObject) -> None:
        """The pool accepts one, perhaps twice, perhaps after its end."""
        attempt, _ = data.draw(st.sampled_from(self.held))
        self.life.ledger.start(attempt, self.time.now - 0.5)
        self.note()

    @precondition(lambda self: self.held)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES), runtime=st.none() | SECONDS)
    def end(self, data: st.DataObject, outcome: Outcome, runtime: float | None) -> None:
        """The pool reports one, perhaps again."""
        attempt, _ = data.draw(st.sampled_from(self.held))
        self.life.ledger.end(attempt, outcome, runtime)
        self.note()

    @rule(cause=st.sampled_from([ReturnCause.SHUTDOWN, ReturnCause.CONNECTION_LOST]))
    def give_back(self, cause: ReturnCause) -> None:
        """The worker lets go of what waits."""
        self.life.ledger.give_back(cause, spare=lambda attempt: attempt.accepted)
        self.note()

    @rule(label=st.sampled_from(["forest", "tree", "svm"]))
    def begin_run(self, label: str) -> None:
        """A task begins to train."""
        self.runs.append(RunRecord.begun(TRAINING, label, self.time.now))
        self.life.ledger.begin_run(self.runs[-1])
        self.note()

    @precondition(lambda self: self.runs)
    @rule(seconds=SECONDS)
    def end_run(self, seconds: float) -> None:
        """A task has trained."""
        run = self.runs.pop()
        ended = RunRecord(run.id, run.kind, run.label, run.pid, run.began, seconds, RUN_SUCCESS)
        self.life.ledger.end_run(ended)
        self.note()

    @rule(reason=st.sampled_from(["invalid", "undecodable"]))
    def count(self, reason: str) -> None:
        """Something is counted that is no attempt."""
        self.life.ledger.count(names.MESSAGES_INVALID, reason)
        self.note()

    @rule()
    def rotate(self) -> None:
        """A new snapshot is written, and the log begins anew."""
        self.life.state.begin()
        self.moments.clear()
        self.lines = 0
        self.note()

    @rule()
    def die(self) -> None:
        """It is killed, and the next life goes on."""
        before = self.life.ledger.read()
        self.life.kill()
        self.life = Life(self.path, self.time)
        after = self.life.ledger.read()
        assert 0 == held(after)
        assert _returned(after) == _returned(before) + _as_int(held(before))
        assert before[names.TASK_RECEIVED] == after[names.TASK_RECEIVED]
        self.held.clear()
        self.runs.clear()
        self.moments.clear()
        self.lines = self._lines()

    def note(self) -> None:
        """Keeps what the ledger says now, and how long the log is. What has happened is one line, or nothing."""
        read = self.life.ledger.read()
        log = max(self.path.glob("*.log"), key=lambda path: int(path.stem))
        lines = self._lines()
        assert lines - self.lines in {0, 1}
        self.lines = lines
        self.moments.append((int(log.stem), log.stat().st_size, numbers(read), held(read)))

    def _lines(self) -> int:
        log = max(self.path.glob("*.log"), key=lambda path: int(path.stem))
        return log.read_bytes().count(b"\n")

    def teardown(self) -> None:
        """Whatever of the log is there, it says what the ledger said when it was that long."""
        for number, (generation, size, expected, waiting) in enumerate(self.moments):
            for more in (0, 1) if number + 1 < len(self.moments) and self.moments[number + 1][1] > size else (0,):
                copy = Path(self._root.name) / f"{number}-{more}"
                shutil.copytree(self.path, copy)
                with (copy / f"{generation}.log").open("r+b") as log:
                    log.truncate(size + more)
                again = Life(copy, self.time, begin=False)
                read = again.ledger.read()
                assert [] == again.state.complaints
                again.kill()
                assert (expected, waiting) == (numbers(read), held(read))
        self.life.kill()
        self._root.cleanup()


def _returned(read: object) -> int:
    series = read[names.TASK_RETURNED]  # type: ignore[index]  # readings
    return sum(value for (_, cause), value in series.items() if cause == "killed")


def _as_int(value: object) -> int:
    assert isinstance(value, int)
    return value


Replay.TestCase.settings = hypothesis_settings(stateful_step_count=25)
TestReplay = Replay.TestCase
