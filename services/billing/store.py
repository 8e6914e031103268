"""Billing's part of the object store: the files of consulting requests."""

from __future__ import annotations

from collections.abc import Iterable

from billing.rules.files import LARGEST_FILE
from service_base.object_store import ObjectStore, Received, discard

__all__ = ["Received", "discard", "keep", "place", "receive", "root"]

_STORE = ObjectStore("billing")
root, place, keep = _STORE.root, _STORE.place, _STORE.keep


def receive(chunks: Iterable[bytes]) -> Received:
    """Write what comes in to a file of its own. Raises TooLarge, StoreFull."""
    return _STORE.receive(chunks, limit=LARGEST_FILE)
