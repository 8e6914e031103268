"""Solves a file of lines in a process of its own and leaves the answers in the file it was told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic

from ml.jobs.protocol import Message, serve
from ml.learning.answers_file import solve_file
from ml.learning.drift import counted
from ml.learning.errors import LearningError
from ml.learning.solver import Solver
from ml.learning.tables import Cell, taken_apart
from ml.rules.drift import add
from ml.store import digest_of
from ml.tables import MachineTable, Stretch

SAY_EVERY = 0.25
# Of each batch so many lines are counted for drift: an eighth tells as much as all.
LOOKED_AT = 512


def run(job: Message, say: Callable[..., None]) -> Message:
    """Answer every readable line in order; the result is there whole or not at all."""
    say(started=True)
    solver = Solver.load(Path(job["model"]))
    whole = MachineTable([Stretch(**stretch) for stretch in job["stretches"]])
    table = taken_apart(whole, solver.encoder.parts)
    for name in solver.encoder.input_columns:
        if name not in table.names:
            raise LearningError(f"The file lacks the column {name!r}, which the machine needs.", field=name)
    started, last = monotonic(), 0.0

    def hear(lines: int) -> None:
        nonlocal last
        if monotonic() - last < SAY_EVERY:
            return
        last = monotonic()
        seconds = last - started
        share = min(1.0, lines / max(1, job["lines"]))
        left = seconds * (1 - share) / share if share else None
        progress = {"stage": "solving", "percent": 99 * share, "seconds": seconds, "seconds_left": left}
        say(progress=progress | {"steps_per_second": lines / seconds if seconds else None})

    result = Path(job["result"])
    result.parent.mkdir(parents=True, exist_ok=True)
    drift: dict[str, list[int]] = {}

    def look(columns: Mapping[str, Sequence[Cell]]) -> None:
        some = {name: columns[name][:LOOKED_AT] for name in solver.learnt_shares if name in columns}
        add(drift, counted(solver.learnt_shares, some, decimal=whole.sure_decimal))

    solved = solve_file(solver, table, result, kind=job["answers"], on_lines=hear, on_columns=look)
    return {
        "lines": solved.lines,
        "sha256": digest_of(result),
        "drift": drift,
        "warnings": [*_about_bad(solved.bad_line_count), *solved.warnings],
    }


def _about_bad(count: int) -> list[str]:
    return [f"{count} lines could not be read and have no answer."] if count else []


if __name__ == "__main__":
    serve(run)
