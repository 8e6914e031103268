"""Which lines are learnt from and which are only evaluated on: a seeded hash of the line, the same for ever."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

EVALUATION_SHARE = 0.2
_LIMIT = int(EVALUATION_SHARE * 2**64)


def is_for_evaluation(seed: int, line: int | str) -> bool:
    """True for about one line in five; depends on nothing but the seed and the line's number or id."""
    digest = blake2b(f"{seed}:{line}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < _LIMIT


def evaluation_mask(seed: int, lines: Iterable[int | str]) -> list[bool]:
    return [is_for_evaluation(seed, line) for line in lines]
