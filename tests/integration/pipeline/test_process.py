"""A child process: its log, its end, and what it leaves behind, which is nothing."""

import re
import signal
import sys
from pathlib import Path

import psutil
import pytest

from celery_otel_pipeline.polling import DeadlineError, wait_until
from celery_otel_pipeline.process import Process, ProcessDiedError
from celery_otel_pipeline.session_guard import session_members
from tests.integration.pipeline.owners import owner
from tests.integration.pipeline.survivors import wait_until_gone

# Says that it is up, then waits for ever, whatever it is asked.
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
# Ends when it is asked to.
POLITE = "import signal, sys; signal.signal(15, lambda *_: sys.exit(7)); print('up', flush=True); signal.pause()"
# Starts a process that it does not look after, and says which.
PARENTAL = (
    "import subprocess, sys, time; "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "print('child', child.pid, flush=True); time.sleep(600)"
)


def python(name: str, program: str, directory: Path, **env: str) -> Process:
    """Return a process that runs a piece of Python."""
    return Process(name, [sys.executable, "-c", program], directory=directory, env=env)


def wait_for_log(process: Process, text: str) -> None:
    """Return when the process has written the text since its start."""
    wait_until(lambda: text in process.log_since_start, deadline=30, message=lambda: f"no {text!r}\n{process.log_tail}")


def test_output_and_status_are_kept(tmp_path: Path) -> None:
    """What a program writes to both outputs is in its log, and its status is what it ended with."""
    process = python("say", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)", tmp_path)
    with process:
        assert process.wait(30) == 3

    assert set(process.log.split()) == {"out", "err"}
    assert process.log_path == tmp_path / "say.log"
    assert not process.alive


def test_log_grows_over_restarts(tmp_path: Path) -> None:
    """A restarted program's log is appended to, and the part since the start can be told apart."""
    process = python("say", "print('hello')", tmp_path)
    for _ in range(2):
        process.start()
        process.wait(30)
    process.stop()

    assert process.log == "hello\nhello\n"
    assert process.log_since_start == "hello\n"


def test_variables_come_on_top(tmp_path: Path) -> None:
    """The program sees the variables that it was given."""
    process = python("say", "import os; print(os.environ['COLOUR'])", tmp_path, COLOUR="red")
    with process:
        process.wait(30)

    assert process.log == "red\n"


def test_orderly_end_is_awaited(tmp_path: Path) -> None:
    """A program that ends on SIGTERM is not killed."""
    process = python("polite", POLITE, tmp_path)
    process.start()
    wait_for_log(process, "up")

    assert process.stop() == 7


def test_stubborn_program_is_killed(tmp_path: Path) -> None:
    """A program that ignores SIGTERM is killed when its time is over."""
    process = python("stubborn", STUBBORN, tmp_path)
    process.start()
    wait_for_log(process, "up")

    assert process.stop(timeout=0.1) == -signal.SIGKILL


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_grandchildren_end_with_it(ending: str, tmp_path: Path) -> None:
    """What a program started ends with it, also when nobody waits for it."""
    process = python("parental", PARENTAL, tmp_path)
    process.start()
    wait_for_log(process, "child")
    assert len(session_members(process.pid)) == 2

    getattr(process, ending)()

    assert session_members(process.pid) == []


def test_signal_reaches_the_program_alone(tmp_path: Path) -> None:
    """A signal is not passed on to what the program started; the next start clears that away."""
    process = python("parental", PARENTAL, tmp_path)
    process.start()
    wait_for_log(process, "child")
    first = process.pid

    process.signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    assert len(session_members(first)) == 1

    with process:
        assert session_members(first) == []


def test_signal_to_the_dead_is_an_error(tmp_path: Path) -> None:
    """A signal that reaches nobody is told, with the end of the log."""
    process = python("brief", "print('that was all')", tmp_path)
    with process:
        process.wait(30)
        with pytest.raises(ProcessDiedError, match="that was all"):
            process.signal(signal.SIGTERM)


def test_second_start_is_an_error(tmp_path: Path) -> None:
    """A running program is not started twice."""
    with python("stubborn", STUBBORN, tmp_path) as process:
        wait_for_log(process, "up")
        with pytest.raises(RuntimeError, match="stop it first"):
            process.start()
        process.kill()


def test_waiting_has_a_deadline(tmp_path: Path) -> None:
    """A program that does not end in time is told, with the end of its log."""
    process = python("stubborn", STUBBORN, tmp_path)
    process.start()
    wait_for_log(process, "up")

    with pytest.raises(DeadlineError, match=r"still runs after 0\.1 s(.|\n)*up"):
        process.wait(0.1)
    process.kill()


def test_never_started_process_has_no_id(tmp_path: Path) -> None:
    """Asking a process that never was is an error, and ending it is not."""
    process = python("never", STUBBORN, tmp_path)

    assert process.stop() is None
    assert process.kill() is None
    assert process.log == ""
    with pytest.raises(ProcessDiedError, match="was never started"):
        _ = process.pid
    with pytest.raises(ProcessDiedError, match="was never started"):
        process.wait(1)


OWNER = """
import sys
from pathlib import Path
from celery_otel_pipeline.process import Process

process = Process("parental", [sys.executable, "-c", sys.argv[2], sys.argv[1]], directory=Path(sys.argv[1]))
process.start()
print(process.pid, flush=True)
process.wait(600)
"""


def test_nothing_is_left_when_the_owner_is_killed(tmp_path: Path) -> None:
    """A test run that is SIGKILLed takes its servers, and what these started, along."""
    with owner(OWNER, str(tmp_path), PARENTAL) as running:
        session = int(running.output.readline())
        wait_until(lambda: len(session_members(session)) == 2, deadline=30, message="the grandchild did not start")

        running.kill()
        wait_until(lambda: not session_members(session), deadline=10, message=lambda: str(session_members(session)))
        wait_until_gone(tmp_path)


def test_guard_ends_with_the_process(tmp_path: Path) -> None:
    """The watcher of a process does not outlive it either."""
    before = {child.pid for child in psutil.Process().children()}
    with python("stubborn", STUBBORN, tmp_path) as process:
        during = {child.pid for child in psutil.Process().children()} - before
        process.kill()

    assert len(during) == 2
    assert {child.pid for child in psutil.Process().children()} == before


# Interrupts itself between the birth of a process and the moment its guard is made.
INTERRUPTED_OWNER = """
import os, signal, subprocess, sys
from pathlib import Path
from celery_otel_pipeline.process import Process

class InterruptedPopen(subprocess.Popen):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        os.kill(os.getpid(), signal.SIGINT)

subprocess.Popen = InterruptedPopen
process = Process("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"], directory=Path(sys.argv[1]))
try:
    process.start()
except KeyboardInterrupt:
    print("interrupted", process.pid, flush=True)
    print("ended", process.kill(), flush=True)
"""


def test_an_interrupt_while_a_process_starts_comes_after_its_start(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a start is raised when the process can be ended, and its guard with it."""
    interrupted = Process("owner", [sys.executable, "-c", INTERRUPTED_OWNER, str(tmp_path)], directory=tmp_path)
    with interrupted:
        assert interrupted.wait(30) == 0, interrupted.log
    assert re.fullmatch(r"interrupted \d+\nended -9\n", interrupted.log)
