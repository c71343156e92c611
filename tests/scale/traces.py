"""What became of the traces that were sent: whole or in parts, at one gateway or at several."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

#: The spans of each trace, by hexadecimal ids.
Sent = Mapping[str, Collection[str]]


@dataclass(frozen=True)
class StoredSpan:
    """A span as it was stored, with the collectors that it came by."""

    trace_id: str
    span_id: str
    agent: str
    gateway: str


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Attributes:
        traces: Traces that were sent.
        spans: Spans that were sent.
        by_two_agents: Traces whose spans came by more than one agent.
        split: Traces whose spans were sampled by more than one gateway.
        whole: Traces of which all spans are stored.
        halved: Traces of which some are stored and some are not.
        lost: Spans of failed attempts that are not stored, which no sampling leaves out.
        missing: Spans that are not stored.
        twice: Spans that are stored more than once.
    """

    traces: int
    spans: int
    by_two_agents: int
    split: int
    whole: int
    halved: int
    lost: int
    missing: int
    twice: int


def judge(sent: Sent, failed: Collection[str], stored: Iterable[StoredSpan]) -> Verdict:
    """Hold what was stored against what was sent.

    Args:
        sent: All spans that the agents have accepted.
        failed: The ids of those that are errors.
        stored: What is in the end where traces are looked at; spans of other senders are passed over.
    """
    known = {(trace, span) for trace, spans in sent.items() for span in spans}
    kept = [one for one in stored if (one.trace_id, one.span_id) in known]
    there = {one.span_id for one in kept}
    found = {trace: sum(span in there for span in spans) for trace, spans in sent.items()}
    return Verdict(
        traces=len(sent),
        spans=len(known),
        by_two_agents=_several((one.trace_id, one.agent) for one in kept),
        split=_several((one.trace_id, one.gateway) for one in kept),
        whole=sum(found[trace] == len(spans) for trace, spans in sent.items()),
        halved=sum(0 < found[trace] < len(spans) for trace, spans in sent.items()),
        lost=len(set(failed) - there),
        missing=len(known) - len({(one.trace_id, one.span_id) for one in kept}),
        twice=len(kept) - len({(one.trace_id, one.span_id) for one in kept}),
    )


def _several(pairs: Iterable[tuple[str, str]]) -> int:
    """How many keys have more than one value."""
    values: dict[str, set[str]] = {}
    for key, value in pairs:
        values.setdefault(key, set()).add(value)
    return sum(len(found) > 1 for found in values.values())
