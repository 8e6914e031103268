"""The encoding of a column of free text: its words hashed with a sign into a fixed number of columns."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ml.learning.columns.values import is_missing, label_of
from ml.learning.encoding.bins import in_memory
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

    def row(self, cell: Cell, remarks: list[str]) -> bytes:
        del remarks
        out = [0.0] * self.width
        if is_missing(cell):
            out[-1] = 1.0
            return in_memory(out)
        words = _WORD.findall((label_of(cell) or "").lower())
        if not words:
            return in_memory(out)
        for word in words:
            place = crc32(word.encode(errors="replace"))
            # The sign makes words that share a place cancel out rather than add up.
            out[place % self.buckets] += 1.0 if place >> 31 else -1.0
        length = math.sqrt(float(len(words)))
        out = [value / length for value in out]
        out[-2] = math.log1p(len(words)) / 5.0
        return in_memory(out)

    def batch(self, cells: Sequence[Cell], remarks: Remarks) -> NDArray[np.float32]:
        del remarks
        missing = np.fromiter(map(is_missing, cells), dtype=np.bool_, count=len(cells))
        words = [
            [] if is_away else _WORD.findall((label_of(cell) or "").lower())
            for cell, is_away in zip(cells, missing.tolist(), strict=True)
        ]
        lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(cells))
        out = np.zeros((len(cells), self.width), dtype=np.float32)
        if lengths.any():
            # Sums of ones are whole, so their order does not matter to the last bit.
            out[:, : self.buckets] = self._sums(words, lengths) / np.sqrt(np.maximum(lengths, 1))[:, None]
            said = [math.log1p(length) / 5.0 if length else 0.0 for length in range(int(lengths.max()) + 1)]
            out[:, -2] = np.array(said)[lengths]
        out[missing, -1] = 1.0
        return out

    def _sums(self, words: list[list[str]], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """By line and bucket, the signs of its words."""
        met = {word: crc32(word.encode(errors="replace")) for word in set(chain.from_iterable(words))}
        hashes = np.fromiter((met[word] for word in chain.from_iterable(words)), np.uint32, count=int(lengths.sum()))
        lines = np.repeat(np.arange(lengths.size), lengths)
        places = lines * self.buckets + hashes % self.buckets
        signs = np.where(hashes >> 31, 1.0, -1.0)
        found = np.bincount(places, weights=signs, minlength=lengths.size * self.buckets).astype(np.float64)
        return found.reshape(lengths.size, self.buckets)
