"""The statistics of one column, gathered batch by batch under the names machines keep them by."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ml.learning.columns.looks import NOTHING, Look, look_at
from ml.learning.columns.numbers import StreamedNumbers
from ml.learning.columns.plain import labels_of, plain_numbers, plain_texts, typed_numbers
from ml.learning.columns.texts import StreamedTexts
from ml.learning.columns.values import number_of
from ml.learning.tables.batch import Cell

# Different values counted one by one up to here; beyond, the number of them is estimated.
COUNTED_VALUES = 100_000
# A value is frequent from this share of the lines that are not missing.
FREQUENT_SHARE = 0.05
# Of texts that come again, what they are is remembered, of so many a column.
KNOWN_CELLS = 5_000
MOST_MISFITS = 5
_BITS = 1 << 20
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_NO_VALUE: tuple[tuple[str, ...], ...] = ((), ("json",), ("no_number",))


class ColumnStatistics:
    """Everything type inference and a person reading the column page need; memory does not grow with the lines."""

    def __init__(self, *, decimal: str = ".", most_kept: int = COUNTED_VALUES) -> None:
        """`most_kept` bounds the values held to count and to take quantiles from."""
        self.decimal, self.most_kept = decimal, most_kept
        self.lines = self.missing = 0
        self.strings = self.longest = 0
        self.fitting: Counter[str] = Counter()
        self.misfits: list[str] = []
        self.numbers = StreamedNumbers(most_kept)
        self.texts = StreamedTexts()
        self.labels: Counter[str] = Counter()
        self._sketch: NDArray[np.uint8] | None = None
        self._previous: float | None = None
        self.is_a_count = True
        self._known: dict[Cell, Look] = {}

    def add(self, cells: Sequence[Cell]) -> None:
        self.lines += len(cells)
        if (plain := plain_numbers(cells, self.decimal)) is not None:
            self._add_plain(cells, plain)
            return
        counts = _counted(cells)
        if (labels := plain_texts(counts)) is not None:
            self._add_texts(counts, labels)
        elif (numbers := typed_numbers(counts)) is not None:
            self._add_numbers(counts, numbers)
        else:
            self._add_cells(counts)
        self._follow_count(cells)

    def _add_cells(self, counts: Counter[Cell]) -> None:
        """Cell by cell: what is no plain number and no plain text."""
        numbers: list[float] = []
        labels: Counter[str] = Counter()
        for cell, count in counts.items():
            look = self._known.get(cell) if cell.__class__ is str else None
            look = look or self._look(cell)
            if look is NOTHING:
                self.missing += count
                continue
            if look.label is not None:
                labels[look.label] += count
            if look.number is not None:
                numbers += [look.number] * count
            self._note(cell, count, look)
        self._count_labels(labels)
        if numbers:
            self.numbers.add(np.array(numbers))

    def _add_numbers(self, counts: Counter[Cell], numbers: NDArray[np.float64]) -> None:
        """What the way cell by cell comes to, for numbers that are typed as such."""
        times = np.fromiter(counts.values(), dtype=np.int64, count=len(counts))
        is_there, is_whole = ~np.isnan(numbers), numbers == np.floor(numbers)
        self.missing += int(times[~is_there].sum())
        if is_there.any():
            self._count_labels(labels_of(counts, is_whole))
            self.fitting["number"] += int(times[is_there].sum())
            self.fitting["integer"] += int(times[is_whole].sum())
            self.numbers.add(np.repeat(numbers[is_there], times[is_there]))

    def _add_texts(self, counts: Counter[Cell], labels: list[str]) -> None:
        """What the way cell by cell comes to, for texts that are nothing else."""
        found: Counter[str] = Counter()
        for label, (cell, count) in zip(labels, counts.items(), strict=True):
            found[label] += count
            if self.texts.wants_more:
                self.texts.add(str(cell), count)
        self._count_labels(found)
        self.strings += found.total()
        self.misfits += [str(cell)[:40] for cell in islice(counts, MOST_MISFITS - len(self.misfits))]

    def _look(self, cell: Cell) -> Look:
        """What the cell is; remembered for texts, of which most columns have few."""
        found = look_at(cell, self.decimal)
        if cell.__class__ is str and len(self._known) < KNOWN_CELLS:
            self._known[cell] = found
        return found

    def _note(self, cell: Cell, count: int, look: Look) -> None:
        for kind in look.kinds:
            self.fitting[kind] += count
        if isinstance(cell, str):
            self.strings += count
            if look.number is None:
                self.texts.add(cell, count)
        if look.kinds in _NO_VALUE and len(self.misfits) < MOST_MISFITS:
            self.misfits.append(str(cell)[:40])

    @property
    def present(self) -> int:
        return self.lines - self.missing

    @property
    def unique_values_count(self) -> int:
        if self._sketch is None:
            return len(self.labels)
        # Linear counting: how full a bitmap of hashes is tells how many different hashes were set.
        empty = _BITS - int(np.unpackbits(self._sketch).sum())
        return round(-_BITS * math.log(max(empty, 1) / _BITS))

    def share(self, kind: str) -> float:
        return self.fitting[kind] / self.present if self.present else 0.0

    @property
    def share_of_numbers(self) -> float:
        """The share of numbers, of the cells that do not stand for an unknown one if those are not most of them."""
        known = self.present - self.fitting["no_number"]
        return self.fitting["number"] / known if 2 * known >= self.present > 0 else self.share("number")

    def summary(self) -> dict[str, object]:
        frequent = {
            label: count for label, count in self.labels.most_common(20) if count > FREQUENT_SHARE * self.present
        }
        mode = self.labels.most_common(1)
        return {
            "missing_percentage": round(100 * self.missing / self.lines, 4) if self.lines else 0.0,
            "unique_values_count": self.unique_values_count,
            "most_frequent_values_count": frequent,
            "mode": mode[0][0] if mode else None,
            **(self.numbers.summary() if self.share_of_numbers >= 0.5 else {}),
            **(self.texts.summary() if self.share_of_numbers < 0.5 else {}),
        }

    def _add_plain(self, cells: Sequence[Cell], numbers: NDArray[np.float64]) -> None:
        """What the way cell by cell comes to, for texts that are all numbers or empty: most columns of most tables."""
        texts: list[str] = [cell for cell in cells if cell]  # type: ignore[misc]
        joined = "".join(texts)
        labels = texts if joined.split(None, 1) == [joined] else list(map(str.strip, texts))
        self.missing += len(cells) - len(labels)
        if labels:
            self._count_labels(Counter(labels))
            self.numbers.add(numbers)
            self.fitting["number"] += len(labels)
            self.fitting["integer"] += int((numbers == np.floor(numbers)).sum())
            self.strings += len(labels)
        self._follow_count(cells)

    def _count_labels(self, counts: Counter[str]) -> None:
        if counts:
            self.longest = max(self.longest, max(map(len, counts)))
        if self._sketch is None and len(self.labels) + len(counts) <= self.most_kept:
            # Few labels that came often one by one; many at once, which is quicker for each.
            self.labels.update(counts if 8 * len(counts) < counts.total() else counts.elements())
            return
        if room := self.most_kept - len(self.labels):
            new = (label for label in counts if label not in self.labels)
            self.labels.update(dict.fromkeys(islice(new, room), 0))  # in the order they came
        known = self.labels.keys() & counts.keys()
        for label in known:
            self.labels[label] += counts[label]
        if len(known) < len(counts):
            if self._sketch is None:
                self._sketch = np.zeros(_BITS // 8, dtype=np.uint8)
                _mark(self._sketch, self.labels)
            _mark(self._sketch, counts)

    def _follow_count(self, cells: Sequence[Cell]) -> None:
        """Whether each line's number is the one before plus one: then the column only counts the lines."""
        if not self.is_a_count:
            return
        for cell in cells:
            number = number_of(cell, self.decimal)
            if number is None or (self._previous is not None and number != self._previous + 1):
                self.is_a_count = False
                return
            self._previous = number


def _mark(sketch: NDArray[np.uint8], labels: Iterable[str]) -> None:
    sums = [crc32(label.encode(errors="replace")) for label in labels]
    # A checksum is even on texts that are alike; multiplied by the golden ratio its upper bits are as good as chance.
    places = (np.array(sums, dtype=np.uint64) * _GOLDEN) >> np.uint64(64 - _BITS.bit_length() + 1)
    np.bitwise_or.at(sketch, places >> 3, (1 << (places & 7)).astype(np.uint8))


def _counted(cells: Sequence[Cell]) -> Counter[Cell]:
    try:
        return Counter(cells)
    except TypeError:  # dicts and lists, as JSON rows may hold
        return Counter(json.dumps(c) if isinstance(c, (dict, list)) else c for c in cells)
