"""What producers and the ledger compare without naming each event: an order-free digest of usage."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID


def usage_digest(event_id: UUID, payer_id: UUID, lines: int) -> int:
    """64 bits of what a usage event said: who pays for how many lines, under which id."""
    return int.from_bytes(sha256(f"{event_id}|{payer_id}|{lines}".encode()).digest()[:8], "big")


def together(digests: Iterable[int], start: int = 0) -> int:
    """The digest of many: their exclusive or, the same in whatever order they come."""
    for digest in digests:
        start ^= digest
    return start


def as_hex(digest: int) -> str:
    """The digest as events carry it: 16 hexadecimal digits."""
    return f"{digest:016x}"
