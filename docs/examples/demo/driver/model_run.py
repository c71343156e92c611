"""A model that a job has to train, or a search that it has to make, and the numbers that follow from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["training", "tuning"]
# The label that tells runs of one kind apart.
SUBJECTS_OF_RUNS: dict[Kind, str] = {"training": "model_type", "tuning": "method"}
# What it is, only the task's result says.
BEST_SCORE = "celery_tuning_best_score"


@dataclass(frozen=True)
class ModelRun:
    """One run within a job, known beforehand.

    Attributes:
        kind: What it does.
        label: The model's type, or the method of the search.
        result: How it ends. One whose process is killed fails.
        samples: Training: how many samples there are to learn from.
        features: Training: how many numbers describe each.
        iterations: Tuning: how many settings are tried. None where a limit or somebody ends it: nobody knows then.
    """

    kind: Kind
    label: str
    result: Literal["success", "failure"] = "success"
    samples: int = 0
    features: int = 0
    iterations: int | None = None

    def numbers(self) -> Iterator[tuple[str, str, str, int]]:
        """Yield what the run adds to each series: its name, its further label and value, and how much."""
        yield f"celery_{self.kind}_runs_total", "result", self.result, 1
        if self.kind == "training":
            yield "celery_training_samples_sum", "result", self.result, self.samples
            yield "celery_training_features_sum", "result", self.result, self.features
        if self.kind == "training" and self.result == "success":
            yield "celery_training_models_total", "", "", 1
        if self.iterations is not None:
            yield "celery_tuning_iterations_sum", "result", self.result, self.iterations
