"""How good the levels are beside other libraries: every table of a folder, on the same held-out lines, CPU seconds.

Machines are trained through `titan ml train`; peers run in an environment of their own (made on first use from
requirements/peers.txt), one thread each. Every single result is kept in --work, so that a run that was ended goes on
where it was. --page writes the tables as Markdown.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import quality_leads
from ml_cost import ONE_THREAD, kept_costs, told
from numpy.typing import NDArray
from quality_leads import Held, Measures, held_by
from quality_page import page_of

from ml.learning import scores
from ml.learning.encoding.outputs import NumberOutput
from ml.learning.solver import Solver
from ml.learning.split import is_for_evaluation

HERE = Path(__file__).parent
TREE = HERE.parents[1]
PEERS = ("lightgbm", "lightgbm tuned", "hist gradient boosting", "flaml", "autogluon")


@dataclass(frozen=True)
class Result:
    """What one model did on one table with one seed; `calibration` is the expected calibration error, `by_chance` what
    so many lines show of it anyway, `row` the CPU milliseconds of solving one row."""

    table: str
    lines: int
    seed: int
    model: str
    score: str
    value: float
    seconds: float
    calibration: float | None = None
    interval_held: float | None = None
    row: float | None = None
    megabytes: float | None = None
    by_chance: float | None = None


@dataclass(frozen=True)
class Bench:
    """Where things are and how much the peers may take."""

    target: str
    work: Path
    peers_python: Path
    flaml_seconds: float
    autogluon_seconds: float

    def result(self, path: Path, seed: int, model: str) -> Result:
        """The kept one, or a new one, which is kept."""
        kept = self.place(path, seed, model)
        if kept.is_file():
            return Result(**json.loads(kept.read_text()))
        kept.parent.mkdir(parents=True, exist_ok=True)
        found = self._level(path, seed, model) if model.startswith("level ") else self._peer(path, seed, model)
        kept.write_text(json.dumps(asdict(found)))
        return found

    def place(self, path: Path, seed: int, model: str) -> Path:
        return self.work / f"{path.stem}-{seed}-{model.replace(' ', '_')}.json"

    def answers_of(self, path: Path, seed: int, model: str) -> Path:
        return self.place(path, seed, model).with_suffix(".npz")

    def measures(self, results: Sequence[Result]) -> dict[str, Measures]:
        """Of each table how good the levels' answers are, by level and seed, where they were kept."""
        found: dict[str, dict[str, dict[int, scores.Measure]]] = {}
        for one in results:
            kept = self.answers_of(Path(one.table), one.seed, one.model)
            if kept.is_file():
                found.setdefault(one.table, {}).setdefault(one.model, {})[one.seed] = Held.kept(kept).measure
        return found

    def _level(self, path: Path, seed: int, model: str) -> Result:
        """The card's figures on its held-out lines, which are the peers' held-out lines too."""
        with tempfile.TemporaryDirectory() as folder:
            train = ["-m", "ml.cli", "train", str(path), "--target", self.target, "--level", model.split()[1]]
            printed, seconds = run([sys.executable, *train, "--seed", str(seed), "--out", f"{folder}/model", "--json"])
            row = row_milliseconds(Path(folder) / "model", path)
            held = held_by(Path(folder) / "model", path, self.target, held_out_of(path, seed))
            held.keep(self.answers_of(path, seed, model))
            megabytes = sum(file.stat().st_size for file in (Path(folder) / "model").iterdir()) / 1e6
        detail = json.loads(printed)["card"]["metrics"]["outputs"][self.target]
        return Result(
            path.stem,
            pq.read_metadata(path).num_rows,
            seed,
            model,
            detail["score"]["name"],
            detail["score"]["value"],
            seconds,
            detail.get("calibration", {}).get("expected_calibration_error"),
            detail.get("residuals", {}).get("interval_held"),
            row,
            megabytes,
            detail.get("calibration", {}).get("by_chance", {}).get("mean"),
        )

    def _peer(self, path: Path, seed: int, model: str) -> Result:
        held_out = held_out_of(path, seed)
        budget = self.autogluon_seconds if model == "autogluon" else self.flaml_seconds
        with tempfile.TemporaryDirectory() as folder:
            np.save(f"{folder}/held.npy", held_out)
            asked = [model, str(path.resolve()), self.target, f"{folder}/held.npy", str(seed), str(budget)]
            script = str(HERE / "quality_peers.py")
            _, seconds = run([str(self.peers_python), script, *asked, f"{folder}/answers.npy"])
            answers = np.load(f"{folder}/answers.npy")
        column = pq.read_table(path, columns=[self.target])[self.target]
        return Result(path.stem, len(held_out), seed, model, seconds=seconds, **judged(column, held_out, answers))


