"""Solves the lines of a table into a file, batch by batch: what `titan ml solve` and batch work write."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.learning.answer_formats import EXACT_WRITERS, WRITERS
from ml.learning.encoding.remarks import Remarks
from ml.learning.errors import LearningError
from ml.learning.solver import SolvedColumns, Solver
from ml.learning.tables.batch import BadLine, Cell, TableSource
from ml.learning.tables.inside import taken_apart

KEPT_WARNINGS = 20
# Where there are two cores, two networks at once leave none idle while Python reads, encodes and writes on one of them.
AT_ONCE = min(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
AHEAD = 1 + AT_ONCE
_KINDS = {".parquet": "parquet", ".arrow": "arrow"}


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
    kind: str = "",
    exact: bool = False,
    on_lines: Callable[[int], None] = lambda lines: None,
    on_columns: Callable[[Mapping[str, Sequence[Cell]]], None] = lambda columns: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> FileSolved:
    """Write an answer for each readable line of `table` to `out`, in order, as `kind` says: csv, parquet or arrow;
    by its name where nothing is said, and CSV for any other name. In a CSV file labels that a spreadsheet would run
    are disarmed, unless it has to be `exact`.

    Columns: prediction, then `p_<label>` for each label, or low and high of a number; with several outputs each
    carries its output's name. `out` is complete or not there at all. Unreadable lines are counted and named.
    """
    solved = FileSolved()
    table = taken_apart(table, solver.encoder.parts)
    writer = (EXACT_WRITERS if exact else WRITERS)[kind or _KINDS.get(out.suffix, "csv")]
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        with writer(unfinished) as write, ThreadPoolExecutor(AT_ONCE) as others:
            for asked in _ahead(_asked(solver, table, others, solved, on_columns)):
                if should_stop():
                    raise LearningError("Solving was cancelled; nothing was written.")
                found = solver.read_answers(asked.answers.result(), asked.remarks)
                write(answer_columns(found))
                _note(solved, found, asked.lines)
                on_lines(solved.lines)
        if not solved.lines:
            raise LearningError("Not one line of the file could be read, so there is nothing to answer.")
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return solved


@dataclass(frozen=True, slots=True)
class _Asked:
    """A batch that the network is busy with, or done."""

    lines: Sequence[int | str]
    answers: Future[NDArray[np.float32]]
    remarks: Remarks


def _asked(
    solver: Solver,
    table: TableSource,
    others: ThreadPoolExecutor,
    solved: FileSolved,
    on_columns: Callable[[Mapping[str, Sequence[Cell]]], None],
) -> Iterator[_Asked]:
    """Each batch encoded here and given to the network there: its products let this thread go on with the next."""
    own = {sign: solver.reading(sign) for sign in ("", ".", ",")}
    for batch in table.batches():
        _note_bad(solved, batch.bad)
        if batch.lines:
            columns = dict(zip(table.names, batch.columns, strict=True))
            on_columns(columns)
            x, remarks = own[table.sure_decimal].encoder.batch(columns, len(batch.lines))
            yield _Asked(batch.lines, others.submit(solver.answers, x), remarks)


def _ahead(asked: Iterator[_Asked]) -> Iterator[_Asked]:
    """The same, each given out when the next few have been asked for too."""
    waiting: deque[_Asked] = deque()
    for one in asked:
        waiting.append(one)
        if len(waiting) > AHEAD:
            yield waiting.popleft()
    yield from waiting


def answer_columns(found: SolvedColumns) -> dict[str, NDArray[Any]]:
    """The columns of an answer file, named as the file names them.

    An output `a` with a label `b_c` and an output `a_b` with a label `c` want the same name: the later gets a number.
    """
    columns: dict[str, NDArray[Any]] = {}
    for output, values in found.values.items():
        suffix = "" if len(found.values) == 1 else f"_{output}"
        columns[f"prediction{suffix}"] = values
        for label, p in found.probabilities.get(output, {}).items():
            # The network's own precision: more digits would be noise that has to be written.
            columns[_free(f"p{suffix}_{label}", columns)] = p.astype(np.float32)
        if output in found.low:
            columns[f"low{suffix}"], columns[f"high{suffix}"] = found.low[output], found.high[output]
    return columns


def _free(name: str, taken: Collection[str]) -> str:
    candidates = chain((name,), (f"{name}_{number}" for number in count(2)))
    return next(candidate for candidate in candidates if candidate not in taken)


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
