"""The encoding of a column of dates: how long ago, and where in the day, week, month and year."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ml.learning.columns.values import is_missing, moment_of
from ml.learning.encoding.bins import Bins, floats, in_memory
from ml.learning.encoding.learnt_days import LearntDays
from ml.learning.encoding.number import not_read, unreadable
from ml.learning.encoding.remarks import Remarks
from ml.learning.tables.arrow_cells import ArrowCells
from ml.learning.tables.batch import Cell

DAY = 86400
HOUR = 3600
MOST_MET = 65_536
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
PARTS = {"hour": 24, "weekday": 7, "day": 31, "month": 12}


def _block(part: str) -> list[list[float]]:
    """One row for each value of the part: its place on the circle, and one-hot where that is short."""
    size = PARTS[part]
    rows = []
    for i in range(size):
        angle = 2 * math.pi * i / size
        hot = [1.0 if j == i else 0.0 for j in range(size)] if part != "day" else []
        rows.append([math.sin(angle), math.cos(angle), *hot])
    return rows


_BLOCKS = {part: _block(part) for part in PARTS}
_ROWS = {part: [in_memory(row) for row in rows] for part, rows in _BLOCKS.items()}
_NOTHING = {part: in_memory([0.0] * len(rows[0])) for part, rows in _BLOCKS.items()}
_TABLES = {part: np.array(rows, dtype=np.float32) for part, rows in _BLOCKS.items()}


@dataclass(frozen=True, slots=True)
class MomentInput:
    """`order` is how its dates are written; `parts` are those that changed while learning; `bins` are over days.

    `learnt` holds what the outputs were on single days or in single hours, where those came again and again.
    """

    column: str
    bins: Bins
    order: str
    parts: tuple[str, ...]
    learnt: tuple[LearntDays, ...] = ()

    @property
    def width(self) -> int:
        parts = sum(len(_BLOCKS[part][0]) for part in self.parts)
        return self.bins.width + parts + sum(days.width for days in self.learnt)

    @property
    def averages(self) -> int:
        """How many of its last columns were learnt from the outputs."""
        return sum(days.width for days in self.learnt)

    @property
    def plain(self) -> list[bool]:
        return self.bins.plain + [True] * (self.width - self.bins.width)

    def row(self, cell: Cell, remarks: list[str]) -> bytes:
        moment = _met(self.order)[cell] if type(cell) is str else moment_of(cell, self.order)
        if moment is None or math.isnan(moment):
            if not is_missing(cell):
                remarks.append(unreadable(self.column, cell, "date"))
            blocks = [self.bins.row(None), *(_NOTHING[part] for part in self.parts)]
            return b"".join([*blocks, *(days.row(None) for days in self.learnt)])
        days = moment / DAY
        if self.bins.is_outside(days):
            remarks.append(self._outside(moment))
        day = date.fromordinal(_EPOCH_ORDINAL + int(moment // DAY))
        places = {
            "hour": int(moment % DAY) // 3600,
            "weekday": day.weekday(),
            "day": day.day - 1,
            "month": day.month - 1,
        }
        blocks = [self.bins.row(days), *(_ROWS[part][places[part]] for part in self.parts)]
        return b"".join([*blocks, *(own.row(moment) for own in self.learnt)])

    def batch(self, cells: Sequence[Cell], remarks: Remarks) -> NDArray[np.float32]:
        moments = self._read(cells)
        for i in not_read(moments, cells):
            remarks.add(i, unreadable(self.column, cells[i], "date"))
        for i in np.flatnonzero(self.bins.outside(moments / DAY)).tolist():
            remarks.add(i, self._outside(float(moments[i])))
        return self.encode(moments)

    def _read(self, cells: Sequence[Cell]) -> NDArray[np.float64]:
        """`moment_of` for a whole column; a text that stands in many lines is read once."""
        if isinstance(cells, ArrowCells) and cells.is_text:
            different, places = cells.different()
            return self._read(different)[places]
        if set(map(type, cells)) <= {str, type(None)}:
            return np.fromiter(map(_met(self.order).__getitem__, cells), dtype=np.float64, count=len(cells))
        return floats([moment_of(cell, self.order) for cell in cells])

    def encode(self, moments: NDArray[np.float64]) -> NDArray[np.float32]:
        missing = np.isnan(moments)
        places = places_of(np.where(missing, 0.0, moments))
        blocks = [self.bins.batch(moments / DAY)]
        for part in self.parts:
            block = _TABLES[part][places[part]]
            block[missing] = 0.0
            blocks.append(block)
        return np.concatenate([*blocks, *(days.batch(moments) for days in self.learnt)], axis=1)

    def _outside(self, moment: float) -> str:
        low, high = (_iso(days * DAY) for days in (self.bins.low, self.bins.high))
        return f"{self.column}: {_iso(moment)} is outside what was learnt from ({low} to {high})"


class _Met(dict[Cell, float]):
    """The moments of texts met so far, NaN where one has none; of endless texts not all are kept."""

    def __init__(self, order: str) -> None:
        super().__init__()
        self._order = order

    def __missing__(self, cell: Cell) -> float:
        moment = moment_of(cell, self._order)
        if len(self) >= MOST_MET:
            self.clear()
        return self.setdefault(cell, math.nan if moment is None else moment)


_met = cache(_Met)


def places_of(moments: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
    """Hour, weekday, day of month and month of each moment, all counted from 0."""
    whole = np.floor(moments / DAY).astype(np.int64)
    days = whole.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    return {
        "hour": (moments % DAY).astype(np.int64) // 3600,
        "weekday": (whole + 3) % 7,
        "day": (days - months.astype("datetime64[D]")).astype(np.int64),
        "month": months.astype(np.int64) % 12,
    }


def _iso(moment: float) -> str:
    return date.fromordinal(_EPOCH_ORDINAL + int(moment // DAY)).isoformat()
