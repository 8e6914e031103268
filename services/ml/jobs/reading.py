"""Reads a machine's lines once: dialect, columns with type and statistics, the split, and the lines set aside."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any

from ml.hardware import ram_bytes
from ml.jobs.protocol import LONGEST_TEXT, Message, serve
from ml.learning.columns.analyse import TableReport, analyse
from ml.learning.columns.infer import ColumnType
from ml.learning.errors import LearningError, UnknownColumns
from ml.learning.split import count_for_evaluation
from ml.learning.tables import Batch, Part, TableSource, find_parts, parts_of, taken_apart
from ml.learning.tables.dialect_parts import parts_from_json
from ml.rules.columns import guess_output
from ml.tables import MachineTable, Stretch, first_rows

KEPT_BAD_LINES = 100
SAY_EVERY = 0.25
LEAST_MEMORY, MOST_MEMORY = 1 << 30, 4 << 30


class _Split:
    """The table, counting on its way through which lines are for learning and which for evaluation."""

    def __init__(self, table: TableSource, seed: int) -> None:
        self.table, self.seed = table, seed
        self.names: Sequence[str] = table.names
        self.decimal: str = table.decimal
        self.date_order: str = table.date_order
        self.parts = parts_of(table)
        self.evaluation = 0

    @property
    def sure_decimal(self) -> str:
        return self.table.sure_decimal

    def batches(self, size: int = 4096) -> Iterator[Batch]:
        for batch in self.table.batches(size):
            self.evaluation += count_for_evaluation(self.seed, batch.lines)
            yield batch


class _Speaker:
    """Says how far it is, but no more often than somebody can look."""

    def __init__(self, table: MachineTable, say: Callable[..., None]) -> None:
        self._table, self._say, self._last = table, say, monotonic()

    def hear(self, lines: int) -> None:
        if monotonic() - self._last >= SAY_EVERY:
            self._last = monotonic()
            self._say(lines=lines, percent=99 * self._table.share)


def read(job: Message, say: Callable[..., None]) -> Message:
    """The answer holds everything the service keeps about the table; nothing of it grows with its lines."""
    whole = MachineTable([Stretch(**stretch) for stretch in job["stretches"]], limit=job.get("limit"))
    parts = _parts(whole, job)
    table = taken_apart(whole, parts)
    outputs = job.get("outputs") or [guess_output(_guessable(table))]
    types = {name: ColumnType(kind) for name, kind in (job.get("types") or {}).items()}
    for part, names in (("outputs", outputs), ("types", types)):
        if unknown := [name for name in names if name not in table.names]:
            raise LearningError(str(UnknownColumns(unknown, table.names)), field=part)
    counted = _Split(table, job.get("seed", 0))
    report = analyse(counted, outputs=outputs, types=types, on_lines=_Speaker(whole, say).hear)
    return {
        "format": whole.file_format,
        "dialect": whole.stored_dialect
        | {"parts": [part.to_json() for part in parts], "date_orders": _date_orders(report)},
        "names": list(table.names),
        "outputs": list(outputs),
        "columns": _columns(report),
        "line_count": report.line_count,
        "evaluation_lines": counted.evaluation,
        "bad_line_count": report.bad_line_count,
        "bad_lines": [
            {"line": bad.line, "reason": bad.reason, "text": bad.text[:LONGEST_TEXT]}
            for bad in report.bad_lines[:KEPT_BAD_LINES]
        ],
        "first_rows": [[_shown(cell) for cell in row] for row in first_rows(table)],
    }


def _parts(whole: MachineTable, job: Message) -> tuple[Part, ...]:
    """What is inside JSON columns: as the machine knows it already, else as the first lines show it."""
    known = job.get("parts")
    return find_parts(whole, job.get("types")) if known is None else parts_from_json(known)


def _guessable(table: TableSource) -> list[str]:
    """The columns that came as such: what is inside others, and what holds it, is rarely what one asks for."""
    inside = {name for part in parts_of(table) for name in (part.name, part.column)}
    return [name for name in table.names if name not in inside] or list(table.names)


def _date_orders(report: TableReport) -> dict[str, str]:
    """How the dates of each column that has some are read."""
    moments = (ColumnType.DATE, ColumnType.DATETIME)
    return {name: column.date_order for name, column in report.columns.items() if column.type in moments}


def _columns(report: TableReport) -> dict[str, Any]:
    return {
        name: {
            "type": str(column.type),
            "reason": column.reason,
            "statistics": _short(column.statistics),
            "errors": column.errors,
            "warnings": column.warnings,
        }
        for name, column in report.columns.items()
    }


def _short(value: object) -> object:
    """Values of a table can be pages long; a name for one need not be."""
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, dict):
        return {_short(name): _short(item) for name, item in value.items()}
    return value


def _shown(cell: object) -> object:
    if cell is None or isinstance(cell, (bool, int, float)):
        return cell
    return str(cell)[:LONGEST_TEXT]


def _bound_memory() -> None:
    """What a file may unpack to is bounded by the memory there is, before others on this machine go without."""
    most = max(LEAST_MEMORY, min(MOST_MEMORY, ram_bytes() // 2))
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _read_within_bounds(job: Message, say: Callable[..., None]) -> Message:
    _bound_memory()
    try:
        return read(job, say)
    except MemoryError:
        sentence = "The file unpacks to more than fits the memory there is for it: send a part of it."
        raise LearningError(sentence, field="file") from None


if __name__ == "__main__":
    serve(_read_within_bounds)
