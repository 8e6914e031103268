"""The statistics of one column, gathered batch by batch under the names machines keep them by."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ml.learning.columns.moments import StreamedNumbers
from ml.learning.columns.texts import StreamedTexts
from ml.learning.columns.values import LARGEST, is_missing, label_of, moment_of, number_of, time_of
from ml.learning.tables.batch import Cell
from ml.learning.tables.json_file import parsed

# Different values counted one by one up to here; beyond, the number of them is estimated.
COUNTED_VALUES = 100_000
# A value is frequent from this share of the lines that are not missing.
FREQUENT_SHARE = 0.05
_BITS = 1 << 20
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


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

    def add(self, cells: Sequence[Cell]) -> None:
        self.lines += len(cells)
        if (plain := _plain_numbers(cells)) is not None and self.decimal == ".":
            self._add_plain(cells, plain)
            return
        numbers: list[float] = []
        for cell, count in _counted(cells):
            if is_missing(cell):
                self.missing += count
                continue
            self._note_label(cell, count)
            number = number_of(cell, self.decimal)
            if number is not None:
                numbers += [number] * count
            self._note_kind(cell, count, number)
        if numbers:
            self.numbers.add(np.array(numbers))
        self._follow_count(cells)

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
            **(self.numbers.summary() if self.share("number") >= 0.5 else {}),
            **(self.texts.summary() if self.share("number") < 0.5 else {}),
        }

    def _add_plain(self, cells: Sequence[Cell], numbers: NDArray[np.float64]) -> None:
        """What the way cell by cell comes to, for texts that are all numbers or empty: most columns of most tables."""
        labels = [label for cell in cells if (label := cell.strip())]  # type: ignore[attr-defined]
        self.missing += len(cells) - len(labels)
        if labels:
            self.longest = max(self.longest, max(map(len, labels)))
            if self._sketch is None and len(self.labels) + len(labels) <= self.most_kept:
                self.labels.update(labels)
            else:
                self._count_labels(Counter(labels))
            self.numbers.add(numbers)
            self.fitting["number"] += len(labels)
            self.fitting["integer"] += int((numbers == np.floor(numbers)).sum())
            self.strings += len(labels)
        self._follow_count(cells)

    def _note_label(self, cell: Cell, count: int) -> None:
        label = label_of(cell)
        if label is None:
            return
        self.longest = max(self.longest, len(label))
        self._count_labels({label: count})

    def _count_labels(self, counts: Mapping[str, int]) -> None:
        beyond = []
        for label, count in counts.items():
            if len(self.labels) < self.most_kept or label in self.labels:
                self.labels[label] += count
            else:
                beyond.append(label)
        if not beyond:
            return
        if self._sketch is None:
            self._sketch = np.zeros(_BITS // 8, dtype=np.uint8)
            _mark(self._sketch, self.labels)
        _mark(self._sketch, beyond)

    def _note_kind(self, cell: Cell, count: int, number: float | None) -> None:
        if number is not None:
            self.fitting["number"] += count
            if number == int(number):
                self.fitting["integer"] += count
            if isinstance(cell, str):
                self.strings += count
            return
        if isinstance(cell, str):
            self.strings += count
            self.texts.add(cell, count)
            if cell.lstrip()[:1] in ("{", "[") and _is_json(cell):
                self.fitting["json"] += count
        kinds = [order for order in ("YMD", "DMY", "MDY") if _fits_order(cell, order)]
        for order in kinds:
            self.fitting[order] += count
        if kinds:
            self.fitting["moment"] += count
            if (moment_of(cell, kinds[0]) or 0.0) % 86400:
                self.fitting["with_time"] += count
        elif time_of(cell) is not None:
            self.fitting["time"] += count
        elif len(self.misfits) < 5:
            self.misfits.append(str(cell)[:40])

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


def _plain_numbers(cells: Sequence[Cell]) -> NDArray[np.float64] | None:
    """The numbers of texts that all are plain numbers or empty; None where any cell needs a closer look."""
    if set(map(type, cells)) != {str}:
        return None
    texts = [cell for cell in cells if cell]
    try:
        numbers = np.array(list(map(float, texts)))  # type: ignore[arg-type]
    except ValueError:
        return None
    # float() also takes nan, infinity and 1_000, which mean something else in a table.
    is_plain = bool((np.abs(numbers) < LARGEST).all()) and "_" not in "".join(texts)  # type: ignore[arg-type]
    return numbers if is_plain else None


def _mark(sketch: NDArray[np.uint8], labels: Iterable[str]) -> None:
    sums = [crc32(label.encode(errors="replace")) for label in labels]
    # A checksum is even on texts that are alike; multiplied by the golden ratio its upper bits are as good as chance.
    places = (np.array(sums, dtype=np.uint64) * _GOLDEN) >> np.uint64(64 - _BITS.bit_length() + 1)
    np.bitwise_or.at(sketch, places >> 3, (1 << (places & 7)).astype(np.uint8))


def _counted(cells: Sequence[Cell]) -> Iterable[tuple[Cell, int]]:
    try:
        return Counter(cells).items()
    except TypeError:  # dicts and lists, as JSON rows may hold
        return Counter(json.dumps(c) if isinstance(c, (dict, list)) else c for c in cells).items()


def _is_json(text: str) -> bool:
    try:
        parsed(text)
    except ValueError:
        return False
    return True


def _fits_order(cell: Cell, order: str) -> bool:
    return moment_of(cell, order) is not None
