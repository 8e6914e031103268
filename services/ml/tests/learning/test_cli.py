"""`titan ml` as a person or a script calls it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from ml.cli import app
from ml.learning.learn import Trained
from ml.tests.learning.conftest import flats
from ml.tests.workbooks import workbook

RUN = CliRunner()


@pytest.fixture(autouse=True)
def compiled_here(monkeypatch: pytest.MonkeyPatch, compiled: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(compiled))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = flats(300)
    with (tmp_path / "flats.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path / "flats.csv"


def test_train_prints_card_scores_and_seconds_as_json(table: Path, tmp_path: Path) -> None:
    done = RUN.invoke(app, ["train", str(table), "--target", "is_dear", "--ignore", "price", "--out",
                            str(tmp_path / "m"), "--json"])  # fmt: skip
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["scores"]["is_dear"]["beats_constant"]
    assert found["seconds"] == found["card"]["seconds"]["total"]
    assert (Path(found["model"]) / "manifest.json").is_file()


def test_several_targets_are_parted_by_commas(table: Path, tmp_path: Path) -> None:
    done = RUN.invoke(app, ["train", str(table), "--target", "price,is_dear", "--out", str(tmp_path / "m")])
    assert done.exit_code == 0, done.stderr
    assert "price" in done.stdout
    assert "Trained on" in done.stdout


def test_solve_writes_prediction_and_probabilities(table: Path, trained: Trained, tmp_path: Path) -> None:
    out = tmp_path / "answers.csv"
    done = RUN.invoke(app, ["solve", str(trained.folder), str(table), "--out", str(out), "--json"])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["lines"] == 300
    with out.open(newline="") as file:
        assert next(csv.reader(file)) == ["prediction", "p_no", "p_yes"]


def test_labels_are_never_changed_in_a_persons_own_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{i},{('=1+1', '-')[i % 2]}\n" for i in range(0, 400, 3)))
    for asked in (["train", "t.csv", "--target", "y", "--out", "m"], ["solve", "m", "t.csv", "--out", "a.csv"]):
        places = [str(tmp_path / part) if part in ("t.csv", "m", "a.csv") else part for part in asked]
        assert RUN.invoke(app, places).exit_code == 0
    with (tmp_path / "a.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["prediction", "p_-", "p_=1+1"]
    assert {row[0] for row in rows} <= {"=1+1", "-"}


def test_unreadable_rows_are_named_and_the_exit_code_says_so(table: Path, trained: Trained, tmp_path: Path) -> None:
    table.write_text(table.read_text() + "too,short\n")
    done = RUN.invoke(app, ["solve", str(trained.folder), str(table), "--out", str(tmp_path / "a.csv")])
    assert done.exit_code == 1
    assert "line 302" in done.stderr


ONE_COLUMN = {"csv": b"size\n30\n\n140\n", "jsonl": b'{"size": 30}\n{"size": 140}\n'}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "xlsx"])
def test_one_column_is_enough_to_be_solved(trained: Trained, tmp_path: Path, kind: str) -> None:
    rows, out = tmp_path / f"rows.{kind}", tmp_path / "a.csv"
    pq.write_table(pa.table({"size": [30, 140]}), tmp_path / "rows.parquet")
    (tmp_path / "rows.xlsx").write_bytes(workbook([["size"], [30], [140]]))
    rows.write_bytes(ONE_COLUMN.get(kind) or rows.read_bytes())
    done = RUN.invoke(app, ["solve", str(trained.folder), str(rows), "--out", str(out), "--json"])
    assert (done.exit_code, json.loads(done.stdout or "{}").get("lines")) == (0, 2), done.stderr


@pytest.mark.parametrize(("learnt", "asked"), [(",", "."), (".", ",")])
def test_rows_are_read_with_their_own_decimal_sign(tmp_path: Path, learnt: str, asked: str) -> None:
    def written(name: str, sign: str) -> str:
        numbers = [f"{i / 1000:.3f}" for i in range(500, 2500, 5)]
        lines = [f"{number};{'big' if float(number) > 1.5 else 'small'}" for number in numbers]
        (tmp_path / name).write_text("\n".join(["x;y", *lines]).replace(".", sign))
        return str(tmp_path / name)

    model, out = str(tmp_path / "m"), tmp_path / "a.csv"
    RUN.invoke(app, ["train", written("learnt.csv", learnt), "--target", "y", "--out", model])
    done = RUN.invoke(app, ["solve", model, written("asked.csv", asked), "--out", str(out), "--json"])
    with out.open(newline="") as file:
        found = [row["prediction"] for row in csv.DictReader(file)]
    assert (json.loads(done.stdout)["warnings"], found[:150], found[-150:]) == ([], ["small"] * 150, ["big"] * 150)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--target", "is_dear", "--level", "9"], 2, "--level"),
        (["--target", "rent"], 2, "no column 'rent'"),
        (["--target", "built"], 1, "cannot be an output"),
        ([], 2, "--target"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_a_sentence(
    table: Path, tmp_path: Path, options: list[str], code: int, said: str
) -> None:
    done = RUN.invoke(app, ["train", str(table), "--out", str(tmp_path / "m"), *options])
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["train", str(tmp_path / "no.csv"), "--target", "x", "--out", str(tmp_path / "m")])
    assert (done.exit_code, "no file no.csv" in done.stderr) == (1, True)


def test_a_folder_that_is_no_model_is_said_so(table: Path, tmp_path: Path) -> None:
    done = RUN.invoke(app, ["solve", str(tmp_path), str(table), "--out", str(tmp_path / "a.csv")])
    assert (done.exit_code, "holds no model" in done.stderr) == (1, True)
