"""Billing's object store: files under the data directory, each written whole and put in place by a rename."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from billing.rules.errors import FileTooLarge
from billing.rules.files import LARGEST_FILE, MEBIBYTE
from service_base.env import env
from service_base.errors import Unavailable

CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Received:
    """A file that came in and has no place yet."""

    path: Path
    sha256: str
    size: int


class StoreFull(Unavailable):
    """The disk has no room left."""

    slug = "store-full"
    title = "There is no room for the file"


def root() -> Path:
    """Where billing's files are."""
    return (env().data_dir / "billing").resolve()


def place(relative: str) -> Path:
    """The file stored under that name."""
    found = (root() / relative).resolve()
    if not found.is_relative_to(root()):
        raise ValueError(f"{relative} leads out of the object store")
    return found


def receive(chunks: Iterable[bytes]) -> Received:
    """Write what comes in to a file of its own, never holding more than a chunk. Raises FileTooLarge, StoreFull."""
    home = place("incoming")
    home.mkdir(parents=True, exist_ok=True)
    handle, path = tempfile.mkstemp(dir=home)
    digest, size = hashlib.sha256(), 0
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                size += len(chunk)
                must_fit(size)
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
    return Received(Path(path), digest.hexdigest(), size)


def must_fit(size: int) -> None:
    """Raise FileTooLarge beyond what is taken."""
    if size > LARGEST_FILE:
        raise FileTooLarge(f"The file has more than {LARGEST_FILE // MEBIBYTE} MiB: send a part of it.", field="file")


def keep(received: Received, relative: str) -> None:
    """Give a received file its place; it is there whole from this moment on."""
    target = place(relative)
    target.parent.mkdir(parents=True, exist_ok=True)
    received.path.replace(target)


def discard(received: Received) -> None:
    """Forget a received file that was not kept."""
    received.path.unlink(missing_ok=True)


def download(relative: str, *, name: str, media_type: str) -> StreamingHttpResponse:
    """The stored file as an attachment, which no browser shows or runs by itself."""
    path = place(relative)
    answer = StreamingHttpResponse(_chunks(path), content_type=media_type)
    answer["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    answer["Content-Length"] = str(path.stat().st_size)
    answer["Content-Security-Policy"] = "sandbox"
    return answer


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    file = await sync_to_async(lambda: path.open("rb"))()
    try:
        while chunk := await sync_to_async(file.read)(CHUNK):
            yield chunk
    finally:
        file.close()
