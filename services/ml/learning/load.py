"""The columns a training needs, read from a table into compact arrays with their lines already parted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.learning.columns.analyse import TableReport
from ml.learning.columns.infer import ColumnType
from ml.learning.columns.values import label_of, moment_of, time_of
from ml.learning.encoding.number import read_numbers
from ml.learning.split import is_for_evaluation, is_in_sample
from ml.learning.tables.batch import Cell, TableSource

Floats64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelColumn:
    """Labels as numbers into `labels`; -1 is missing."""

    labels: tuple[str, ...]
    codes: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """`numbers` holds numbers, seconds and moments (NaN is missing), `labels` labels and texts."""

    evaluation: NDArray[np.bool_]
    numbers: dict[str, Floats64]
    labels: dict[str, LabelColumn]

    @property
    def line_count(self) -> int:
        return int(self.evaluation.size)


class _Labels:
    """Grows a label column batch by batch."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}
        self.parts: list[NDArray[np.int32]] = []

    def add(self, cells: Sequence[Cell]) -> None:
        if set(map(type, cells)) <= {str, type(None)}:
            known = {cell: self._code(cell) for cell in dict.fromkeys(cells)}
            codes = (known[cell] for cell in cells)
        else:
            codes = (self._code(cell) for cell in cells)
        self.parts.append(np.fromiter(codes, dtype=np.int32, count=len(cells)))

    def _code(self, cell: Cell) -> int:
        label = label_of(cell)
        return -1 if label is None else self.index.setdefault(label, len(self.index))

    def column(self) -> LabelColumn:
        return LabelColumn(tuple(self.index), np.concatenate(self.parts) if self.parts else np.empty(0, np.int32))


def load(
    table: TableSource,
    report: TableReport,
    columns: Collection[str],
    *,
    seed: int,
    most_lines: int,
    on_lines: Callable[[int], None] | None = None,
) -> LoadedTable:
    """Read the `columns` of `table` as their types in `report` say.

    With more than `most_lines` lines a seeded sample of about that many is taken.
    """
    sample = min(1.0, most_lines / max(report.line_count, 1))
    is_label = {name: report.columns[name].type in (ColumnType.LABEL, ColumnType.LANGUAGE) for name in columns}
    labels = {name: _Labels() for name in columns if is_label[name]}
    numbers: dict[str, list[Floats64]] = {name: [] for name in columns if not is_label[name]}
    evaluation: list[bool] = []
    read = 0
    for batch in table.batches():
        kept = [i for i, line in enumerate(batch.lines) if is_in_sample(seed, line, sample)] if sample < 1 else None
        lines = batch.lines if kept is None else [batch.lines[i] for i in kept]
        evaluation += [is_for_evaluation(seed, line) for line in lines]
        for name, cells in zip(table.names, batch.columns, strict=True):
            chosen = cells if kept is None else [cells[i] for i in kept]
            if name in labels:
                labels[name].add(chosen)
            elif name in numbers:
                numbers[name].append(_numbers(chosen, report, name))
        read += len(batch.lines)
        if on_lines:
            on_lines(read)
    return LoadedTable(
        np.array(evaluation, dtype=bool),
        {name: np.concatenate(parts) for name, parts in numbers.items()},
        {name: grown.column() for name, grown in labels.items()},
    )


def _numbers(cells: Sequence[Cell], report: TableReport, name: str) -> Floats64:
    column = report.columns[name]
    if column.type is ColumnType.TIME:
        return np.array([time_of(cell) for cell in cells], dtype=np.float64)
    if column.type in (ColumnType.DATE, ColumnType.DATETIME):
        return np.array([moment_of(cell, column.date_order) for cell in cells], dtype=np.float64)
    return read_numbers(cells, report.decimal)
