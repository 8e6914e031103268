"""A table's columns as graphs take them: numbers with gaps, or groups by code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Rows = NDArray[np.int64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = ("DATE", "TIME", "DATETIME")


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of numbers, or of moments as seconds; NaN where a line has none."""

    name: str
    kind: str
    values: Floats

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which lines have a value."""
        return ~np.isnan(self.values)

    def at(self, rows: Rows | NDArray[np.bool_]) -> Numbers:
        """The same of some lines."""
        return Numbers(self.name, self.kind, self.values[rows])

    def shown(self, value: float) -> float | str:
        """A value as a figure says it."""
        return moment_text(value, self.kind) if self.kind in MOMENTS else float(value)


@dataclass(frozen=True, slots=True)
class Groups:
    """A column of labels: line i belongs to `names[codes[i]]`, to none where the code is -1."""

    name: str
    kind: str
    codes: Codes
    names: list[str]

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which lines have a label."""
        return self.codes >= 0

    def at(self, rows: Rows | NDArray[np.bool_]) -> Groups:
        """The same of some lines."""
        return Groups(self.name, self.kind, self.codes[rows], self.names)


Column = Numbers | Groups
Table = Mapping[str, Column]


def moment_text(seconds: float, kind: str) -> str:
    """Seconds since 1970 (of a TIME: since midnight) as people write them, in UTC.

    >>> moment_text(86400 * 365.0, "DATE"), moment_text(3600.0, "TIME")
    ('1971-01-01', '01:00:00')
    """
    try:
        moment = _EPOCH + timedelta(seconds=round(float(seconds)))
    except OverflowError:
        return f"{seconds:g}"
    shapes = {"DATE": "%Y-%m-%d", "TIME": "%H:%M:%S", "DATETIME": "%Y-%m-%d %H:%M:%S"}
    return moment.strftime(shapes[kind])


def said(value: float) -> str:
    """A number in a sentence: few digits, and no exponent where people write none.

    >>> said(44763.2), said(0.2512345), said(3.1e-9)
    ('44,763', '0.2512', '3.1e-09')
    """
    return f"{value:,.0f}" if 10_000 <= abs(value) < 1e15 else f"{value:.4g}"


def grouped(column: Column) -> Groups:
    """The column as groups: numbers and moments by their different values, in order."""
    if isinstance(column, Groups):
        return column
    different, codes = np.unique(column.values, return_inverse=True)
    kept = np.where(column.present, codes, -1).astype(np.int32)
    names = [_written(value, column.kind) for value in different if value == value]
    return Groups(column.name, column.kind, kept, names)


def _written(value: float, kind: str) -> str:
    if kind in MOMENTS:
        return moment_text(value, kind)
    return str(int(value)) if value == int(value) else f"{value:.6g}"


def most_frequent(column: Groups, most: int) -> tuple[Groups, int]:
    """The column with its most frequent labels alone, in reading order, and how many labels were left out."""
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.names))
    there = [int(place) for place in np.argsort(-counts, kind="stable") if counts[place]]
    kept = there[:most]
    if column.kind == "LABEL":
        kept.sort(key=lambda place: _reading_order(column.names[place]))
    else:
        kept.sort()
    places = np.full(len(column.names) + 1, -1, dtype=np.int32)
    places[kept] = np.arange(len(kept), dtype=np.int32)
    names = [column.names[place] for place in kept]
    return Groups(column.name, column.kind, places[column.codes], names), len(there) - len(kept)


def _reading_order(name: str) -> tuple[int, float, str]:
    """Labels that are numbers by their size, the others by their letters."""
    try:
        return (0, float(name), name)
    except ValueError:
        return (1, 0.0, name.casefold())
