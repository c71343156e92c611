"""A task's result as JSON can show it: as it is where JSON has words for it, else described. Never an error."""

import json
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

LARGEST = 1_000_000
"""Characters of JSON that are shown; a longer result is described."""
LONGEST = 1_000
"""Characters of a description."""


def shown(value: object) -> Any:
    """A value of plain JSON that stands for a result.

    Dates, times, UUIDs and decimals become the texts that Celery's own JSON makes of them. Whatever JSON cannot show
    (numbers that are not finite, bytes, objects, what is too large) becomes `{"described": …, "type": …}`.
    """
    try:
        text = json.dumps(value, allow_nan=False, default=_texts)
        if len(text) <= LARGEST:
            plain = json.loads(text)
            json.dumps(plain, ensure_ascii=False).encode()
            return plain
        return _described(value, f"too large to be shown: {len(text)} characters of JSON")
    except (TypeError, ValueError, RecursionError, OverflowError):
        return _described(value, _representation(value))


def _texts(value: object) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    raise TypeError


def _described(value: object, text: str) -> dict[str, str]:
    # Surrogates have no place in UTF-8.
    plain = text[:LONGEST].encode(errors="backslashreplace").decode()
    return {"described": plain, "type": type(value).__qualname__}


def _representation(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001  # the class of a result is somebody else's code
        return f"it has no representation: {type(error).__name__}"
