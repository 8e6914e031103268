"""`titan bench` measures what was asked for, and refuses what it does not know."""

from __future__ import annotations

import json

import pytest

from titan import bench as benches
from titan.errors import ToolMissing, WrongSetting

LATE = {
    "id": "B-BUS-LATE", "what": "from COMMIT to consumed", "value": 40.0, "unit": "ms", "anchor": None,
    "anchor_value": None, "ratio": None, "goal": "<= 100", "met": True,
}  # fmt: skip
FAST = LATE | {"id": "B-HTTP-ROW", "anchor": "another", "anchor_value": 80.0, "ratio": 0.5, "met": False}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The suites answer at once, and what they were asked for is kept."""
    seen: dict[str, list[str]] = {}

    def suite(name: str, row: dict[str, object]):
        def measured(ids, million):
            seen[name] = list(ids)
            return [row] if not ids or str(row["id"]).startswith(tuple(ids)) else []

        return measured

    monkeypatch.setattr(benches, "SUITES", {"B-BUS": suite("B-BUS", LATE), "B-HTTP": suite("B-HTTP", FAST)})
    return seen


def test_without_ids_everything_is_measured(asked):
    assert [row["id"] for row in benches.bench([])] == ["B-BUS-LATE", "B-HTTP-ROW"]
    assert asked == {"B-BUS": [], "B-HTTP": []}


def test_only_the_suite_of_a_given_id_runs(asked):
    assert [row["id"] for row in benches.bench(["B-HTTP-ROW"])] == ["B-HTTP-ROW"]
    assert asked == {"B-HTTP": ["B-HTTP-ROW"]}


def test_an_id_may_be_the_beginning_of_several(asked):
    assert len(benches.bench(["B-"])) == 2


def test_an_unknown_id_is_refused_before_anything_is_measured(asked):
    with pytest.raises(WrongSetting, match="B-BUS or B-HTTP"):
        benches.bench(["P1"])
    assert asked == {}


def test_an_id_that_no_row_has_is_said_so(asked):
    with pytest.raises(WrongSetting, match="B-BUS-NONE"):
        benches.bench(["B-BUS-NONE"])


def test_an_installation_without_the_repository_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(benches, "FOLDER", tmp_path)
    with pytest.raises(ToolMissing, match="part of the repository"):
        benches.bench([])


def test_the_file_holds_the_rows_as_the_interface_names_them(asked):
    rows = json.loads(benches.document(benches.bench([])))
    assert [set(row) for row in rows] == [
        {"id", "what", "value", "unit", "anchor", "anchor_value", "ratio", "goal", "met"}
    ] * 2
