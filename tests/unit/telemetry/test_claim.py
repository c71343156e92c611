"""A name is given once on a machine."""

from celery_otel.telemetry.claim import NameClaim


def test_the_second_claim_of_a_name_gets_a_number() -> None:
    """Each is another's, in its scope; what is given up is free again."""
    claims = [NameClaim("shop", "beat@host") for _ in range(3)]
    elsewhere = NameClaim("other", "beat@host")
    assert ["beat@host", "beat-2@host", "beat-3@host", "beat@host"] == [one.name for one in (*claims, elsewhere)]
    assert [False, True, True, False] == [one.taken for one in (*claims, elsewhere)]
    claims[1].close()
    again = NameClaim("shop", "beat@host")
    assert "beat-2@host" == again.name
    for one in (*claims, elsewhere, again):
        one.close()


def test_any_name_can_be_claimed() -> None:
    """However long it is, with or without a host."""
    long = "b" * 300
    claims = [NameClaim("shop", name) for name in (long, long, "\ud800")]
    assert [long, f"{long}-2", "\ud800"] == [one.name for one in claims]
    for one in claims:
        one.close()
