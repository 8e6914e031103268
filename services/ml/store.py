"""The object store: files under the data directory, each written whole and put in place by a rename."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from service_base.env import env
from service_base.errors import BadInput, Unavailable

LARGEST_UPLOAD = 2 * 1024**3
_HOME = "ml"


@dataclass(frozen=True, slots=True)
class Received:
    """A file that came in and has no place yet."""

    path: Path
    name: str
    sha256: str
    size: int


class TooLarge(BadInput):
    """A file beyond what is taken."""

    status = 413
    slug = "too-large"
    title = "The file is too large"


class StoreFull(Unavailable):
    """The disk has no room left."""

    slug = "store-full"
    title = "There is no room for the file"


def root() -> Path:
    """Where ml's files are."""
    return (env().data_dir / _HOME).resolve()


def place(relative: str) -> Path:
    """The file or folder stored under that name."""
    found = (root() / relative).resolve()
    if not found.is_relative_to(root()):
        raise ValueError(f"{relative} leads out of the object store")
    return found


def receive(chunks: Iterable[bytes], *, name: str, limit: int = LARGEST_UPLOAD) -> Received:
    """Write what comes in to a file of its own, never holding more than a chunk. Raises TooLarge, StoreFull."""
    home = place("incoming")
    home.mkdir(parents=True, exist_ok=True)
    handle, path = tempfile.mkstemp(dir=home)
    digest, size = hashlib.sha256(), 0
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise TooLarge(f"The file has more than {limit // 1024**2} MiB: send a part of it.", field="file")
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        Path(path).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(
                "The disk of the data directory is full: free some room and send the file again."
            ) from error
        raise
    return Received(Path(path), Path(name).name[:300] or "table", digest.hexdigest(), size)


def keep(received: Received, relative: str) -> None:
    """Give a received file its place; it is there whole from this moment on."""
    target = place(relative)
    target.parent.mkdir(parents=True, exist_ok=True)
    received.path.replace(target)


def discard(received: Received) -> None:
    """Forget a received file that was not kept."""
    received.path.unlink(missing_ok=True)


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
