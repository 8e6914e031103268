"""Solving: what is odd is said, a file and a row get one answer, and nothing heavy is loaded for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import count
from pathlib import Path
from threading import Event

import numpy as np
import pyarrow.parquet as pq
import pytest

from ml.learning import answers_file, errors
from ml.learning.answers_file import solve_file
from ml.learning.learn import Trained
from ml.learning.solver import Solver
from ml.learning.tables import open_table
from ml.learning.tables.batch import BATCH_LINES
from ml.tests.learning.conftest import as_table, flats

FLAT = {"size": 80.0, "quarter": "south", "built": "1990-05-01", "noise": 0.0}


@pytest.fixture(scope="module")
def solver(trained: Trained) -> Solver:
    return Solver.load(trained.folder)


@pytest.fixture(scope="module")
def both(trained_on_both: Trained) -> Solver:
    return Solver.load(trained_on_both.folder)


def test_a_row_gets_a_value_and_probabilities(solver: Solver) -> None:
    (solved,) = solver.solve([{**FLAT, "size": 145.0, "quarter": "old town"}])
    assert solved.values == {"is_dear": "yes"}
    assert solved.probabilities["is_dear"]["yes"] > 0.8
    assert sum(solved.probabilities["is_dear"].values()) == pytest.approx(1.0, abs=1e-5)
    assert solved.warnings == []


def test_a_number_gets_an_interval_within_what_was_learnt(both: Solver) -> None:
    (solved,) = both.solve([FLAT])
    assert solved.low["price"] < solved.values["price"] < solved.high["price"]
    assert 150 < float(solved.values["price"]) < 330
    assert set(solved.probabilities) == {"is_dear"}


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ({"quarter": "harbour"}, "quarter: 'harbour' was not, or hardly ever, learnt from"),
        ({"size": 900}, "size: 900 is outside what was learnt from"),
        ({"size": "big"}, "size: 'big' is no number and was taken as missing"),
        ({"built": "1850-01-01"}, "built: 1850-01-01 is outside what was learnt from"),
        ({"built": "soon"}, "built: 'soon' is no date and was taken as missing"),
        ({"garden": 1}, "garden: this column is not known to the machine"),
    ],
)
def test_what_is_odd_about_a_row_is_said(solver: Solver, change: dict[str, object], warning: str) -> None:
    (solved,) = solver.solve([{**FLAT, **change}])
    assert [said.startswith(warning) for said in solved.warnings] == [True]


def test_a_missing_column_is_said_and_solved_around(solver: Solver) -> None:
    (solved,) = solver.solve([{name: value for name, value in FLAT.items() if name != "size"}])
    assert solved.warnings == ["size: this column is missing"]
    assert set(solved.values) == {"is_dear"}


def test_columns_that_were_left_out_of_learning_are_no_surprise(solver: Solver) -> None:
    assert solver.solve([{**FLAT, "price": 3, "is_dear": "no"}])[0].warnings == []


def test_rows_alone_together_and_in_columns_get_the_same_answer(both: Solver) -> None:
    rows = [{name: row[name] for name in FLAT} for row in flats(30, seed=9)]
    rows[3]["quarter"] = "harbour"
    del rows[5]["size"]
    alone = [both.solve([row])[0] for row in rows]
    together = both.solve(rows)
    assert [solved.warnings for solved in together] == [solved.warnings for solved in alone]
    columns = both.solve_columns({name: [row.get(name) for row in rows] for name in FLAT}, len(rows))
    for i, (one, many) in enumerate(zip(alone, together, strict=True)):
        assert many.values["price"] == pytest.approx(one.values["price"], rel=1e-4)
        assert columns.values["price"][i] == pytest.approx(one.values["price"], rel=1e-4)
        assert columns.low["price"][i] == pytest.approx(one.low["price"], rel=1e-3, abs=0.1)
        assert columns.probabilities["is_dear"]["yes"][i] == pytest.approx(
            one.probabilities["is_dear"]["yes"], abs=1e-5
        )


def test_no_rows_give_no_answers(solver: Solver) -> None:
    assert solver.solve([]) == []


def test_a_changed_file_is_noticed(trained: Trained, tmp_path: Path) -> None:
    for path in trained.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    graph = bytearray((tmp_path / "model.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (tmp_path / "model.onnx").write_bytes(graph)
    with pytest.raises(errors.ModelDamaged, match="model.onnx"):
        Solver.load(tmp_path)


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
def test_a_missing_file_is_noticed(trained: Trained, tmp_path: Path, name: str) -> None:
    for path in trained.folder.iterdir():
        if path.name != name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(errors.ModelDamaged):
        Solver.load(tmp_path)


def test_an_encoder_of_another_version_is_refused(trained: Trained) -> None:
    from ml.learning.encoding.encoder import Encoder

    found = json.loads((trained.folder / "encoder.json").read_bytes())
    with pytest.raises(errors.ModelDamaged, match="train the machine again"):
        Encoder.from_json({**found, "version": 99})


def test_solving_loads_nothing_heavy(trained: Trained) -> None:
    heavy = ("jax", "sklearn", "pandas", "scipy", "onnx", "pyarrow", "optax")
    code = (
        "import sys; from pathlib import Path; from ml.learning.solver import Solver; "
        f"Solver.load(Path({str(trained.folder)!r})).solve([{FLAT!r}]); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["answers.csv", "answers.parquet"])
def test_a_file_is_solved_line_by_line(both: Solver, tmp_path: Path, name: str) -> None:
    solved = solve_file(both, as_table(flats(50, seed=4)), tmp_path / name)
    answers = open_table(tmp_path / name)
    assert solved.lines == 50
    assert list(answers.names) == [
        "prediction_price", "low_price", "high_price", "prediction_is_dear", "p_is_dear_no", "p_is_dear_yes",
    ]  # fmt: skip
    assert sum(len(batch.lines) for batch in answers.batches()) == 50


def test_answers_come_in_the_order_of_the_lines_whichever_is_there_first(
    both: Solver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, is_second_asked, asked, plainly = flats(2 * BATCH_LINES + 10), Event(), count(), both.answers
    columns = {name: [row.get(name) for row in rows] for name in FLAT}
    expected = both.solve_columns(columns, len(rows)).probabilities["is_dear"]["yes"]

    def answers(x: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        if next(asked):
            is_second_asked.set()
        else:
            assert is_second_asked.wait(60)
        return plainly(x)

    monkeypatch.setattr(answers_file, "AT_ONCE", 2)
    monkeypatch.setattr(both, "answers", answers)
    solve_file(both, as_table(rows), tmp_path / "answers.parquet")
    found = pq.read_table(tmp_path / "answers.parquet")["p_is_dear_yes"].to_numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_solving_that_is_cancelled_leaves_no_file(both: Solver, tmp_path: Path) -> None:
    with pytest.raises(errors.LearningError, match="cancelled"):
        solve_file(both, as_table(flats(50)), tmp_path / "answers.csv", should_stop=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_a_label_that_a_spreadsheet_would_run_is_quoted(tmp_path: Path, learn) -> None:  # type: ignore[no-untyped-def]
    rows = [{**row, "is_dear": "=1+1" if row["is_dear"] == "yes" else "-3"} for row in flats(300)]
    solver = Solver.load(learn(rows).folder)
    solve_file(solver, as_table(rows), tmp_path / "answers.csv")
    first_fields = {line.split(",")[0] for line in (tmp_path / "answers.csv").read_text().splitlines()}
    assert first_fields == {"prediction", "'=1+1", "-3"}


def test_probabilities_of_a_file_are_finite(both: Solver) -> None:
    columns = both.solve_columns({"size": [float("inf"), 1e300, None, "x"]}, 4)
    assert np.isfinite(columns.values["price"]).all()
