"""The quality page tells every result: scores, ranks, duels, and what it cost."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

from ml_cost import Cost, Size, exponent, kept_costs, told, write_table
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
    page = page_of(results, ["level 5", "flaml", "autogluon"], ASKED)
    assert "| a | 100 | auc | **0.9** | – |" in page
    assert "mean rank (1 of 2 tables have all)" in page
    assert "Not measured, and shown as – or not at all: flaml on a; autogluon on any table." in page
    assert "| autogluon" not in page
    assert "| level 5 |  | 1 of 1 |" in page


def test_calibration_intervals_and_rows_are_told(page: str) -> None:
    assert "1.0 s, error 0.020" in page
    assert "interval 91%" in page
    assert "| one row solved, CPU, slowest table | 0.40 ms |  |" in page


def test_what_chance_shows_is_told_beside_the_error_where_it_was_measured(page: str) -> None:
    assert "1.0 s, error 0.020 |" in page
    both = [result("a", "level 1", 0.9, by_chance=0.04), result("a", "level 1", 0.9, seed=1, by_chance=0.05)]
    assert "1.0 s, error 0.020 (0.045) |" in page_of(both, ["level 1"], ASKED)
    assert "1.0 s, error 0.020 |" in page_of([*both, result("a", "level 1", 0.9, seed=2)], ["level 1"], ASKED)


def cost(lines: int, seconds: float, level: int = 1) -> Cost:
    return Cost(level, lines, 15, seconds, 0.5, lines, {"total": seconds})


def test_seconds_in_proportion_to_the_lines_are_the_first_power() -> None:
    assert exponent([cost(1000, 2.0), cost(2000, 4.0), cost(8000, 16.0)]) == pytest.approx(1.0)
    assert exponent([cost(1000, 2.0), cost(4000, 4.0)]) == pytest.approx(0.5)
    assert exponent([cost(1000, 2.0)]) is None


def test_kept_costs_are_told_and_stand_on_the_page(tmp_path: Path) -> None:
    for own in (cost(2000, 4.0), cost(1000, 2.0), cost(1000, 9.0, level=3)):
        (tmp_path / Size(own.level, own.lines, own.columns).name).write_text(json.dumps(asdict(own)))
    lines = told(kept_costs(tmp_path))
    page = page_of([result("a", "level 1", 0.9)], ["level 1"], ASKED, lines)
    assert "| 1 | 1,000 | 15 | 1,000 | 2.0 | 0.50 GiB |" in page
    assert "Level 1, 1,000 to 2,000 lines of 15 columns: CPU seconds grow with the lines to the power of 1.00." in page
    assert "Level 3, " not in page


def test_a_made_up_table_has_every_kind_of_column_and_both_answers(tmp_path: Path) -> None:
    write_table(tmp_path / "table.parquet", 300, 10)
    table = pq.read_table(tmp_path / "table.parquet")
    assert (table.num_rows, table.num_columns) == (300, 11)
    assert {str(kind) for kind in table.schema.types} == {"double", "string", "date32[day]"}
    assert set(table["target"].to_pylist()) == {"yes", "no"}
    assert any(column.null_count for column in table.columns)
