"""Files of answers: what each kind of file holds, and that texts in them are what they were."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.learning.answer_formats import WRITERS
from ml.learning.answers_file import answer_columns
from ml.learning.encoding.remarks import Remarks
from ml.learning.solver import SolvedColumns
from ml.rules.formulas import harmless

LABELS = st.lists(st.text(max_size=12), min_size=1, max_size=20)
ODD = ["", 'say "no"', "a,b", "two\nlines", "cr\rhere", "=1+1", "-3", "ünïcode", "\ud800", "'", " "]


def written(place: Path, kind: str, *parts: dict[str, np.ndarray]) -> Path:  # type: ignore[type-arg]
    path = place / f"answers.{kind}"
    with WRITERS[kind](path) as write:
        for columns in parts:
            write(columns)
    return path


def answers(labels: list[str]) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    numbers = np.linspace(-1e-9, 1e12, len(labels))
    return {"prediction": np.array(labels, dtype=object), "p": numbers.astype(np.float32), "low": numbers}


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@given(LABELS)
def test_a_csv_reads_back_as_what_was_written(tmp_path_factory: pytest.TempPathFactory, labels: list[str]) -> None:
    columns = answers(labels)
    header, *rows = read_csv(written(tmp_path_factory.mktemp("csv"), "csv", columns))
    assert header == list(columns)
    shown = [harmless(label.encode("utf-8", "replace").decode()) for label in labels]
    assert [row[0] for row in rows] == shown
    assert [np.float32(row[1]) for row in rows] == columns["p"].tolist()
    assert [float(row[2]) for row in rows] == columns["low"].tolist()


def test_odd_labels_stay_in_their_fields_in_every_kind(tmp_path: Path) -> None:
    columns = answers(ODD)
    plain = [label.encode("utf-8", "replace").decode() for label in ODD]
    _, *rows = read_csv(written(tmp_path, "csv", columns))
    assert [row[0] for row in rows] == [harmless(label) for label in plain]
    assert pq.read_table(written(tmp_path, "parquet", columns))["prediction"].to_pylist() == plain
    with pa.ipc.open_stream(written(tmp_path, "arrow", columns)) as stream:
        assert stream.read_all()["prediction"].to_pylist() == plain


@pytest.mark.parametrize(
    ("label", "shown"),
    [("+", "+"), ("-", "-"), ("@", "@"), ("=", "="), ("--", "--"), ("-1.5", "-1.5"), ("+3", "+3"), ("-1,5", "-1,5"),
     ("=1+1", "'=1+1"), ("-a", "'-a"), (" @SUM(A1)", "' @SUM(A1)"), ("+1+cmd", "'+1+cmd")],
)  # fmt: skip
def test_only_a_formula_is_disarmed(label: str, shown: str) -> None:
    assert harmless(label) == shown


@pytest.mark.parametrize("kind", list(WRITERS))
def test_many_batches_are_one_file_in_their_order(tmp_path: Path, kind: str) -> None:
    parts = [answers([f"{number} {i}" for i in range(50)]) for number in range(70)]
    path = written(tmp_path, kind, *parts)
    if kind == "csv":
        found = [row[0] for row in read_csv(path)[1:]]
    elif kind == "parquet":
        found = pq.read_table(path)["prediction"].to_pylist()
    else:
        with pa.ipc.open_stream(path) as stream:
            found = stream.read_all()["prediction"].to_pylist()
    assert found == [label for part in parts for label in part["prediction"].tolist()]


def test_labels_of_two_outputs_that_want_one_column_have_two() -> None:
    told = {"a": {"u_v": 0.1, "w": 0.9}, "a_u": {"v": 0.2, "q": 0.3, "v_2": 0.5}}
    probabilities = {output: {label: np.array([p]) for label, p in own.items()} for output, own in told.items()}
    values = {output: np.array(["w"], dtype=object) for output in probabilities}
    found = answer_columns(SolvedColumns(values, probabilities, {}, {}, Remarks()))
    columns = {name: round(float(column[0]), 1) for name, column in found.items() if name.startswith("p_")}
    assert columns == {"p_a_u_v": 0.1, "p_a_w": 0.9, "p_a_u_v_2": 0.2, "p_a_u_q": 0.3, "p_a_u_v_2_2": 0.5}


def test_writing_answers_imports_no_pandas(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys, numpy as np; from pathlib import Path; from ml.learning.answer_formats import WRITERS\n"
        f"with WRITERS['csv'](Path({str(tmp_path / 'a.csv')!r})) as write:\n"
        "    write({'prediction': np.array(['a', 'b'], dtype=object), 'p': np.array([.5, .25], dtype=np.float32)})\n"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
