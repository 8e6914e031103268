"""A machine's table: the stretches of its lines one after the other, each read as a stream from the object store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ml.learning.errors import TableError
from ml.learning.tables import Batch, Cell, Dialect, FileTable, TableSource, open_table, taken_apart
from ml.learning.tables.batch import BATCH_LINES
from ml.learning.tables.json_file import JsonTable

MOST_COLUMNS = 10_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where a stretch of lines is and how to read it; plain enough to be handed to another process."""

    path: str
    name: str
    sequence: int
    file_format: str = ""
    dialect: dict[str, Any] = field(default_factory=dict)
    least_columns: int = 2

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def open(self) -> FileTable:
        """The stretch as a table of its own: a stored one as it was found or corrected, a new one as it looks."""
        path = Path(self.path)
        if self.file_format == "jsonl":
            return JsonTable(path, Dialect.from_json(self.dialect), name=self.name, is_whole=False)
        if self.file_format:
            dialect = Dialect.from_json(self.dialect) if self.dialect else None
            return open_table(
                path, dialect, name=self.name, file_format=self.file_format, least_columns=self.least_columns
            )
        return open_table(path, name=self.name, said=self.dialect, least_columns=self.least_columns)


class MachineTable:
    """All stretches as one table in the order they came, with the columns of the first.

    Lines of the first stretch are named by their numbers, later ones by stretch and number: so a table that came in
    one piece is split just as the command line splits the file. What was found inside its columns stands there as
    columns only in `machine_table`.
    """

    def __init__(self, stretches: Sequence[Stretch], *, limit: int | None = None) -> None:
        self._parts = [(stretch.sequence, stretch.open()) for stretch in stretches]
        self._sizes = [Path(stretch.path).stat().st_size for stretch in stretches]
        first = self._parts[0][1]
        self.names: Sequence[str] = list(first.names)
        self.decimal: str = first.decimal
        self.date_order: str = first.date_order
        self.file_format: str = first.file_format
        # Of the stretch that the newest batch is from: each may be written in its own way.
        self.sure_decimal: str = first.sure_decimal
        self._limit = limit
        _check_names(self.names, stretches[0].name)

    @property
    def dialect(self) -> Dialect:
        """How the first stretch is written."""
        return self._parts[0][1].dialect

    @property
    def share(self) -> float:
        """How much of all stretches the newest reading has behind it, 0 to 1."""
        read = sum(size * part.share for size, (_, part) in zip(self._sizes, self._parts, strict=True))
        return read / max(1, sum(self._sizes))

    @property
    def stored_dialect(self) -> dict[str, Any]:
        """The same as it is stored: the parts that its kind of file has."""
        return self.dialect.to_json(*self._parts[0][1].DIALECT)

    def batches(self, size: int = BATCH_LINES) -> Iterator[Batch]:
        left = self._limit
        for sequence, part in self._parts:
            self.sure_decimal = part.sure_decimal
            for batch in part.batches(size):
                found = self._aligned(batch, part.names, sequence)
                if left is not None:
                    found = Batch(found.lines[:left], [column[:left] for column in found.columns], found.bad)
                    left -= len(found.lines)
                yield found
                if left == 0:
                    return

    def _aligned(self, batch: Batch, names: Sequence[str], sequence: int) -> Batch:
        lines = batch.lines if sequence == 1 else [f"{sequence}:{line}" for line in batch.lines]
        if list(names) == self.names:
            return Batch(lines, batch.columns, batch.bad)
        there = dict(zip(names, batch.columns, strict=True))
        nothing: list[Cell] = [None] * len(batch.lines)
        return Batch(lines, [there.get(name, nothing) for name in self.names], batch.bad)


def machine_table(stretches: Sequence[Stretch], *, limit: int | None = None) -> TableSource:
    """All stretches as one table, with the columns that were found inside its JSON columns."""
    table = MachineTable(stretches, limit=limit)
    return taken_apart(table, table.dialect.parts)


def first_rows(table: TableSource, count: int = 20) -> list[list[Cell]]:
    """The first rows, as they are."""
    batch = next(iter(table.batches(max(count, 100))), None)
    if batch is None:
        return []
    return [list(row) for row in islice(zip(*batch.columns, strict=True), count)]


def _check_names(names: Sequence[str], table: str) -> None:
    if len(names) > MOST_COLUMNS:
        raise TableError(f"{table} has {len(names)} columns; at most {MOST_COLUMNS} are taken: leave some out.")
    for name in names:
        if "\x00" in name or len(name) > 300 or name.encode("utf-8", "ignore").decode() != name:
            raise TableError(f"{table} has a column whose name cannot be read: rename it, or name the file's encoding.")
