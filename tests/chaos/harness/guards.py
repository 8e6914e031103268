"""Taking one guard away, for a control: the same faults must then be found out by the same checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID


def without_inbox() -> None:
    """Every event counts as new."""
    from event_bus import inbox

    def claim(consumer: str, envelopes: Sequence[Any]) -> set[UUID]:
        return {envelope.id for envelope in envelopes}

    inbox.claim = claim


def without_leader_lock() -> None:
    """Every relay believes that it leads."""
    from event_bus.leadership import Leadership

    Leadership._take = lambda self: True  # type: ignore[method-assign]


def without_key_blocking() -> None:
    """Nothing waits behind a parked event of its key."""
    from event_bus import parking

    parking.blocked_places = lambda consumer, records: set()


GUARDS: dict[str, Callable[[], None]] = {
    "inbox": without_inbox,
    "leader-lock": without_leader_lock,
    "key-blocking": without_key_blocking,
}


def remove(names: Sequence[str]) -> None:
    """Take the named guards away; call after Django is set up, before the loops start."""
    for name in names:
        GUARDS[name]()
