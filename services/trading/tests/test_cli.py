"""`titan trading` from the outside: what it prints, writes and refuses."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trading.cli import app
from trading.tests.stories import wandering

runner = CliRunner()


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.csv"
    lines = [f"{c.opened_at:%Y-%m-%dT%H:%M:%SZ},{c.open},{c.high},{c.low},{c.close},{c.volume}" for c in wandering(400)]
    path.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(lines) + "\n")
    return path


def backtest(prices: Path, *more: str):
    return runner.invoke(app, ["backtest", "--prices", str(prices), *more])


def test_the_report_is_json_and_the_fills_are_a_file(prices: Path, tmp_path: Path):
    out = tmp_path / "fills.csv"
    parameters = ("--parameters", '{"quantity": "2"}', "--fee", "0.0002")
    answer = backtest(prices, "--strategy", "momentum", *parameters, "--json", "--fills", str(out))
    assert answer.exit_code == 0, answer.stderr
    figures = json.loads(answer.stdout)
    rows = list(csv.DictReader(out.open()))
    assert figures["candles"] == 400
    assert figures["timeframe"] == "1h"
    assert len(rows) == figures["fills"] > 3
    assert {row["quantity"] for row in rows} == {"2"}


def test_the_same_backtest_twice_gives_the_same_digest(prices: Path):
    runs = [json.loads(backtest(prices, "--strategy", "dca", "--json").stdout) for _ in range(2)]
    assert runs[0]["fills_sha256"] == runs[1]["fills_sha256"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--strategy", "crystal_ball"], "there is no strategy 'crystal_ball'"),
        (["--strategy", "momentum", "--parameters", '{"fast": 30}'], "must be smaller than slow"),
        (["--strategy", "momentum", "--parameters", "{"], "not JSON"),
        (["--strategy", "momentum", "--parameters", '{"speed": 1}'], "speed"),
        (["--strategy", "momentum", "--mode", "vector"], "--mode event only"),
        (["--strategy", "momentum", "--fee", "much"], "--fee must be a number"),
        (["--strategy", "ml_signal"], "a signal is never made up"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_two(prices: Path, arguments: list[str], said: str):
    answer = backtest(prices, *arguments)
    assert answer.exit_code == 2
    assert said in answer.stderr
    assert "Traceback" not in answer.output


def test_a_missing_file_is_one_sentence(tmp_path: Path):
    answer = backtest(tmp_path / "nothing.csv", "--strategy", "dca")
    assert (answer.exit_code, "No such file" in answer.stderr) == (2, True)


def test_features_and_signals_go_round(prices: Path, tmp_path: Path):
    table, signals = tmp_path / "table.csv", tmp_path / "signals.csv"
    assert runner.invoke(app, ["features", "--prices", str(prices), "--out", str(table)]).exit_code == 0
    rows = list(csv.DictReader(table.open()))
    known = {row["time"]: float(row["rsi_14"]) / 100 for row in rows}
    lines = [
        f"{c.opened_at:%Y-%m-%dT%H:%M:%SZ},{known.get(f'{c.opened_at:%Y-%m-%dT%H:%M:%SZ}', '')}" for c in wandering(400)
    ]
    signals.write_text("time,signal\n" + "\n".join(lines) + "\n")
    answer = backtest(prices, "--strategy", "ml_signal", "--signals", str(signals), "--json")
    assert answer.exit_code == 0, answer.stderr
    assert json.loads(answer.stdout)["fills"] > 0


def test_a_calendar_pauses_a_backtest(prices: Path, tmp_path: Path):
    calendar = tmp_path / "calendar.csv"
    rows = [f"{c.opened_at:%Y-%m-%d},12:00,UTC,Rate,USD,high" for c in wandering(400)[::24]]
    calendar.write_text("date,time,timezone,event_name,currency,importance\n" + "\n".join(rows) + "\n")
    answer = backtest(prices, "--strategy", "momentum", "--calendar", str(calendar), "--pause-after", "1440", "--json")
    figures = json.loads(answer.stdout)
    assert figures["fills"] == 0
    assert figures["denied"] > 0
