"""The demo's plan: what happens in the life of a Celery application, in about twelve seconds of it."""

import hashlib
import random
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import sklearn.datasets

from .model_run import ModelRun
from .plan import Attempt, Intervention, Job, Plan, Unit
from .unreliable_server import Answer

SUCCESS = Attempt("success")
TASKS = {
    name: f"playground.{module}.{name}"
    for module, names in {
        "fetch": ("page",),
        "pictures": ("thumbnail",),
        "texts": ("count_file", "count_text", "merge"),
        "training": ("best", "search", "train", "tune"),
    }.items()
    for name in names
}
PICTURES = Path(sklearn.datasets.__file__).parent / "images"
HERE = Path(__file__).parent.parent
# For each data set how many samples there are to learn from, and how many numbers describe one.
DATASETS = {"breast_cancer": (426, 30), "digits": (1347, 64), "iris": (112, 4), "wine": (133, 13)}
SAMPLES_OF_ONE_CLASS = 37
MODELS = ("bayes", "logistic", "neighbours", "tree")

# How many settings the grid has that is searched whole.
GRID = 12

# What the server answers to the first requests for a page, and what therefore becomes of the attempts.
# After these answers every request for the page is served.
RETRY_UNAVAILABLE = Attempt("retry", "ServiceUnavailable")
FETCHES: tuple[tuple[int, tuple[Answer, ...], tuple[Attempt, ...]], ...] = (
    (5, (), (SUCCESS,)),
    (3, ("unavailable",), (RETRY_UNAVAILABLE, SUCCESS)),
    (2, ("unavailable",) * 2, (RETRY_UNAVAILABLE, RETRY_UNAVAILABLE, SUCCESS)),
    (2, ("unavailable",) * 3, (RETRY_UNAVAILABLE, RETRY_UNAVAILABLE, Attempt("failure", "ServiceUnavailable"))),
    (2, ("busy",), (Attempt("retry", "TooManyRequests"), SUCCESS)),
    (2, ("hang_up",), (Attempt("retry", "RemoteDisconnected"), SUCCESS)),
    (1, ("missing",), (Attempt("failure", "PageNotFound"),)),
)
ORDERED_PAGE = FETCHES[1][1:]


