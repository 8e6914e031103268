"""Taking one of the ledger's guards away, for a control; what the database guards, the test itself takes away there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def without_keys() -> None:
    """Nobody looks whether a cause was posted before, and ids follow from nothing."""
    from billing.commands import book, usage
    from shared_models.ids import new_id

    book.Book.posted_before = lambda self, *causes: {}  # type: ignore[method-assign]
    for module in (book, usage):
        module.dated_id = lambda at, *parts: new_id()


def without_fence() -> None:
    """Nothing in the database tells how far its effects reach."""
    from event_bus import fences

    fences.advance = lambda consumer, cluster, records: None


def without_digest() -> None:
    """The same key with other content counts as the same."""
    from billing.commands import usage

    usage.same_as = lambda journal, cause: journal


def without_lateness() -> None:
    """What happened in a closed period is posted into it."""
    from billing.commands.book import Book

    begin = Book.__init__

    def deaf(self: Any, *owners: Any) -> None:
        begin(self, *owners)
        self._closed_until = None

    Book.__init__ = deaf  # type: ignore[method-assign]


GUARDS: dict[str, Callable[[], None]] = {
    "keys": without_keys,
    "fence": without_fence,
    "digest": without_digest,
    "lateness": without_lateness,
}


def remove(names: Sequence[str]) -> None:
    """Take the named guards away."""
    for name in names:
        GUARDS[name]()
