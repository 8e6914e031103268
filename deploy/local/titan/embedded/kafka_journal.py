"""What the embedded broker acknowledged lately: it saves its log once a second, and kill -9 would lose the rest."""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KEEP_SECONDS = 10.0
HEAD = struct.Struct("!Hiqi")


@dataclass(frozen=True, slots=True)
class Appended:
    """A batch as the broker put it into its log; without a topic, a request that made or removed topics."""

    topic: str
    partition: int
    offset: int
    batch: bytes


def topics_changed(frame: bytes) -> Appended:
    """The entry for a request that made or removed topics."""
    return Appended("", -1, -1, frame)


class Journal:
    """Two files in turn: the older one goes when the broker has saved its log since the last line of it was written.

    Written without fsync: a killed process loses nothing of it, and against a power cut the embedded broker is not
    meant to help.
    """

    def __init__(self, home: Path) -> None:
        self._older, self._newer = home / "journal.older", home / "journal.newer"
        self._saved = home / "kafka.json"
        self._file = self._newer.open("ab")
        self._turned = time.monotonic()

    def write(self, appended: Appended) -> None:
        """Remember a batch; to be called before its acknowledgement is passed on."""
        name = appended.topic.encode()
        head = HEAD.pack(len(name), appended.partition, appended.offset, len(appended.batch))
        self._file.write(head + name + appended.batch)

    def flush(self) -> None:
        """Hand what was written to the operating system, and forget what the broker has saved."""
        self._file.flush()
        if time.monotonic() - self._turned > KEEP_SECONDS and self._older_is_saved():
            self._file.close()
            self._newer.replace(self._older)
            self._file = self._newer.open("ab")
            self._turned = time.monotonic()

    def entries(self) -> Iterator[Appended]:
        """All batches in the order of their acknowledgements; a torn last one was never acknowledged."""
        for path in (self._older, self._newer):
            if path.exists():
                yield from _read(path.read_bytes())

    def _older_is_saved(self) -> bool:
        if not self._older.exists():
            return True
        with contextlib.suppress(OSError):
            # A second between the last line and the save: the broker may have begun to save before that line.
            return self._saved.stat().st_mtime > self._older.stat().st_mtime + 2
        return False


def _read(raw: bytes) -> Iterator[Appended]:
    at = 0
    while at + HEAD.size <= len(raw):
        name, partition, offset, size = HEAD.unpack_from(raw, at)
        begin = at + HEAD.size
        at = begin + name + size
        if at > len(raw):
            return
        yield Appended(raw[begin : begin + name].decode(), partition, offset, raw[begin + name : at])
