"""The encoding of a column of free text: its words hashed with a sign into a fixed number of columns."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ml.learning.columns.values import is_missing, label_of
from ml.learning.encoding.remarks import Remarks
from ml.learning.tables.batch import Cell

BUCKETS = 128
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class TextInput:
    """Nothing is fitted: a word's place is its hash, so no word is ever unseen."""

    column: str
    buckets: int = BUCKETS

    @property
    def width(self) -> int:
        return self.buckets + 2

    @property
    def averages(self) -> int:
        """How many of its last columns were learnt from the outputs."""
        return 0

    @property
    def plain(self) -> list[bool]:
        return [True] * self.width

    def row(self, cell: Cell, remarks: list[str]) -> list[float]:
        del remarks
        out = [0.0] * self.width
        if is_missing(cell):
            out[-1] = 1.0
            return out
        words = _WORD.findall((label_of(cell) or "").lower())
        if not words:
            return out
        for word in words:
            place = crc32(word.encode(errors="replace"))
            # The sign makes words that share a place cancel out rather than add up.
            out[place % self.buckets] += 1.0 if place >> 31 else -1.0
        length = math.sqrt(float(len(words)))
        out = [value / length for value in out]
        out[-2] = math.log1p(len(words)) / 5.0
        return out

    def batch(self, cells: Sequence[Cell], remarks: Remarks) -> NDArray[np.float32]:
        del remarks
        nothing: list[str] = []
        rows = [self.row(cell, nothing) for cell in cells]
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.width)
