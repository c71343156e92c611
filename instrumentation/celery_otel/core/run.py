"""One run of training or tuning, as the task that runs it tells it to its worker's MAIN process.

A record is cumulative and whole: the newest replaces those before it, so that any one of them may be lost but the last.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self

Kind = Literal["training", "tuning"]
Result = Literal["success", "failure"]

TRAINING: Final = "training"
TUNING: Final = "tuning"
SUCCESS: Final = "success"
FAILURE: Final = "failure"
KINDS = (TRAINING, TUNING)
RESULTS = (SUCCESS, FAILURE)

_ID = re.compile(r"[0-9a-f]{32}")
_MOST = 2**53
"""Whole numbers beyond this are no sizes of anything; a float would not hold them exactly."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is known of a run at one moment.

    Attributes:
        id: Who it is: 32 hexadecimal digits, drawn at random when it begins.
        kind: Training or tuning.
        label: The model type, or the search's method.
        pid: The process that runs it.
        began: When it began, as a Unix time.
        seconds: How long it took; None while it runs.
        result: How it ended; None while it runs.
        samples: How many samples it trained with, if that is known.
        features: How many features they have, if that is known.
        iterations: How many iterations a search has made so far; None for training.
        best_score: The best finite score of a search so far, if it has one.
    """

    id: str
    kind: Kind
    label: str
    pid: int
    began: float
    seconds: float | None = None
    result: Result | None = None
    samples: int | None = None
    features: int | None = None
    iterations: int | None = None
    best_score: float | None = None

    @classmethod
    def begun(cls, kind: Kind, label: str, began: float, **known: Any) -> Self:
        """The first record of a run that this process begins now.

        Args:
            kind: Training or tuning.
            label: The model type, or the search's method.
            began: The Unix time.
            known: What is known of the other fields.
        """
        return cls(os.urandom(16).hex(), kind, label, os.getpid(), began, **known)

    def told(self) -> dict[str, Any]:
        """What is sent of it: the value of the key `run` of a record."""
        return asdict(self)

    @classmethod
    def read(cls, told: Any) -> Self:
        """The record of which this was sent. Nothing of it is believed: whoever writes into the socket may write it.

        Raises:
            ValueError: It is no record of a run.
        """
        if not isinstance(told, Mapping) or told.keys() != _CHECKS.keys():
            raise ValueError("no record of a run")
        wrong = [name for name, is_valid in _CHECKS.items() if not is_valid(told[name])]
        if wrong:
            raise ValueError(f"a run's {', '.join(wrong)} cannot be so")
        if (told["seconds"] is None) != (told["result"] is None):
            raise ValueError("a run has ended, or has not: with both seconds and result, or neither")
        return cls(**told)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= _MOST


def _is_whole(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _is_score(value: Any) -> bool:
    # An int may be too large to be a float.
    return (type(value) is float and math.isfinite(value)) or _is_number(value)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "id": lambda value: isinstance(value, str) and _ID.fullmatch(value) is not None,
    "kind": lambda value: value in KINDS,
    "label": lambda value: isinstance(value, str),
    "pid": lambda value: _is_whole(value) and value > 0,
    "began": _is_positive,
    "seconds": lambda value: value is None or _is_positive(value),
    "result": lambda value: value is None or value in RESULTS,
    "samples": lambda value: value is None or _is_whole(value),
    "features": lambda value: value is None or _is_whole(value),
    "iterations": lambda value: value is None or _is_whole(value),
    "best_score": lambda value: value is None or _is_score(value),
}
"""What a field may hold, by its name."""
