"""The encoding of a column of numbers or of times of day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.learning.columns.values import LARGEST, is_missing, number_of, time_of
from ml.learning.encoding.bins import Bins, floats
from ml.learning.encoding.remarks import Remarks
from ml.learning.tables.arrow_cells import ArrowCells
from ml.learning.tables.batch import Cell


@dataclass(frozen=True, slots=True)
class NumberInput:
    """`kind` is number or time; `decimal` is the sign the learnt table wrote its numbers with."""

    column: str
    bins: Bins
    decimal: str = "."
    kind: str = "number"

    @property
    def width(self) -> int:
        return self.bins.width

    @property
    def averages(self) -> int:
        """How many of its last columns were learnt from the outputs."""
        return 0

    @property
    def plain(self) -> list[bool]:
        return self.bins.plain

    def row(self, cell: Cell, remarks: list[str]) -> bytes:
        value = number_of(cell, self.decimal) if self.kind == "number" else time_of(cell)
        if value is None:
            if not is_missing(cell):
                remarks.append(unreadable(self.column, cell, self.kind))
        elif self.bins.is_outside(value):
            remarks.append(outside(self.column, value, self.bins))
        return self.bins.row(value)

    def batch(self, cells: Sequence[Cell], remarks: Remarks) -> NDArray[np.float32]:
        values = read_numbers(cells, self.decimal) if self.kind == "number" else floats([time_of(c) for c in cells])
        for i in not_read(values, cells):
            remarks.add(i, unreadable(self.column, cells[i], self.kind))
        for i in np.flatnonzero(self.bins.outside(values)).tolist():
            remarks.add(i, outside(self.column, float(values[i]), self.bins))
        return self.bins.batch(values)


def read_numbers(cells: Sequence[Cell], decimal: str = ".") -> NDArray[np.float64]:
    """`number_of` for a whole column; numbers that need no reading are taken at once."""
    if isinstance(cells, ArrowCells):
        if (decimal == "." or not cells.is_text) and (values := cells.numbers()) is not None:
            return np.where(np.abs(values) < LARGEST, values, np.nan)
        cells = cells.cells
    if set(map(type, cells)) <= {float, int, type(None)}:
        try:
            values = np.array(cells, dtype=np.float64)
        except OverflowError:
            return floats([number_of(cell, decimal) for cell in cells])
        with np.errstate(invalid="ignore"):
            values[~(np.abs(values) < LARGEST)] = np.nan
        return values
    plain = _plain_texts(cells) if decimal == "." else None
    return floats([number_of(cell, decimal) for cell in cells]) if plain is None else plain


def _plain_texts(cells: Sequence[Cell]) -> NDArray[np.float64] | None:
    """What `number_of` makes of texts that float() takes as they are, or that are empty; None where others are."""
    if set(map(type, cells)) != {str} or "_" in "".join(cells):  # type: ignore[arg-type]
        return None
    try:
        values = _float_of_each(cells)  # type: ignore[arg-type]
    except ValueError:
        return None
    with np.errstate(invalid="ignore"):
        values[~(np.abs(values) < LARGEST)] = np.nan
    return values


def _float_of_each(cells: Sequence[str]) -> NDArray[np.float64]:
    if "" in cells:
        return np.array([float(cell) if cell else math.nan for cell in cells])
    return np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))


def not_read(values: NDArray[np.float64], cells: Sequence[Cell]) -> list[int]:
    """Where something stands that could not be read: a value is NaN, but its cell not missing."""
    nothing = np.isnan(values)
    if isinstance(cells, ArrowCells) and nothing.any():
        nothing &= ~cells.blank
    return [i for i in np.flatnonzero(nothing).tolist() if not is_missing(cells[i])]


def unreadable(column: str, cell: Cell, kind: str) -> str:
    return f"{column}: {str(cell)[:40]!r} is no {kind} and was taken as missing"


def outside(column: str, value: float, bins: Bins) -> str:
    return f"{column}: {value:g} is outside what was learnt from ({bins.low:g} to {bins.high:g})"
