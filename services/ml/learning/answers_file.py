"""Solves the lines of a table into a file, batch by batch: what `titan ml solve` and batch work write."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from ml.learning.errors import LearningError
from ml.learning.solver import SolvedColumns, Solver
from ml.learning.tables.batch import BadLine, TableSource
from ml.learning.tables.inside import taken_apart
from ml.rules.formulas import harmless

KEPT_WARNINGS = 20


@dataclass(slots=True)
class FileSolved:
    """How many lines were answered, and what was odd about them."""

    lines: int = 0
    lines_with_warnings: int = 0
    warnings: list[str] = field(default_factory=list)
    bad_line_count: int = 0
    bad_lines: list[BadLine] = field(default_factory=list)


def solve_file(
    solver: Solver,
    table: TableSource,
    out: Path,
    *,
    on_lines: Callable[[int], None] = lambda lines: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> FileSolved:
    """Write an answer for each readable line of `table` to `out` (Parquet by its name, else CSV), in order.

    Columns: prediction, then `p_<label>` for each label, or low and high of a number; with several outputs each
    carries its output's name. `out` is complete or not there at all. Unreadable lines are counted and named.
    """
    solved = FileSolved()
    table = taken_apart(table, solver.encoder.parts)
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        with _writer(unfinished, is_parquet=out.suffix == ".parquet") as write:
            for batch in table.batches():
                if should_stop():
                    raise LearningError("Solving was cancelled; nothing was written.")
                lines = len(batch.lines)
                _note_bad(solved, batch.bad)
                if lines:
                    found = solver.solve_columns(dict(zip(table.names, batch.columns, strict=True)), lines)
                    write(answer_columns(found))
                    _note(solved, found, batch.lines)
                on_lines(solved.lines)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return solved


def answer_columns(found: SolvedColumns) -> dict[str, NDArray[Any]]:
    """The columns of an answer file, named as the file names them."""
    columns: dict[str, NDArray[Any]] = {}
    for output, values in found.values.items():
        suffix = "" if len(found.values) == 1 else f"_{output}"
        columns[f"prediction{suffix}"] = values
        for label, p in found.probabilities.get(output, {}).items():
            columns[f"p{suffix}_{label}"] = p
        if output in found.low:
            columns[f"low{suffix}"], columns[f"high{suffix}"] = found.low[output], found.high[output]
    return columns


def _note_bad(solved: FileSolved, bad: Any) -> None:
    solved.bad_line_count += len(bad)
    solved.bad_lines += bad[: KEPT_WARNINGS - len(solved.bad_lines)]


def _note(solved: FileSolved, found: SolvedColumns, lines: Any) -> None:
    if not solved.lines:
        solved.warnings += found.remarks.for_all
    solved.lines += len(lines)
    solved.lines_with_warnings += found.remarks.row_count
    for row, sentences in found.remarks.rows():
        if len(solved.warnings) >= KEPT_WARNINGS:
            return
        solved.warnings += [f"line {lines[row]}: {sentence}" for sentence in sentences]


class _Write(Protocol):
    def __call__(self, columns: dict[str, NDArray[Any]]) -> None: ...


@contextmanager
def _writer(path: Path, *, is_parquet: bool) -> Iterator[_Write]:
    with (_parquet if is_parquet else _csv)(path) as write:
        yield write


@contextmanager
def _csv(path: Path) -> Iterator[_Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        has_header = False

        def write(columns: dict[str, NDArray[Any]]) -> None:
            nonlocal has_header
            if not has_header:
                writer.writerow([harmless(name) for name in columns])
                has_header = True
            ready = [
                [harmless(value) for value in column] if column.dtype == object else column.tolist()
                for column in columns.values()
            ]
            writer.writerows(zip(*ready, strict=True))

        yield write


@contextmanager
def _parquet(path: Path) -> Iterator[_Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer: pq.ParquetWriter | None = None

    def write(columns: dict[str, NDArray[Any]]) -> None:
        nonlocal writer
        part = pa.table({name: pa.array(column) for name, column in columns.items()})
        if writer is None:
            writer = pq.ParquetWriter(path, part.schema)
        writer.write_table(part)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()
