"""The identity of an attempt with a hash that is the same in every process: Python's own of texts is not."""

from functools import cached_property
from hashlib import blake2b


class StableIdentity(tuple[str, str, str]):  # noqa: SLOT001  # a cached hash needs a place
    """Task id, number of retries and of replacements."""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Length before text: no two of them look the same, whatever is in the id.
        text = "".join(f"{len(part)}:{part}" for part in self)
        return int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=8).digest(), signed=True)
