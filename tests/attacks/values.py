"""Values that a header of a message may have and that nobody expects there, each by its name."""

from typing import Any

MEGABYTE = 1_000_000
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _nested(number: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(number):
        found = [found]
    return found


VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "zero": 0,
    "negative": -1,
    "beyond 32 bits": 2**31,
    "beyond 64 bits": 2**64,
    "of 30 digits": 10**30,
    "the lowest float": -1.7e308,
    "the highest float": 1.7e308,
    "NaN": float("nan"),
    "infinite": float("-inf"),
    "empty": "",
    "a digit": "7",
    "NaN as text": "nan",
    "infinite as text": "1e999",
    "the lowest float as text": "-1.7e308",
    "4000 digits": "9" * 4000,
    "a megabyte": "x" * MEGABYTE,
    "control characters": "\x00\x01\n\r\t\x1b[31m\x7f\u2028",
    "half a surrogate pair": "\ud800",
    "markup": "<script>alert(1)</script>'\";--",
    "an empty list": [],
    "a list of lists": [[1, [2]], [None]],
    "lists 200 deep": _nested(200),
    "100 000 items": list(range(100_000)),
    "an empty object": {},
    "an object": {"a": {"b": [None]}, "": 1},
    "a traceparent": TRACEPARENT,
    "a traceparent of zeros": f"00-{'0' * 32}-{'0' * 16}-00",
    "a traceparent of another version": f"ff-{'f' * 32}-{'f' * 16}-ff-x",
    "a list of traceparents": [TRACEPARENT] * 3,
    "10 000 traceparents": ",".join([TRACEPARENT] * 10_000),
    "4000 members that are none": "a," * 4000,
    "500 pairs": ",".join(f"k{number}=v" for number in range(500)),
    "a past moment": "1970-01-01T00:00:00",
    "a moment of the year 1": "0001-01-01T00:00:00+14:00",
}

OURS = (
    "traceparent",
    "tracestate",
    "baggage",
    "celery_otel_published_at",
    "celery_otel_previous",
    "celery_otel_links",
    "celery_otel_chord",
    "celery_otel_traceparent",
    "celery_otel_tracestate",
)
"""Headers that we read, or put in ourselves."""
CELERYS = (
    "id",
    "root_id",
    "parent_id",
    "group",
    "retries",
    "replaced_task_nesting",
    "argsrepr",
    "kwargsrepr",
    "origin",
    "shadow",
    "eta",
    "expires",
    "timelimit",
    "ignore_result",
    "stamped_headers",
    "stamps",
)
"""Headers of Celery's, some of which we read too."""
PROPERTIES = ("correlation_id", "reply_to", "priority", "delivery_info.exchange", "delivery_info.routing_key")
"""Properties of the message, and what the broker says of its way."""
