"""What really happened, from three witnesses that know nothing of the metrics.

The journal that the tasks write, the result backend, and the server's record of requests. The plan
says what must happen; the witness says whether it did, attempt by attempt.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery import Celery
from celery.states import FAILURE, READY_STATES, REVOKED, SUCCESS

from .model_run import BEST_SCORE
from .plan import Job, Key, Plan, Status

ERROR_TYPES = {"TimeLimitExceeded": "timeout", "WorkerLostError": "worker_lost"}
PAGE_TASK = "playground.fetch.page"


@dataclass(frozen=True)
class Event:
    """One line of the journal.

    Attributes:
        event: started, searching, retried, ignored, rejected or soft_limit.
        id: The task id.
        pid: Process that ran the attempt.
        error: Retried: class of the error. Else empty.
    """

    event: str
    id: str
    pid: int
    error: str = ""


class JournalReader:
    """Reads what the tasks have appended since the last time.

    Attributes:
        events: For each task id the events so far, in the order they were written.
    """

    def __init__(self, path: Path) -> None:
        self.events: dict[str, list[Event]] = defaultdict(list)
        self._path = path
        self._offset = 0

    def read(self) -> None:
        """Take in the new lines. A line still being written is left for the next time."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            whole, _, _ = file.read().rpartition(b"\n")
        for line in whole.splitlines():
            self._take(json.loads(line))
        self._offset += len(whole) + 1 if whole else 0

    def count(self, task_id: str, event: str) -> int:
        """Return how often an event happened to a task."""
        return sum(entry.event == event for entry in self.events.get(task_id, ()))

    def searching_in(self, task_id: str) -> int | None:
        """Return the process in which the task's search has begun, or None when it has not."""
        searching = [entry.pid for entry in self.events.get(task_id, ()) if entry.event == "searching"]
        return searching[-1] if searching else None

    def _take(self, line: Mapping[str, Any]) -> None:
        event = Event(line["event"], line["id"], line["pid"], line.get("error", ""))
        self.events[event.id].append(event)


class Witness:
    """Knows of each job what became of it.

    Attributes:
        journal: What the tasks wrote.
    """

    def __init__(self, client: Celery, journal: JournalReader, requests: Mapping[str, int]) -> None:
        self.journal = journal
        self._backend = client.backend
        self._requests = requests
        self._ends: dict[str, tuple[Status, str]] = {}
        self._scores: dict[Key, float] = {}

    def refresh(self, plan: Plan) -> None:
        """Ask the result backend for every job whose end is not known yet, and read the journal.

        In this order: a task writes its line before its result is stored, so that the line of a stored result is there.
        A link that a broken chain never reaches has a stored failure too, but no attempt of it ends.
        """
        stored = [(job, self._backend.get_task_meta(job.id)) for job in self.unfinished(plan)]
        self.journal.read()
        for job, meta in stored:
            end = self._end(job, meta)
            if end is not None:
                self._ends[job.id] = end
                self._scores.update(_best_score(job, end[0], meta["result"]))

    def story(self, job: Job) -> list[tuple[Status, str]]:
        """Return how the attempts of a job ended so far: status, and error, reason or cause."""
        retried = [entry.error for entry in self.journal.events.get(job.id, ()) if entry.event == "retried"]
        story: list[tuple[Status, str]] = [("retry", error) for error in retried]
        return story + ([self._ends[job.id]] if job.id in self._ends else [])

    def unfinished(self, plan: Plan) -> list[Job]:
        """Return the jobs that have fewer ended attempts than planned."""
        return [job for job in plan.jobs if job.attempts and job.id not in self._ends]

    def ended_attempts(self, plan: Plan) -> int:
        """Return how many attempts have ended."""
        return sum(len(self.story(job)) for job in plan.jobs)

    @property
    def best_scores(self) -> dict[Key, float]:
        """The best scores of the searches that ended by themselves, by the results of their tasks."""
        return dict(self._scores)

    def contradictions(self, plan: Plan) -> list[str]:
        """Return where the application did otherwise than planned, in words; best, nothing."""
        return [sentence for job in plan.jobs for sentence in self._contradictions(job)]

    def _contradictions(self, job: Job) -> list[str]:
        starts = sum(attempt.started for attempt in job.attempts)
        soft = sum(attempt.limit == "soft" and attempt.status == "success" for attempt in job.attempts)
        planned = [(attempt.status, attempt.detail) for attempt in job.attempts]
        seen = [
            ("ends", planned, self.story(job)),
            ("starts", starts, self.journal.count(job.id, "started")),
            ("soft limits caught", soft, self.journal.count(job.id, "soft_limit")),
        ]
        if job.task == PAGE_TASK:
            seen.append(("requests", starts, self._requests.get(urlsplit(job.kwargs["url"]).path, 0)))
        where = f"{job.task} {job.id}"
        return [f"{where}: {what} planned {plan}, seen {fact}" for what, plan, fact in seen if plan != fact]

    def _end(self, job: Job, meta: Mapping[str, Any]) -> tuple[Status, str] | None:
        """Return status and detail of the job's last attempt, or None while it has not ended."""
        if self.journal.count(job.id, "ignored"):
            return "ignored", ""
        if self.journal.count(job.id, "rejected"):
            return "rejected", ""
        return self._stored_end(job, meta) if meta["status"] in READY_STATES else None

    def _stored_end(self, job: Job, meta: Mapping[str, Any]) -> tuple[Status, str]:
        error = type(meta["result"]).__name__
        ends: dict[str, tuple[Status, str]] = {
            SUCCESS: ("success", ""),
            FAILURE: ("failure", ERROR_TYPES.get(error, error)),
            REVOKED: ("revoked", self._cause(job, meta)),
        }
        return ends[meta["status"]]

    def _cause(self, job: Job, meta: Mapping[str, Any]) -> str:
        """Return why it was revoked: one that ran was terminated, one too late says so itself."""
        if self.journal.count(job.id, "started"):
            return "terminated"
        return "expired" if "expired" in str(meta["result"]) else "revoked"


def _best_score(job: Job, status: Status, result: Any) -> dict[Key, float]:
    if status != "success" or job.run is None or job.run.iterations is None:
        return {}
    return {Key(BEST_SCORE, job.run.label): float(result["score"])}