def run(command: list[str]) -> tuple[str, float]:
    """(what it printed, its CPU seconds); one thread."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **ONE_THREAD}, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode:
        raise SystemExit(f"{' '.join(command[:6])} … failed:\n{ended.stderr[-2000:]}")
    return ended.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def held_out_of(path: Path, seed: int) -> NDArray[np.bool_]:
    """Which lines of the table nobody learns from."""
    lines = pq.read_metadata(path).num_rows
    return np.array([is_for_evaluation(seed, line) for line in range(1, lines + 1)])


def row_milliseconds(model: Path, table: Path) -> float:
    """CPU milliseconds of one row solved alone, the middle of many."""
    solver = Solver.load(model)
    rows = pq.read_table(table).slice(0, 300).to_pylist()
    taken = []
    for row in rows:
        started = time.process_time()
        solver.solve([row])
        taken.append(time.process_time() - started)
    return float(np.median(taken[20:])) * 1000


def judged(column: pa.ChunkedArray, held_out: NDArray[np.bool_], answers: NDArray[Any]) -> dict[str, Any]:
    """Score, value and calibration of answers to the held-out lines."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        true = column.cast(pa.float64()).to_numpy()
        learnt = true[~held_out]
        # As TITAN answers: never beyond what was learnt from.
        held = NumberOutput("", 0.0, 1.0, learnt.min(), learnt.max()).value(answers)
        found = scores.number_measure(held, true[held_out]).score
        return {"score": found.name, "value": found.value}
    codes = np.unique(column.to_pylist(), return_inverse=True)[1][held_out]
    found, sure = scores.label_measure(answers, codes).score, scores.calibration(answers, codes)
    said = {"calibration": sure["expected_calibration_error"], "by_chance": sure["by_chance"]["mean"]}
    return {"score": found.name, "value": found.value, **said}


def main() -> int:
    asked = arguments()
    tables = sorted(asked.folder.glob("*.parquet"), key=lambda path: path.stat().st_size)
    tables = [path for path in tables if asked.tables is None or path.stem in asked.tables.split(",")]
    if not tables:
        print(f"{asked.folder} holds no such *.parquet table.", file=sys.stderr)
        return 2
    models = [f"level {level}" for level in asked.levels.split(",") if level]
    models += [peer for peer in PEERS if peer in asked.peers.split(",")]
    python = asked.peers_python or peers_python(not asked.only_kept and any(model in PEERS for model in models))
    bench = Bench(asked.target, asked.work, python, asked.flaml_seconds, asked.autogluon_seconds)
    results = []
    for path, seed, model in itertools.product(tables, range(asked.seeds), models):
        if not asked.only_kept or bench.place(path, seed, model).is_file():
            results.append(bench.result(path, seed, model))
            print(line_of(results[-1]), flush=True)
    costs = kept_costs(asked.work)
    leads = quality_leads.told(bench.measures(results))
    growth = told(costs) if costs else ()
    page = page_of([asdict(result) for result in results], models, asked, leads=leads, growth=growth)
    if asked.page:
        asked.page.write_text(page)
    print("\n" + page)
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of *.parquet tables")
    parser.add_argument("--target", default="target", help="the column to predict, in each of them")
    parser.add_argument("--levels", default="1,2,3,4,5")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"of {', '.join(PEERS)}; empty for none")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds are averaged")
    parser.add_argument("--tables", help="only these, by name, parted by commas")
    parser.add_argument("--flaml-seconds", type=float, default=60.0, help="CPU seconds FLAML may take")
    parser.add_argument("--autogluon-seconds", type=float, default=600.0, help="CPU seconds, 300 s on two cores")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "titan-quality")
    parser.add_argument("--peers-python", type=Path, help="Python of an environment that has the peers")
    parser.add_argument("--only-kept", action="store_true", help="measure nothing, tell what --work holds")
    parser.add_argument("--page", type=Path, help="Markdown file for the tables")
    return parser.parse_args()


def peers_python(is_needed: bool) -> Path:
    """The environment the peers have to themselves, made or completed where it is needed."""
    place = TREE / ".venv-peers"
    python = place / "bin/python"
    if is_needed:
        print(f"installing the peers into {place}, as far as they are not there", flush=True)
        uv = [sys.executable, "-m", "uv"]
        if not python.exists():
            subprocess.run([*uv, "venv", "--quiet", str(place)], check=True)
        lock = TREE / "requirements/peers.txt"
        options = ("--quiet", "--require-hashes", "--only-binary", ":all:", "--python", str(python))
        subprocess.run([*uv, "pip", "install", *options, "--requirements", str(lock)], check=True)
    return python


def line_of(result: Result) -> str:
    return (
        f"{result.table:<18}{result.lines:>8}  seed {result.seed}  {result.model:<24}"
        f"{result.score:<8}{result.value:>10.5g}{result.seconds:>8.1f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
