"""What is said of traces that were sampled by several gateways."""

from tests.scale.traces import StoredSpan, Verdict, judge

SENT = {"a": ["a1", "a2"], "b": ["b1", "b2"], "c": ["c1"], "d": ["d1"]}


def test_all_is_told_apart() -> None:
    """Whole and halved, split and of two agents, lost and stored twice: each is counted for itself."""
    stored = [
        StoredSpan("a", "a1", "agent-1", "gateway-1"),
        StoredSpan("a", "a2", "agent-2", "gateway-1"),
        StoredSpan("b", "b1", "agent-1", "gateway-1"),
        StoredSpan("c", "c1", "agent-1", "gateway-1"),
        StoredSpan("c", "c1", "agent-1", "gateway-2"),
        StoredSpan("x", "x1", "agent-1", "gateway-2"),
    ]
    expected = Verdict(traces=4, spans=6, by_two_agents=1, split=1, whole=2, halved=1, lost=1, missing=2, twice=1)
    assert expected == judge(SENT, {"a1", "d1"}, stored)


def test_nothing_stored_is_nothing_whole() -> None:
    """Where nothing arrived, everything is missing and nothing is halved."""
    verdict = judge(SENT, {"a1"}, [])
    assert (0, 0, 6, 1) == (verdict.whole, verdict.halved, verdict.missing, verdict.lost)
