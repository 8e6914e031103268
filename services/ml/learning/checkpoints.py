"""What a training has done so far, kept on disk part by part, so that another attempt goes on from there."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]
FORMAT = 2
# A part that is not done is written so rarely that keeping it costs next to nothing.
LEAST_SECONDS = 3.0
TIMES_ITS_COST = 50.0
_DIGEST, _LENGTH = 32, 8
_SPENT = "spent.json"


@dataclass(frozen=True, slots=True)
class Kept:
    """A part as it was written: exactly, to the last bit."""

    notes: dict[str, Any]
    tensors: dict[str, NDArray[Any]]


@dataclass
class Checkpoints:
    """Parts of one training, found by their names.

    An attempt writes into `folder` alone and reads `earlier` ones too, the newest first: a slower twin never writes
    where a faster one does. What it read is put into its own folder, which so holds all that its model is made of.
    `identity` says what the table is; parts of another are not found. Of another `work` only parts that are whole
    are found: what time ran out for is done again. What cannot be read is as if it were not there, and a disk without
    room costs the checkpoint, never the training: `trouble` says what was in the way. Without a `folder` nothing is
    kept.
    """

    folder: Path | None = None
    earlier: Sequence[Path] = ()
    identity: str = ""
    work: str = ""
    clock: Callable[[], float] = time.monotonic
    trouble: str | None = None
    resumed: int = 0

    def __post_init__(self) -> None:
        self._started = self.clock()
        self.spent_before = max((_spent(folder, self.work) for folder in self.earlier), default=0.0)

    def part(self, name: str) -> Part:
        """The part of that name, whether it is there or not."""
        return Part(self, sha256(f"{FORMAT}\n{self.identity}\n{name}".encode()).hexdigest()[:40])

    def read(self, name: str) -> Kept | None:
        """What this attempt or an earlier one wrote under that name."""
        for folder in (self.folder, *self.earlier) if self.folder else ():
            found = _read(folder / name) if folder else None
            if found is not None and (found.notes["is_whole"] or found.notes["work"] == self.work):
                self.resumed += 1
                self._take(folder, name)
                return found
        return None

    def _take(self, folder: Path | None, name: str) -> None:
        """Put a part that another attempt wrote into our own folder too."""
        if folder is None or self.folder is None or folder == self.folder:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / name).unlink(missing_ok=True)
            (self.folder / name).hardlink_to(folder / name)
        except OSError as error:
            self.trouble = _in_the_way(error)

    def write(self, name: str, notes: Mapping[str, Any], tensors: Tensors, *, is_whole: bool) -> None:
        """Keep a part in place of what had its name: all of it, or what was there before."""
        if self.folder is None:
            return
        notes = {**notes, "work": self.work, "is_whole": is_whole}
        seconds = self.spent_before + self.clock() - self._started
        spent = json.dumps({"work": self.work, "seconds": seconds}).encode()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _put(self.folder / name, _packed(notes, tensors))
            _put(self.folder / _SPENT, spent)
        except OSError as error:
            self.trouble = _in_the_way(error)


@dataclass
class Part:
    """A piece of work in a training whose result can be kept, or its state half way."""

    checkpoints: Checkpoints
    name: str
    _next: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._next = self.checkpoints.clock() + LEAST_SECONDS

    def read(self) -> Kept | None:
        """What is there of it."""
        return self.checkpoints.read(self.name)

    def is_due(self) -> bool:
        """Whether its state half way should be written again."""
        return self.checkpoints.folder is not None and self.checkpoints.clock() >= self._next

    def write(self, notes: Mapping[str, Any], tensors: Tensors, *, is_whole: bool) -> None:
        """Keep it as it is now; it is whole when it became all that it could."""
        began = self.checkpoints.clock()
        self.checkpoints.write(self.name, notes, tensors, is_whole=is_whole)
        ended = self.checkpoints.clock()
        self._next = ended + max(LEAST_SECONDS, TIMES_ITS_COST * (ended - began))


def _in_the_way(error: OSError) -> str:
    return f"Its state could not be kept ({error.strerror}): had it been broken off, it had begun anew."


NOTHING_KEPT = Part(Checkpoints(), "")


def _packed(notes: Mapping[str, Any], tensors: Tensors) -> bytes:
    from safetensors.numpy import save

    said = json.dumps(notes).encode()
    # Not ascontiguousarray: that would give a single number an axis.
    body = save({name: np.array(value, order="C") for name, value in tensors.items()})
    whole = len(said).to_bytes(_LENGTH, "little") + said + body
    return sha256(whole).digest() + whole


def _read(path: Path) -> Kept | None:
    from safetensors.numpy import load

    try:
        data = path.read_bytes()
    except OSError:
        return None
    whole = data[_DIGEST:]
    if len(data) < _DIGEST + _LENGTH or sha256(whole).digest() != data[:_DIGEST]:
        return None
    end = _LENGTH + int.from_bytes(whole[:_LENGTH], "little")
    return Kept(json.loads(whole[_LENGTH:end]), load(whole[end:]))


def _put(path: Path, data: bytes) -> None:
    handle, fresh = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(fresh).replace(path)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise


def _spent(folder: Path, work: str) -> float:
    try:
        said = json.loads((folder / _SPENT).read_bytes())
    except (OSError, ValueError):
        return 0.0
    return float(said["seconds"]) if said["work"] == work else 0.0
