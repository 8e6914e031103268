"""Taking one of the ledger's guards away, for a control; what the database guards, the test itself takes away there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from types import SimpleNamespace
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


def without_one_transaction() -> None:
    """The note that an event arrived, its charge and the fence are committed one by one."""
    from event_bus import apply

    apply.transaction = SimpleNamespace(atomic=contextlib.nullcontext)  # type: ignore[assignment]


def without_waiting() -> None:
    """A refund of a payment that was not reported yet counts as taken."""
    from billing import commands
    from billing.rules.errors import RefundTooEarly

    take = commands.take_refund

    def took(**told: Any) -> None:
        with contextlib.suppress(RefundTooEarly):
            take(**told)

    commands.take_refund = took


GUARDS: dict[str, Callable[[], None]] = {
    "keys": without_keys,
    "fence": without_fence,
    "digest": without_digest,
    "lateness": without_lateness,
    "one-transaction": without_one_transaction,
    "waiting": without_waiting,
}


def remove(names: Sequence[str]) -> None:
    """Take the named guards away."""
    for name in names:
        GUARDS[name]()
