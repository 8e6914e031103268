"""Trains one peer on one table in the peers' own environment: parquet in, answers to the held-out lines out.

Knows nothing of TITAN, so that it runs where only the peers are installed:
quality_peers.py PEER TABLE TARGET HELD_OUT.npy SEED SECONDS ANSWERS.npy
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Table = pd.DataFrame
Fit = Callable[[Table, Any, Table, bool, int, float], Any]


def lightgbm(x: Table, y: Any, held: Table, is_label: bool, seed: int, seconds: float) -> Any:
    """LightGBM as it comes."""
    del seconds
    import lightgbm

    kind = lightgbm.LGBMClassifier if is_label else lightgbm.LGBMRegressor
    return _answers(kind(verbose=-1, n_jobs=1, random_state=seed).fit(x, y), held, is_label)


def lightgbm_tuned(x: Table, y: Any, held: Table, is_label: bool, seed: int, seconds: float) -> Any:
    """LightGBM with the usual better settings, its number of trees found on a fifth of the learning lines."""
    del seconds
    import lightgbm
    from sklearn.model_selection import train_test_split

    kind = lightgbm.LGBMClassifier if is_label else lightgbm.LGBMRegressor
    learn, watch = train_test_split(
        np.arange(len(x)), test_size=0.2, random_state=seed, stratify=y if is_label else None
    )
    settings: dict[str, Any] = {
        **{"learning_rate": 0.03, "subsample": 0.8, "subsample_freq": 1, "colsample_bytree": 0.7},
        **{"min_child_samples": 20, "reg_lambda": 1.0, "verbose": -1, "n_jobs": 1, "random_state": seed},
    }
    trial = kind(n_estimators=3000, **settings)
    stop = lightgbm.early_stopping(50, verbose=False)
    trial.fit(x.iloc[learn], y[learn], eval_set=[(x.iloc[watch], y[watch])], callbacks=[stop])
    final = kind(n_estimators=max(1, round(trial.best_iteration_ * 1.2)), **settings)
    return _answers(final.fit(x, y), held, is_label)


def hist_gradient_boosting(x: Table, y: Any, held: Table, is_label: bool, seed: int, seconds: float) -> Any:
    """scikit-learn's boosting as it comes; it takes at most 255 categories, more are given as their codes."""
    del seconds
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    x, held = x.copy(), held.copy()
    for name in x.select_dtypes("category"):
        if len(x[name].cat.categories) > 255:
            x[name], held[name] = x[name].cat.codes.astype(float), held[name].cat.codes.astype(float)
    kind = HistGradientBoostingClassifier if is_label else HistGradientBoostingRegressor
    model = kind(categorical_features="from_dtype", random_state=seed)
    return _answers(model.fit(x, y), held, is_label)


def flaml(x: Table, y: Any, held: Table, is_label: bool, seed: int, seconds: float) -> Any:
    """FLAML for so many seconds of one core."""
    _count_cpu_seconds()
    from flaml import AutoML

    model = AutoML()
    task = "classification" if is_label else "regression"
    model.fit(x, y, task=task, time_budget=seconds, seed=seed, n_jobs=1, verbose=0)
    return _answers(model, held, is_label)


def autogluon(x: Table, y: Any, held: Table, is_label: bool, seed: int, seconds: float) -> Any:
    """AutoGluon's best preset with the models it has installed, for so many seconds of one core."""
    del seed
    _count_cpu_seconds()
    os.environ["RAY_DISABLE"] = "1"
    from autogluon.tabular import TabularPredictor

    learn = x.assign(**{"answer to find": y})
    problem = ("binary" if len(np.unique(y)) == 2 else "multiclass") if is_label else "regression"
    metric = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "root_mean_squared_error"}[problem]
    model = TabularPredictor("answer to find", problem_type=problem, eval_metric=metric, path="models", verbosity=1)
    model.fit(learn, presets="best_quality", time_limit=seconds, num_cpus=1, num_gpus=0,
              ag_args_ensemble={"fold_fitting_strategy": "sequential_local"}, dynamic_stacking=False)  # fmt: skip
    return model.predict_proba(held)[sorted(np.unique(y))].to_numpy() if is_label else model.predict(held).to_numpy()


PEERS: dict[str, Fit] = {
    "lightgbm": lightgbm,
    "lightgbm tuned": lightgbm_tuned,
    "hist gradient boosting": hist_gradient_boosting,
    "flaml": flaml,
    "autogluon": autogluon,
}


def _answers(model: Any, held: Table, is_label: bool) -> Any:
    return model.predict_proba(held) if is_label else model.predict(held)


def _count_cpu_seconds() -> None:
    """Budgets are kept by time.time(): it counts this process's CPU seconds, so that a busy machine takes nothing."""
    began = time.time()
    time.time = time.perf_counter = time.monotonic = lambda: began + time.process_time()  # type: ignore[assignment]


def table_of(path: Path, target: str) -> tuple[Table, Any, bool]:
    """(inputs, output, is it a label): texts as categories, moments as seconds, as these libraries take them."""
    table = pd.read_parquet(path)
    y = table.pop(target)
    is_label = not pd.api.types.is_numeric_dtype(y)
    for name in table:
        if pd.api.types.is_datetime64_any_dtype(table[name]):
            table[name] = table[name].astype("int64") / 1e9
        elif not pd.api.types.is_numeric_dtype(table[name]):
            table[name] = table[name].astype("category")
    return table, np.unique(y, return_inverse=True)[1] if is_label else y.to_numpy(), is_label


def main() -> int:
    peer, path, target, held_out, seed, seconds, answers = sys.argv[1:]
    x, y, is_label = table_of(Path(path), target)
    held = np.load(held_out)
    started = time.process_time()
    warnings.simplefilter("ignore")
    place = Path(answers).resolve()
    with tempfile.TemporaryDirectory() as scratch:  # some leave folders of their own where they run
        os.chdir(scratch)
        learn = x[~held].reset_index(drop=True)
        found = PEERS[peer](learn, y[~held], x[held].reset_index(drop=True), is_label, int(seed), float(seconds))
    np.save(place, np.asarray(found, dtype=np.float64))
    print(json.dumps({"seconds": time.process_time() - started}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
