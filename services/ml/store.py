"""ml's part of the object store: tables, results and models."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from service_base import object_store
from service_base.object_store import ObjectStore, discard

__all__ = [
    "LARGEST_UPLOAD",
    "Received",
    "adopt",
    "digest_of",
    "discard",
    "keep",
    "place",
    "receive",
    "remove",
    "root",
    "size_of",
]

LARGEST_UPLOAD = 2 * 1024**3
_STORE = ObjectStore("ml")
root, place, keep = _STORE.root, _STORE.place, _STORE.keep


@dataclass(frozen=True, slots=True)
class Received(object_store.Received):
    """A table that came in and has no place yet, with the name it was sent under."""

    name: str


def receive(chunks: Iterable[bytes], *, name: str, limit: int = LARGEST_UPLOAD) -> Received:
    """Write a table to a file of its own. Raises TooLarge, StoreFull."""
    found = _STORE.receive(chunks, limit=limit)
    return Received(found.path, found.sha256, found.size, Path(name).name[:300] or "table")


def adopt(path: Path, *, name: str, limit: int = LARGEST_UPLOAD) -> Received:
    """The same of a file that is on the disk already, without writing it once more. Raises TooLarge, StoreFull."""
    found = _STORE.adopt(path, limit=limit)
    return Received(found.path, found.sha256, found.size, Path(name).name[:300] or "table")


def remove(relative: str) -> None:
    """Remove a file or folder; one that is gone already is fine."""
    target = place(relative)
    if target.is_dir():
        shutil.rmtree(target, ignore_errors=True)
    else:
        target.unlink(missing_ok=True)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def size_of(folder: Path) -> int:
    """Bytes in a folder's files."""
    return sum(entry.stat().st_size for entry in folder.iterdir() if entry.is_file())
