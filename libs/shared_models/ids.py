"""Identifiers: time-ordered UUIDv7 for new things, derived ones for things that follow from a cause."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

# Namespace of every derived id; changing it would make redone work look like new work.
_TITAN = UUID("6f0f6a52-5d0b-5a3e-9a2c-7c2f2b8f6d10")


def new_id() -> UUID:
    """A fresh UUIDv7: sorts by creation time to the millisecond."""
    return uuid7()


def derived_id(*parts: object) -> UUID:
    """The id that follows from `parts`: the same parts give the same id for ever, so redone work is recognised."""
    return uuid5(_TITAN, "\x1f".join(str(part) for part in parts))


def dated_id(at: datetime, *parts: object) -> UUID:
    """As `derived_id`, but sorting by the moment `at` like a new id: a UUIDv8 of 48 bits of milliseconds and a hash."""
    milliseconds = int(at.timestamp() * 1000)
    digest = sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    number = (milliseconds & (2**48 - 1)) << 80 | int.from_bytes(digest[:10], "big")
    # RFC 9562: version 8 in bits 48..51, variant 10 in bits 64..65.
    number = number & ~(0xF << 76) | 8 << 76
    return UUID(int=number & ~(0b11 << 62) | 0b10 << 62)
