"""The object store: files under the data directory, each written whole and put in place by a rename."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from service_base.env import env
from service_base.errors import BadInput, Unavailable


@dataclass(frozen=True, slots=True)
class Received:
    """A file that came in and has no place yet."""

    path: Path
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


class ObjectStore:
    """One service's files, in a folder of its own."""

    def __init__(self, home: str) -> None:
        self._home = home

    def root(self) -> Path:
        """Where the service's files are."""
        return (env().data_dir / self._home).resolve()

    def place(self, relative: str) -> Path:
        """The file or folder stored under that name."""
        found = (self.root() / relative).resolve()
        if not found.is_relative_to(self.root()):
            raise ValueError(f"{relative} leads out of the object store")
        return found

    def receive(self, chunks: Iterable[bytes], *, limit: int) -> Received:
        """Write what comes in to a file of its own, never holding more than a chunk. Raises TooLarge, StoreFull."""
        digest, size = hashlib.sha256(), 0
        with full_said(), self.incoming() as (path, handle), os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                size += len(chunk)
                must_fit(size, limit)
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        return Received(path, digest.hexdigest(), size)

    def adopt(self, spooled: Path, *, limit: int) -> Received:
        """A file that Django has spooled already, under a second name: Django removes the first with the request.

        Raises TooLarge, StoreFull.
        """
        size = spooled.stat().st_size
        must_fit(size, limit)
        with full_said(), self.incoming() as (path, handle), os.fdopen(handle, "wb"):
            give_second_name(spooled, path)
            with path.open("rb+") as file:
                digest = hashlib.file_digest(file, "sha256")
                os.fsync(file.fileno())
        return Received(path, digest.hexdigest(), size)

    @contextmanager
    def incoming(self) -> Iterator[tuple[Path, int]]:
        """A new file for what comes in, opened to be written; it is gone again when that fails."""
        home = self.place("incoming")
        home.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(dir=home)
        try:
            yield Path(path), handle
        except BaseException:
            Path(path).unlink(missing_ok=True)
            raise

    def keep(self, received: Received, relative: str) -> None:
        """Give a received file its place; it is there whole from this moment on. Raises StoreFull."""
        target = self.place(relative)
        with full_said():
            target.parent.mkdir(parents=True, exist_ok=True)
            received.path.replace(target)


def give_second_name(kept: Path, own: Path) -> None:
    """Have the file also stand at `own`, in place of what is there; what one of the names loses the other keeps."""
    own.unlink(missing_ok=True)
    try:
        os.link(kept, own)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EXDEV, errno.ENOTSUP, errno.EMLINK):
            raise
        shutil.copyfile(kept, own)  # a file system without second names


@contextmanager
def full_said() -> Iterator[None]:
    """Raises StoreFull for what fails because the disk has no room left."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StoreFull("The disk of the data directory is full: free some room and send the file again.") from error


def must_fit(size: int, limit: int) -> None:
    """Raise TooLarge beyond the limit."""
    if size > limit:
        raise TooLarge(f"The file has more than {limit // 1024**2} MiB: send a part of it.", field="file")


def discard(received: Received) -> None:
    """Forget a received file that was not kept."""
    received.path.unlink(missing_ok=True)