@dataclass
class Scenario:
    """Makes the plan, and the server's script that belongs to it.

    Attributes:
        seed: Decides inputs, ids and order.
        server: Address of the unreliable server.
        directory: Where thumbnails go.
        script: For each path of the server, what it answers before it serves it. Filled by `plan`.
    """

    seed: int
    server: str
    directory: Path
    script: dict[str, tuple[Answer, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def plan(self) -> Plan:
        """Return the plan: the same for the same seed."""
        families = (
            self._training(),
            self._searches(),
            self._tuning(),
            self._pictures(),
            self._texts(),
            self._fetches(),
        )
        units = [unit for family in families for unit in family]
        self._random.shuffle(units)
        # The order comes first, while nothing else is there to wait for: its trace is the one that is shown.
        return Plan(self.seed, [self._order(), *units], sorted(TASKS.values()))

    def _job(self, name: str, *attempts: Attempt, **kwargs: Any) -> Job:
        task_id = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        return Job(task_id, TASKS[name], kwargs, attempts)

    def _with(self, job: Job, does: Intervention = Intervention.NONE, **options: Any) -> Unit:
        return _single(replace(job, options=options, intervention=does))

    def _training(self) -> Iterator[Unit]:
        datasets = list(DATASETS)
        for dataset in datasets[:2]:
            yield Unit("chord", (*(self._train(dataset, model) for model in MODELS), self._job("best", SUCCESS)))
        for dataset in datasets[2:]:
            yield from map(_single, (self._train(dataset, model) for model in MODELS))
        # One class alone: there is nothing to tell apart, and the model says so.
        for only in (0, 1):
            yield _single(self._train_one_class("iris", only))
        # There is no such data set, so that it never comes to a training.
        yield _single(replace(self._train("housing", "tree", Attempt("failure", "KeyError")), run=None))

    def _train_one_class(self, dataset: str, only: int) -> Job:
        job = self._train(dataset, "logistic", Attempt("failure", "ValueError"), classes=[only])
        run = ModelRun("training", "logistic", "failure", SAMPLES_OF_ONE_CLASS, DATASETS[dataset][1])
        return replace(job, run=run)

    def _train(self, dataset: str, model: str, attempt: Attempt = SUCCESS, **more: Any) -> Job:
        seed = self._random.randrange(1000)
        samples, features = DATASETS.get(dataset, (0, 0))
        job = self._job("train", attempt, dataset=dataset, model=model, seed=seed, **more)
        return replace(job, run=ModelRun("training", model, "success", samples, features))

    def _search(self, attempt: Attempt, *, keep_best: bool = False) -> Job:
        seed = self._random.randrange(1000)
        job = self._job("search", attempt, dataset="digits", seed=seed, keep_best=keep_best)
        if not attempt.started:
            return job
        return replace(job, run=ModelRun("tuning", "random", "success" if attempt.status == "success" else "failure"))

    def _tuning(self) -> Iterator[Unit]:
        job = self._job("tune", SUCCESS, dataset="wine", seed=self._random.randrange(1000))
        yield _single(replace(job, run=ModelRun("tuning", "grid", iterations=GRID)))

    def _searches(self) -> Iterator[Unit]:
        for _ in range(2):
            caught = self._search(Attempt("success", limit="soft"), keep_best=True)
            yield self._with(caught, soft_time_limit=1)
        uncaught = Attempt("failure", "SoftTimeLimitExceeded", limit="soft")
        yield self._with(self._search(uncaught), soft_time_limit=1)
        yield self._with(self._search(Attempt("failure", "timeout", limit="hard")), time_limit=2)
        terminated = self._search(Attempt("revoked", "terminated"))
        yield self._with(terminated, Intervention.TERMINATE)
        yield self._with(self._search(Attempt("failure", "worker_lost")), Intervention.KILL_CHILD)
        never = self._search(Attempt("revoked", "revoked", started=False))
        yield self._with(never, Intervention.REVOKE_BEFORE)

    def _pictures(self) -> Iterator[Unit]:
        for picture in ("china.jpg", "flower.jpg"):
            widths = (32, 64, 128, 256, 320)
            yield Unit("group", tuple(self._thumbnail(picture, width, SUCCESS) for width in widths))
        for width in (32, 64):
            yield _single(self._thumbnail("README.txt", width, Attempt("rejected")))

    def _thumbnail(self, picture: str, width: int, attempt: Attempt) -> Job:
        path, directory = str(PICTURES / picture), str(self.directory)
        return self._job("thumbnail", attempt, path=path, width=width, directory=directory)

    def _count(self, attempt: Attempt, *, known: bool = False) -> Job:
        path = self._random.choice(sorted(HERE.glob("*/*.py")))
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if known else None
        return self._job("count_file", attempt, path=str(path), known_digest=digest)

    def _texts(self) -> Iterator[Unit]:
        yield Unit("chord", (*(self._count(SUCCESS) for _ in range(4)), self._job("merge", SUCCESS)))
        yield from (_single(self._count(SUCCESS)) for _ in range(6))
        yield from (_single(self._count(Attempt("ignored"), known=True)) for _ in range(3))
        yield from (self._with(self._count(SUCCESS), countdown=2) for _ in range(2))
        expired = Attempt("revoked", "expired", started=False)
        yield from (self._with(self._count(expired), countdown=2, expires=1) for _ in range(2))
        revoked = Attempt("revoked", "revoked", started=False)
        waiting = (self._count(revoked) for _ in range(2))
        yield from (self._with(job, Intervention.REVOKE_WAITING, countdown=5) for job in waiting)

    def _fetches(self) -> Iterator[Unit]:
        for count, answers, attempts in FETCHES:
            for _ in range(count):
                yield _single(self._page(answers, attempts))
        for answers, attempts in (FETCHES[0][1:], FETCHES[1][1:]):
            yield Unit("chain", (self._page(answers, attempts), self._job("count_text", SUCCESS)))
        # The page is missing, so the chain breaks and its second link never becomes a message.
        yield Unit("chain", (self._page(*FETCHES[-1][1:]), self._job("count_text")))

    def _order(self) -> Unit:
        page = self._page(*ORDERED_PAGE)
        search = self._search(Attempt("failure", "timeout", limit="hard"))
        return Unit("request", (page, self._job("count_text", SUCCESS), search))

    def _page(self, answers: tuple[Answer, ...], attempts: Iterable[Attempt]) -> Job:
        path = f"/page/{len(self.script)}"
        self.script[path] = answers
        return self._job("page", *attempts, url=self.server + path)


def _single(job: Job) -> Unit:
    kind: Literal["single"] = "single"
    return Unit(kind, (job,))
