"""The identity of an attempt with a hash that is the same in every process: Python's own of texts is not."""

from hashlib import blake2b


class StableIdentity(tuple[str, str, str]):
    """Task id, number of retries and of replacements."""

    __slots__ = ()

    def __hash__(self) -> int:
        # Length before text: no two of them look the same, whatever is in the id.
        text = "".join(f"{len(part)}:{part}" for part in self)
        return int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=8).digest(), signed=True)
