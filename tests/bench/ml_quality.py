"""How good the levels are: each table of a folder, beside constant, linear and LightGBM on the same held-out lines."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ml.learning import scores
from ml.learning.learn import train
from ml.learning.plan import TrainingPlan
from ml.learning.split import is_for_evaluation
from ml.learning.tables import open_table

TARGET = "target"
Fit = Callable[["Numbers", Any, Any, bool], Any]


@dataclass
class Line:
    """One table of the answer: the mean score of each model over the seeds, and its mean CPU seconds."""

    table: str
    lines: int
    score: str
    values: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def better(self, a: str, b: str) -> bool:
        return self.values[a] > self.values[b] if self.score == "auc" else self.values[a] < self.values[b]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help=f"folder of *.parquet tables with a column {TARGET!r}")
    parser.add_argument("--levels", default="1,2,3")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds are averaged")
    parser.add_argument("--tables", help="only these, by name, parted by commas")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    asked = parser.parse_args()
    if asked.folder is None or not asked.folder.is_dir():
        print("Name a folder of Parquet tables to measure on: ml_quality.py FOLDER", file=sys.stderr)
        return 2
    tables = sorted(asked.folder.glob("*.parquet"), key=lambda path: path.stat().st_size)
    if asked.tables:
        tables = [path for path in tables if path.stem in asked.tables.split(",")]
    if not tables:
        print(f"{asked.folder} holds no such *.parquet table.", file=sys.stderr)
        return 2
    levels = [int(level) for level in asked.levels.split(",")]
    found = []
    for path in tables:
        found.append(measure(path, levels, asked.seeds))
        print(row_of(found[-1], levels), flush=True)
    print("\n" + as_table(found, levels))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(line) for line in found], indent=1))
    return 0 if all(holds(line, levels) for line in found) else 1


def measure(path: Path, levels: list[int], seeds: int) -> Line:
    table = pq.read_table(path)
    runs: list[tuple[dict[str, float], dict[str, float]]] = []
    for seed in range(seeds):
        values: dict[str, float] = {}
        seconds: dict[str, float] = {}
        for level in levels:
            values, seconds, card = train_level(path, level, seed, values, seconds)
        detail = card["metrics"]["outputs"][TARGET]
        for name in ("constant", "linear"):
            values[name] = detail["baselines"][name]["score"]["value"]
        for name, fit in (("classic", fit_classic), ("lightgbm", fit_lightgbm)):
            started = time.process_time()
            values[name] = judge(table, seed, detail, fit)
            seconds[name] = time.process_time() - started
        runs.append((values, seconds))
    line = Line(path.stem, table.num_rows, detail["score"]["name"])
    line.values = {name: float(np.mean([values[name] for values, _ in runs])) for name in runs[0][0]}
    line.seconds = {name: float(np.mean([seconds[name] for _, seconds in runs])) for name in runs[0][1]}
    return line


def train_level(
    path: Path, level: int, seed: int, values: dict[str, float], seconds: dict[str, float]
) -> tuple[dict[str, float], dict[str, float], dict[str, Any]]:
    cache = Path(tempfile.gettempdir()) / "titan-bench-compiled"
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        plan = TrainingPlan((TARGET,), level=level, seed=seed)
        card = train(open_table(path), plan, Path(folder) / "model", cache=cache).card
        seconds = {**seconds, f"level {level}": time.process_time() - started}
    return {**values, f"level {level}": card["metrics"]["outputs"][TARGET]["score"]["value"]}, seconds, card


@dataclass(frozen=True)
class Numbers:
    """A table as other libraries take it: numbers, and labels as codes (NaN is missing in both)."""

    x: NDArray[np.float64]
    label_columns: list[int]
    number_columns: list[int]


def numbers_of(table: pa.Table) -> Numbers:
    columns, labels = [], []
    for i, name in enumerate(name for name in table.column_names if name != TARGET):
        column = table[name].combine_chunks()
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.int64())
        elif not pa.types.is_integer(column.type) and not pa.types.is_floating(column.type):
            labels.append(i)
            column = column.dictionary_encode().indices
        columns.append(column.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False))
    return Numbers(np.stack(columns, axis=1), labels, [i for i in range(len(columns)) if i not in labels])


def judge(table: pa.Table, seed: int, detail: dict[str, Any], fit: Fit) -> float:
    """The score of another model on the lines that the split of this seed holds out."""
    held_out = np.array([is_for_evaluation(seed, line) for line in range(1, table.num_rows + 1)])
    numbers = numbers_of(table)
    if detail["kind"] == "label":
        _, codes = np.unique(table[TARGET].to_pylist(), return_inverse=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            p = fit(numbers, codes, held_out, True)
        return scores.label_score(p, codes[held_out]).value
    y = table[TARGET].cast(pa.float64()).to_numpy()
    return scores.number_score(fit(numbers, y, held_out, False), y[held_out]).value


def fit_lightgbm(numbers: Numbers, y: NDArray[Any], held_out: NDArray[np.bool_], is_label: bool) -> NDArray[Any]:
    import lightgbm

    kind = lightgbm.LGBMClassifier if is_label else lightgbm.LGBMRegressor
    model = kind(verbose=-1, n_jobs=1)
    model.fit(numbers.x[~held_out], y[~held_out], categorical_feature=numbers.label_columns)
    return answers(model, numbers.x[held_out], is_label)


def fit_classic(numbers: Numbers, y: NDArray[Any], held_out: NDArray[np.bool_], is_label: bool) -> NDArray[Any]:
    """What a person would write first: scaled numbers, one-hot labels, logistic regression or ridge."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    scale = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore", min_frequency=10)
    encode = make_column_transformer((scale, numbers.number_columns), (one_hot, numbers.label_columns))
    model = make_pipeline(encode, LogisticRegression(max_iter=1000) if is_label else Ridge())
    return answers(model.fit(numbers.x[~held_out], y[~held_out]), numbers.x[held_out], is_label)


