"""What the benches and the fault suite found is told whole: ratios, missed goals, tests without figures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

import bus
import ledger
import reliability


def step(speed: float, own: float, postgres: float = 0.0) -> dict[str, float]:
    return {"per_second": speed, "own_us": own, "postgres_us": postgres}


ROUNDS = [
    {
        "raw-send": step(20_000, 20),
        "relay": step(speed, 10, 5),
        "raw-read": step(90_000, 4),
        "consume": step(7_000, 30, 10),
    }
    for speed in (10_000, 18_000, 30_000)
]


@pytest.fixture
def rows() -> dict[str, dict[str, object]]:
    return {row["id"]: row for row in bus._throughput_rows("apache", ROUNDS)}


def test_a_speed_is_the_median_of_its_rounds_beside_its_anchors(rows):
    relay = rows["B-BUS-RELAY-APACHE"]
    assert (relay["value"], relay["anchor_value"], relay["ratio"]) == (18_000, 20_000, 0.9)


def test_a_cost_counts_postgresqls_processes(rows):
    assert rows["B-BUS-RELAY-CPU-APACHE"]["value"] == 15


def test_a_goal_is_met_or_missed_and_never_left_out(rows):
    assert (rows["B-BUS-RELAY-APACHE"]["met"], rows["B-BUS-CONSUMER-APACHE"]["met"]) == (True, False)


@pytest.mark.parametrize(
    ("ids", "speed", "late", "backlog"),
    [
        (["B-BUS"], True, True, True),
        (["B-BUS-RELAY-APACHE"], True, False, False),
        (["B-BUS-LATE-P95-APACHE"], False, True, False),
        (["B-BUS-CONSUMER-BACKLOG-1K"], False, False, True),
    ],
)
def test_only_the_part_that_an_id_belongs_to_is_measured(ids, speed, late, backlog):
    assert bus._is_any(ids, "B-BUS-RELAY", "B-BUS-CONSUMER", but="BACKLOG") is speed
    assert bus._is_any(ids, "B-BUS-LATE") is late
    assert bus._is_any(ids, "B-BUS-RELAY-BACKLOG", "B-BUS-CONSUMER-BACKLOG") is backlog


def line(test: str, **more: object) -> dict[str, object]:
    told = {"row": "a", "test": f"test_x.py::{test}", "broker": "embedded", "control": False, "result": "exact"}
    return told | {"figures": {"lost": 0, "doubled": 0, "inverted": 0, "events": 40_000}} | more


def keep(folder: Path, *lines: dict[str, object]) -> str:
    (folder / "faults-embedded.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    return reliability.page(folder)


def test_the_page_tells_what_came_of_a_fault_and_names_the_controls(tmp_path):
    page = keep(tmp_path, line("test_control", control=True, result="doubled"), line("test_fault"))
    assert "| `test_fault` (test_x.py) | exact | 0 lost, 0 doubled, 0 out of order; events 40 000 | – |" in page
    assert page.index("`test_fault`") < page.index("**control** `test_control`")


def test_only_the_last_run_of_a_test_counts(tmp_path):
    assert "FAILED" not in keep(tmp_path, line("test_fault", result="FAILED"), line("test_fault"))


def test_a_test_that_ended_without_figures_is_named(tmp_path):
    assert "had figures:** `test_fault` on the embedded broker" in keep(
        tmp_path, line("test_fault", row="", result="FAILED")
    )


PAIRS = [(step(speed, 200, 100), step(4_000, 100, 300)) for speed in (3_000, 5_000, 9_000)]


def test_the_ledgers_speed_is_the_middle_ratio_to_the_pgbench_of_its_round():
    row = ledger._ratio_row("USAGE", "usage", PAIRS)
    assert (row["id"], row["value"], row["ratio"], row["met"]) == ("B-LEDGER-USAGE", 5_000, 1.25, False)


def test_the_ledgers_goal_is_met_at_five_times_pgbench():
    assert ledger._ratio_row("USAGE", "usage", [(step(20_000, 1), step(4_000, 1))])["met"] is True


@pytest.mark.parametrize(("wanted", "part", "measured"), [
    ("B-LEDGER", "B-LEDGER-LATE", True),
    ("B-LEDGER-LATE-P95", "B-LEDGER-LATE", True),
    ("B-LEDGER-COST", "B-LEDGER-LATE", False),
])  # fmt: skip
def test_only_the_part_of_the_ledger_that_is_asked_for_is_measured(wanted, part, measured):
    assert ledger._is_any([wanted], part) is measured
