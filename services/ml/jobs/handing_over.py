"""Makes ready what was bought, in a process of its own: every file proved whole, and the lines written as one CSV."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, time
from pathlib import Path
from time import monotonic

from ml.jobs.protocol import Message, clean_text, serve
from ml.learning.errors import LearningError
from ml.learning.split import is_for_evaluation
from ml.learning.tables.batch import Cell
from ml.rules.formulas import harmless
from ml.store import digest_of
from ml.tables import MachineTable, Stretch

SAY_EVERY = 0.25
CHUNK = 1 << 20


class _Progress:
    """Says how far it is, not too often."""

    def __init__(self, say: Callable[..., None], whole: int) -> None:
        self._say, self._whole, self._done, self._last = say, max(1, whole), 0, 0.0

    def add(self, stage: str, amount: int) -> None:
        self._done += amount
        if monotonic() - self._last >= SAY_EVERY:
            self._last = monotonic()
            self._say(progress={"stage": stage, "percent": min(99.0, 99 * self._done / self._whole)})


def run(job: Message, say: Callable[..., None]) -> Message:
    """Prove each file by its digest; then write the lines, or count what an update brings."""
    stretches = [Stretch(**stretch) for stretch in job["stretches"]]
    writes = bool(job["result"])
    whole = sum(job["sizes"]) + (job["lines"] if writes else 0)
    progress = _Progress(say, whole)
    for stretch, digest in zip(stretches, job["digests"], strict=True):
        _prove(stretch, digest, progress)
    if writes:
        return _write(MachineTable(stretches), Path(job["result"]), progress)
    return {"evaluation_lines": _for_evaluation(stretches, job["seed"]) if job["counts"] else 0}


def _prove(stretch: Stretch, digest: str, progress: _Progress) -> None:
    found = hashlib.sha256()
    try:
        with open(stretch.path, "rb") as file:
            while chunk := file.read(CHUNK):
                found.update(chunk)
                progress.add("checking", len(chunk))
    except FileNotFoundError:
        raise LearningError(
            f"The lines of {stretch.name} are not in the store any more; nothing was charged."
        ) from None
    if found.hexdigest() != digest:
        raise LearningError(f"The lines of {stretch.name} are damaged in the store.")


def _write(table: MachineTable, result: Path, progress: _Progress) -> Message:
    result.parent.mkdir(parents=True, exist_ok=True)
    lines = 0
    with result.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([_cell(name) for name in table.names])
        for batch in table.batches():
            writer.writerows(_rows(batch.columns))
            lines += len(batch.lines)
            progress.add("writing", len(batch.lines))
    return {"lines": lines, "sha256": digest_of(result), "size": result.stat().st_size}


def _rows(columns: Sequence[Sequence[Cell]]) -> Iterator[list[object]]:
    for row in zip(*columns, strict=True):
        yield [_cell(value) for value in row]


def _cell(value: Cell) -> object:
    """A cell as it was, unless a spreadsheet would run it as a formula: then an apostrophe disarms it."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (date, time)):
        return value.isoformat()
    return harmless(clean_text(str(value)))


def _for_evaluation(stretches: Sequence[Stretch], seed: int) -> int:
    """How many of the lines the copy keeps aside, under the places they will have there."""
    # Read as a table of their own they would be numbered as the first stretch; in the copy they come later.
    count = 0
    for stretch in stretches:
        for batch in stretch.open().batches():
            count += sum(is_for_evaluation(seed, f"{stretch.sequence}:{line}") for line in batch.lines)
    return count


if __name__ == "__main__":
    serve(run)
