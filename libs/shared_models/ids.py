"""Identifiers: time-ordered UUIDv7 for new things, UUIDv5 for things that follow from a cause."""

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
