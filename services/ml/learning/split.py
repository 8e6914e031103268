"""Which lines are learnt from and which are only evaluated on: a seeded hash of the line, the same for ever."""

from __future__ import annotations

from hashlib import blake2b

EVALUATION_SHARE = 0.2


def is_for_evaluation(seed: int, line: int | str) -> bool:
    """True for about one line in five; depends on nothing but the seed and the line's number or id."""
    return _place(f"{seed}:{line}") < EVALUATION_SHARE


def is_in_sample(seed: int, line: int | str, share: float) -> bool:
    """True for about `share` of the lines, whichever side of the split they are on."""
    return _place(f"sample:{seed}:{line}") < share


def _place(key: str) -> float:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") / 2**64
