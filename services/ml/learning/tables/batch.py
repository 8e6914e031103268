"""The shape every table takes on its way in: a batch of lines, column by column, with its bad lines aside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Protocol, runtime_checkable

# What one field may hold: text from CSV, typed values from Parquet and JSON. None is missing.
Cell = object

BATCH_LINES = 4096


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line kept aside: where it was, why it was not taken, and how it began."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some lines of a table: `columns[i][j]` is column i of line `lines[j]`."""

    lines: Sequence[int | str]
    columns: Sequence[Sequence[Cell]]
    bad: Sequence[BadLine] = field(default=())

    def rows(self, names: Sequence[str]) -> Iterator[dict[str, Cell]]:
        for values in zip(*self.columns, strict=True):
            yield dict(zip(names, values, strict=True))


@runtime_checkable
class Joins(Protocol):
    """Cells that know how to stand before others of their kind; None where those are of another."""

    def joined(self, other: Sequence[Cell]) -> Sequence[Cell] | None: ...


class TableSource(Protocol):
    """Anything that can be read more than once as batches: a file, or the lines of a machine in a database.

    `Batch.lines` must name the same line in the same way on each reading, because the split hangs on it.
    """

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def decimal(self) -> str: ...

    @property
    def sure_decimal(self) -> str:
        """The same of the batch just read, where its text shows it or a person said it; else empty."""
        ...

    @property
    def date_order(self) -> str:
        """How a person said that dates are written; empty, each column's own order is found."""
        ...

    def batches(self, size: int = BATCH_LINES) -> Iterator[Batch]: ...


@dataclass(frozen=True, slots=True)
class RowTable:
    """Rows that are in memory already, as dicts; a column a row does not have is missing in it."""

    rows: Sequence[Mapping[str, Cell]]
    names: Sequence[str]
    decimal: str = "."
    date_order: str = ""
    sure_decimal: str = ""

    def batches(self, size: int = BATCH_LINES) -> Iterator[Batch]:
        return batches_of_rows(enumerate(self.rows, start=1), self.names, size=size)


def batches_of_rows(
    rows: Iterable[tuple[int | str, Mapping[str, Cell]]], names: Sequence[str], *, size: int = BATCH_LINES
) -> Iterator[Batch]:
    """Cut (line id, row) pairs into batches; what a database cursor yields becomes a table this way."""
    stream = iter(rows)
    while part := list(islice(stream, size)):
        yield Batch([line for line, _ in part], [[row.get(name) for _, row in part] for name in names])


def cut_anew(batches: Iterable[Batch], size: int) -> Iterator[Batch]:
    """The same lines in batches of `size`, each with the bad lines that stood among or before them."""
    rest, bad = Batch([], []), list[BadLine]()
    for batch in batches:
        bad += batch.bad
        lacking = size - len(rest.lines)
        starts = range(lacking, len(batch.lines), size)
        parts = [_joined(rest, _part(batch, 0, lacking)), *(_part(batch, start, start + size) for start in starts)]
        for part, following in pairwise((*parts, Batch([], []))):
            rest = part
            if max(len(part.lines), len(bad)) < size:
                break
            early = _before(bad, following.lines)
            yield Batch(part.lines, part.columns, early)
            rest, bad = _part(part, size, size), bad[len(early) :]
    if rest.lines or bad:
        yield Batch(rest.lines, rest.columns, bad)


def _part(batch: Batch, start: int, end: int) -> Batch:
    return Batch(batch.lines[start:end], [column[start:end] for column in batch.columns])


def _joined(first: Batch, second: Batch) -> Batch:
    if not first.lines:
        return second
    columns = [_both(*pair) for pair in zip(first.columns, second.columns, strict=True)]
    return Batch([*first.lines, *second.lines], columns)


def _both(cells: Sequence[Cell], more: Sequence[Cell]) -> Sequence[Cell]:
    both = cells.joined(more) if isinstance(cells, Joins) else None
    return [*cells, *more] if both is None else both


def _before(bad: Sequence[BadLine], following: Sequence[int | str]) -> list[BadLine]:
    first = following[0] if following else None
    return [one for one in bad if not isinstance(first, int) or one.line < first]
