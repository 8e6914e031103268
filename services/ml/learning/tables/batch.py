"""The shape every table takes on its way in: a batch of lines, column by column, with its bad lines aside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

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


class TableSource(Protocol):
    """Anything that can be read more than once as batches: a file, or the lines of a machine in a database.

    `Batch.lines` must name the same line in the same way on each reading, because the split hangs on it.
    """

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def decimal(self) -> str: ...

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
    lines: list[int | str] = []
    columns: list[list[Cell]] = []
    bad: list[BadLine] = []
    for batch in batches:
        columns = columns or [[] for _ in batch.columns]
        lines += batch.lines
        for column, more in zip(columns, batch.columns, strict=True):
            column += more
        bad += batch.bad
        while max(len(lines), len(bad)) >= size:
            following = lines[size] if len(lines) > size else None
            early = [one for one in bad if not isinstance(following, int) or one.line < following]
            yield Batch(lines[:size], [column[:size] for column in columns], early)
            bad = bad[len(early) :]
            del lines[:size]
            for column in columns:
                del column[:size]
    if lines or bad:
        yield Batch(lines, columns, bad)
