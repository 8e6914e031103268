"""Which lines are learnt from and which are only evaluated on: a seeded hash of the line, the same for ever."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b

EVALUATION_SHARE = 0.2


def is_for_evaluation(seed: int, line: int | str) -> bool:
    """True for about one line in five; depends on nothing but the seed and the line's number or id."""
    return _place(f"{seed}:{line}") < EVALUATION_SHARE


def count_for_evaluation(seed: int, lines: Iterable[int | str]) -> int:
    """How many of the lines `is_for_evaluation`."""
    start = f"{seed}:"
    return sum(blake2b(f"{start}{line}".encode(), digest_size=8).digest() < _EDGE for line in lines)


def is_in_sample(seed: int, line: int | str, share: float) -> bool:
    """True for about `share` of the lines, whichever side of the split they are on."""
    return _place(f"sample:{seed}:{line}") < share


def _place(key: str) -> float:
    return _share(int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big"))


def _share(number: int) -> float:
    return number / 2**64


# Below it a digest is a line for evaluation: told by its bytes, without a number made of each.
_NEAR = int(EVALUATION_SHARE * 2**64)
_ABOUT = range(_NEAR - 4096, _NEAR + 4096)  # shares are rounded: many numbers have the same
_EDGE = _ABOUT[bisect_left(_ABOUT, EVALUATION_SHARE, key=_share)].to_bytes(8, "big")
