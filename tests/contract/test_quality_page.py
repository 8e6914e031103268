"""The quality page tells every result: scores, ranks, duels, and what it cost."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

from quality_page import page_of

ASKED = argparse.Namespace(flaml_seconds=60.0, autogluon_seconds=600.0)


def result(table: str, model: str, value: float, **more: Any) -> dict[str, Any]:
    plain = {"table": table, "lines": 100, "seed": 0, "model": model, "score": "auc", "value": value, "seconds": 1.0}
    return {**plain, "calibration": 0.02, "interval_held": None, "row": None, "megabytes": None, **more}


@pytest.fixture
def page() -> str:
    results = [
        result("a", "level 5", 0.9),
        result("a", "flaml", 0.8),
        result("a", "level 5", 0.7, seed=1),
        result("a", "flaml", 0.6, seed=1),
        result("b", "level 5", 3.0, score="rmse", calibration=None, interval_held=0.91, row=0.4),
        result("b", "flaml", 2.0, score="rmse", calibration=None),
    ]
    return page_of(results, ["level 5", "flaml"], ASKED)


def test_scores_are_means_of_the_seeds_and_the_best_stands_out(page: str) -> None:
    assert "| a | 100 | auc | **0.8** | 0.7 |" in page
    assert "| b | 100 | rmse | 3 | **2** |" in page


def test_ranks_and_duels_count_tables(page: str) -> None:
    assert "| mean rank (2 of 2 tables have all) |  |  | 1.50 | 1.50 |" in page
    assert "| level 5 |  | 1 of 2 |" in page
    assert "| flaml | 1 of 2 |  |" in page


def test_what_was_not_measured_is_no_win_and_no_rank() -> None:
    results = [result("a", "level 5", 0.9), result("b", "level 5", 0.9), result("b", "flaml", 0.8)]
    page = page_of(results, ["level 5", "flaml"], ASKED)
    assert "| a | 100 | auc | **0.9** | – |" in page
    assert "mean rank (1 of 2 tables have all)" in page
    assert "| level 5 |  | 1 of 1 |" in page


def test_calibration_intervals_and_rows_are_told(page: str) -> None:
    assert "1.0 s, error 0.020" in page
    assert "interval 91%" in page
    assert "| one row solved, CPU, slowest table | 0.40 ms |  |" in page
