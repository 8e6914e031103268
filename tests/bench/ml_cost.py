"""What a training costs as tables grow: CPU seconds, peak memory, and the exponent of the lines.

Makes tables up (numbers, labels of few and of many kinds, a day; some values missing), writes them as Parquet part by
part and trains on them through `titan ml train`, one thread each. A training at level 1 is measured with its programs
compiled before, as the second one on any machine finds them. Every figure is kept in --work: a run that was ended goes
on where it was, and ml_quality.py shows them on its page.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PART = 50_000
DAY_ZERO = date(2023, 1, 1)
# JAX's too: two of them are quicker, but their waiting for each other counts as CPU.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"), "1")


@dataclass(frozen=True, order=True)
class Size:
    """A training: how many lines of how many columns at which level."""

    level: int
    lines: int
    columns: int

    @classmethod
    def of(cls, text: str) -> Size:
        """`3:40000x15` is level 3 on 40,000 lines of 15 columns."""
        level, _, shape = text.partition(":")
        lines, _, columns = shape.partition("x")
        return cls(int(level), int(lines), int(columns))

    @property
    def name(self) -> str:
        return f"cost-{self.level}-{self.lines}x{self.columns}.json"


GROWING = tuple(Size(1, lines, 15) for lines in (10_000, 20_000, 40_000, 80_000, 160_000))
USUAL = (*GROWING, Size(3, 40_000, 15), Size(1, 2_000_000, 30))


@dataclass(frozen=True)
class Cost:
    """What one training took; `stages` are wall-clock seconds of its parts, as its card tells them."""

    level: int
    lines: int
    columns: int
    seconds: float
    gibibytes: float
    learnt_from: int
    stages: dict[str, float]


def write_table(path: Path, lines: int, columns: int) -> None:
    """`columns` inputs and the column `target`, whose chance of being `yes` some of them decide."""
    rng = np.random.default_rng(0)
    sizes = [min(PART, lines - start) for start in range(0, lines, PART)]
    first = _part(rng, sizes[0], columns)
    with pq.ParquetWriter(path, first.schema) as file:
        file.write_table(first)
        for size in sizes[1:]:
            file.write_table(_part(rng, size, columns))


def _part(rng: np.random.Generator, lines: int, columns: int) -> pa.Table:
    found: dict[str, pa.Array] = {}
    pull = np.zeros(lines)
    for i in range(columns):
        values, effect = _column(rng, i, lines)
        found[f"column {i}"] = pa.array(values, mask=rng.random(lines) < 0.03 if i % 3 else None)
        pull += effect
    found["target"] = pa.array(np.where(rng.random(lines) < 1 / (1 + np.exp(-pull)), "yes", "no"))
    return pa.table(found)


def _column(rng: np.random.Generator, i: int, lines: int) -> tuple[Any, Any]:
    """(values, what they add to the pull): of eight columns five are numbers, two labels and one a day."""
    kind = i % 8
    if kind < 5:
        values = rng.normal(size=lines) if kind % 2 else np.round(rng.gamma(2.0, 10.0, lines), 1)
        return values, np.sin(values * (1 + i % 3)) if i < 8 else np.zeros(lines)
    if kind == 7:
        days = rng.integers(0, 700, lines)
        return np.array(DAY_ZERO, dtype="datetime64[D]") + days, 0.5 * np.sin(days / 50)
    codes = rng.integers(0, 6 if kind == 5 else 400, lines)
    return np.array([f"kind{code}" for code in range(400)])[codes], 0.8 * np.cos(codes * 1.7)


def measured(size: Size, work: Path) -> Cost:
    """The kept figure, or a new one, which is kept."""
    kept = work / size.name
    if kept.is_file():
        return Cost(**json.loads(kept.read_text()))
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.parquet"
        write_table(table, size.lines, size.columns)
        if size.level == 1 and size.lines <= max(known.lines for known in GROWING):
            _train(table, size.level, Path(folder) / "warming")
        seconds, gibibytes, card = _train(table, size.level, Path(folder) / "model")
    data = card["data"]
    cost = Cost(**asdict(size), seconds=seconds, gibibytes=gibibytes,
                learnt_from=data["learning_lines"] + data["evaluation_lines"], stages=card["seconds"])  # fmt: skip
    work.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(asdict(cost)))
    return cost


def _train(table: Path, level: int, out: Path) -> tuple[float, float, dict[str, Any]]:
    """(CPU seconds, peak GiB, card) of one training in a process of its own."""
    command = [sys.executable, "-m", "ml.cli", "train", str(table), "--target", "target", "--level", str(level)]
    own = {**os.environ, **ONE_THREAD}
    with tempfile.TemporaryFile() as told:
        child = subprocess.Popen([*command, "--out", str(out), "--json"], stdout=told, env=own)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{' '.join(command)} failed.")
        told.seek(0)
        card = json.loads(told.read())["card"]
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20, card


def exponent(costs: Iterable[Cost]) -> float | None:
    """The slope of CPU seconds over lines, both as logarithms: 1 is in proportion, below 1 is cheaper than that."""
    own = list(costs)
    if len({cost.lines for cost in own}) < 2:
        return None
    return float(np.polyfit(np.log([cost.lines for cost in own]), np.log([cost.seconds for cost in own]), 1)[0])


def kept_costs(work: Path) -> list[Cost]:
    """All figures there are, by level and lines."""
    found = [Cost(**json.loads(path.read_text())) for path in work.glob("cost-*.json")]
    return sorted(found, key=lambda cost: (cost.level, cost.columns, cost.lines))


def told(costs: list[Cost]) -> list[str]:
    """Markdown: a row for each training, then how the seconds of each level grow."""
    rows = ["| level | lines | columns | learnt from | CPU seconds | peak memory |", "| --- " * 6 + "|"]
    rows += [
        f"| {c.level} | {c.lines:,} | {c.columns} | {c.learnt_from:,} | {c.seconds:.1f} | {c.gibibytes:.2f} GiB |"
        for c in costs
    ]
    for level, columns in sorted({(c.level, c.columns) for c in costs}):
        same = [c for c in costs if (c.level, c.columns) == (level, columns)]
        if (grows := exponent(same)) is not None:
            span = f"{same[0].lines:,} to {same[-1].lines:,} lines of {columns} columns"
            rows += ["", f"Level {level}, {span}: CPU seconds grow with the lines to the power of {grows:.2f}."]
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=Size.of, help="LEVEL:LINESxCOLUMNS, the usual ones when none is given")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "titan-quality")
    asked = parser.parse_args()
    for size in asked.sizes or USUAL:
        cost = measured(size, asked.work)
        print(f"level {size.level}, {size.lines:,} x {size.columns}: {cost.seconds:.1f} CPU s, "
              f"{cost.gibibytes:.2f} GiB, {cost.stages}", flush=True)  # fmt: skip
    print("\n" + "\n".join(told(kept_costs(asked.work))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
