"""The quality page tells every result: scores, ranks, duels, and what it cost."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

from ml_cost import Cost, Size, exponent, kept_costs, told, write_table
from quality_leads import Held, Lead, lead
from quality_leads import told as told_leads
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
    page = page_of([result("a", "level 1", 0.9)], ["level 1"], ASKED, growth=lines)
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


def numbers(off: float, *, seed: int = 0) -> Held:
    """Answers of which each is off by about so much, whoever answers most where the line is hard."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=400)
    return Held(true + off * rng.normal(size=400), true)


def test_a_lead_is_of_the_same_lines_and_its_sign_the_same_for_every_score() -> None:
    found = lead([numbers(1.0).measure], [numbers(1.1).measure])
    assert found.mean == pytest.approx(0.1, rel=0.1)
    assert 0 < found.low < found.mean < found.high < 0.13  # hard lines are hard for both
    assert lead([numbers(1.1).measure], [numbers(1.0).measure]).is_surely_behind
    rng = np.random.default_rng(1)
    right = rng.random(400) < 0.5
    sure, unsure = (np.clip(0.5 + by * (right - 0.5) + rng.normal(0, 0.2, 400), 0, 1) for by in (0.6, 0.2))
    scores = [Held(np.stack([1 - p, p], axis=1), right.astype(float)).measure for p in (sure, unsure)]
    assert scores[0].name == "auc"
    assert lead(scores[:1], scores[1:]).low > 0


def test_a_lead_within_chance_is_not_sure_and_seeds_count_together() -> None:
    one, other = numbers(1.0), numbers(1.0, seed=5)
    assert lead([one.measure], [one.measure]) == Lead(0.0, 0.0, 0.0)
    there, back = ([one.measure, other.measure], [other.measure, one.measure])
    found = lead(there, back)
    assert found.low < 0 < found.high
    assert found.mean == pytest.approx(0.0)


def test_answers_are_kept_as_they_were(tmp_path: Path) -> None:
    numbers(1.0).keep(tmp_path / "one.npz")
    kept = Held.kept(tmp_path / "one.npz")
    assert kept.measure.score.value == pytest.approx(numbers(1.0).measure.score.value, rel=1e-6)


def test_levels_stand_beside_the_one_below_and_a_sure_loss_stands_out() -> None:
    good, bad = numbers(1.0).measure, numbers(1.1).measure
    table = {"level 1": {0: good}, "level 2": {0: bad, 1: bad}, "level 3": {0: good}}
    lines = told_leads({"a": table, "b": {"level 1": {0: bad}, "level 2": {0: good}}})
    assert (
        "In 3 pairs the higher level is ahead in 2 (surely in 2), behind in 1 and **surely behind in 1**." in lines[0]
    )
    assert lines[2] == "| table | level 2 over 1 | level 3 over 2 |"
    assert lines[4].startswith("| a | **-0.1")
    assert lines[5].endswith(" | – |")
    assert "## Each level beside the one below" in page_of(
        [result("a", "level 1", 0.9)], ["level 1"], ASKED, leads=lines
    )