def answers(model: Any, x: NDArray[np.float64], is_label: bool) -> NDArray[Any]:
    found: NDArray[Any] = model.predict_proba(x) if is_label else model.predict(x)
    return found


def holds(line: Line, levels: list[int]) -> bool:
    """Every level beats constant and linear wherever LightGBM does."""
    rivals = [name for name in ("constant", "linear", "classic") if line.better("lightgbm", name)]
    return all(line.better(f"level {level}", rival) for level in levels for rival in rivals)


def row_of(line: Line, levels: list[int]) -> str:
    names = ["constant", "linear", "classic", "lightgbm", *(f"level {level}" for level in levels)]
    values = "  ".join(f"{line.values[name]:>9.4g}" for name in names)
    seconds = "  ".join(f"{line.seconds[name]:>5.1f}" for name in names[3:])
    mark = "holds" if holds(line, levels) else "FAILS"
    return f"{line.table:<16}{line.lines:>7}  {line.score:<8}{values}   {seconds}  {mark}"


def as_table(found: list[Line], levels: list[int]) -> str:
    names = ["constant", "linear", "classic", "lightgbm", *(f"level {level}" for level in levels)]
    head = (
        f"{'table':<16}{'lines':>7}  {'score':<8}"
        + "  ".join(f"{name:>9}" for name in names)
        + "   CPU seconds (lightgbm, levels)"
    )
    notes = (
        "auc: higher is better; logloss, rmse: lower. linear: on our encoding; classic: scikit-learn's usual pipeline."
    )
    return "\n".join([head, *(row_of(line, levels) for line in found), notes])


if __name__ == "__main__":
    if "OMP_NUM_THREADS" not in os.environ:
        # One thread for everybody, or CPU seconds cannot be compared; libraries read this when they are loaded.
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "OMP_NUM_THREADS": "1"})
    sys.exit(main())
