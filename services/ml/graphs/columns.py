"""Reading columns of a machine's table once and keeping them as plain arrays, so that the next graph draws at once."""

from __future__ import annotations

import json
import os
import tempfile
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import IO

import numpy as np

from ml.graphs.material import Column, Groups, Numbers
from ml.learning.columns.infer import date_order
from ml.learning.columns.statistics import ColumnStatistics
from ml.learning.columns.values import label_of, moment_of, number_of, time_of
from ml.learning.errors import LearningError
from ml.learning.tables import Cell, TableSource

FORMAT = 1
LONGEST_LABEL = 120
MOST_LABELS = 1_000_000
# Lines by which the order of day and month is told.
ORDER_LINES = 20_000


def columns_of(
    table: TableSource,
    kinds: Mapping[str, str],
    *,
    version: str,
    folder: Path,
    on_lines: Callable[[int], None] = lambda lines: None,
) -> dict[str, Column]:
    """The named columns, each by its type; from `folder` where they were read before at this `version` of the table.

    `on_lines` hears how many lines were read so far. Raises LearningError for a column that the table lacks, and what
    reading raises.
    """
    for name in kinds:
        if name not in table.names:
            raise LearningError(f"The table has no column {name!r} any more.", field=name)
    places = {name: folder / _key(name, kind, version) for name, kind in kinds.items()}
    found = {name: kept for name, place in places.items() if (kept := _kept(place, name, kinds[name])) is not None}
    missing = {name: kind for name, kind in kinds.items() if name not in found}
    if missing:
        for name, column in _read(table, missing, on_lines).items():
            with suppress(OSError):  # a full disk only makes the next graph slower
                _keep(column, places[name])
            found[name] = column
    return {name: found[name] for name in kinds}


def _key(name: str, kind: str, version: str) -> str:
    return sha256(json.dumps([FORMAT, name, kind, version]).encode()).hexdigest()[:32]


def _read(table: TableSource, kinds: Mapping[str, str], on_lines: Callable[[int], None]) -> dict[str, Column]:
    places = [list(table.names).index(name) for name in kinds]
    readers = [_reader(name, kind, table, place) for (name, kind), place in zip(kinds.items(), places, strict=True)]
    lines = 0
    for batch in table.batches():
        lines += len(batch.lines)
        on_lines(lines)
        for reader, place in zip(readers, places, strict=True):
            reader.add(batch.columns[place])
    return {reader.name: reader.column() for reader in readers}


def _reader(name: str, kind: str, table: TableSource, place: int) -> _Labels | _Values:
    if kind == "LABEL":
        return _Labels(name)
    order = _order(table, place) if kind in ("DATE", "DATETIME") else ""
    return _Values(name, kind, table.decimal, order)


def _order(table: TableSource, place: int) -> str:
    """How a person said that dates are written, else what fits most of the column's first ones."""
    if said := table.date_order:
        return said
    statistics, lines = ColumnStatistics(decimal=table.decimal, most_kept=1000), 0
    for batch in table.batches():
        statistics.add(batch.columns[place])
        lines += len(batch.lines)
        if lines >= ORDER_LINES:
            break
    return date_order(statistics)


class _Values:
    """Numbers or moments as they come; what is neither is a gap."""

    def __init__(self, name: str, kind: str, decimal: str, order: str) -> None:
        self.name, self.kind, self._decimal, self._order = name, kind, decimal, order
        self._values = array("d")

    def add(self, cells: Iterable[Cell]) -> None:
        """Take a batch."""
        self._values.extend(_NOTHING if (value := self._value(cell)) is None else value for cell in cells)

    def _value(self, cell: Cell) -> float | None:
        if self.kind == "FLOAT":
            return number_of(cell, self._decimal)
        return time_of(cell) if self.kind == "TIME" else moment_of(cell, self._order)

    def column(self) -> Column:
        """All of them."""
        return Numbers(self.name, self.kind, np.array(self._values))


class _Labels:
    """Labels as they come, each written once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._codes = array("i")
        self._places: dict[str, int] = {}

    def add(self, cells: Iterable[Cell]) -> None:
        """Take a batch."""
        self._codes.extend(self._code(label_of(cell)) for cell in cells)

    def _code(self, label: str | None) -> int:
        if label is None:
            return -1
        short = label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"
        if len(self._places) >= MOST_LABELS and short not in self._places:
            return -1
        return self._places.setdefault(short, len(self._places))

    def column(self) -> Column:
        """All of them."""
        return Groups(self.name, "LABEL", np.array(self._codes, dtype=np.int32), list(self._places))


_NOTHING = float("nan")


def _kept(place: Path, name: str, kind: str) -> Column | None:
    try:
        values = np.load(place.with_suffix(".npy"), allow_pickle=False)
        if kind != "LABEL":
            return Numbers(name, kind, values)
        names: Sequence[str] = json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # never read, or cut short when the disk was full: it is read anew
    return Groups(name, kind, values, list(names))


def _keep(column: Column, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(column, Groups):
        _write(place.with_suffix(".json"), lambda file: file.write(json.dumps(column.names).encode()))
    values = column.codes if isinstance(column, Groups) else column.values
    _write(place.with_suffix(".npy"), lambda file: np.save(file, values, allow_pickle=False))


def _write(target: Path, put: Callable[[IO[bytes]], object]) -> None:
    """Whole or not at all."""
    handle, path = tempfile.mkstemp(dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            put(file)
        Path(path).replace(target)
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise
