"""Parquet read batch by batch with typed values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.learning import errors
from ml.learning.tables import open_table


def test_values_keep_their_types_and_lines_their_numbers(tmp_path: Path) -> None:
    moment = datetime(2024, 5, 6, 7, tzinfo=UTC)
    table = pa.table(
        {
            "n": [1, None, 3],
            "price": pa.array([Decimal("1.50"), None, Decimal("2.25")]),
            "label": pa.array(["a", "b", None]).dictionary_encode(),
            "at": pa.array([moment, None, moment], pa.timestamp("ns", tz="UTC")),
            "nested": [{"x": 1}, None, {"x": 2}],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    batches = list(open_table(tmp_path / "t.parquet").batches(2))
    assert [list(batch.lines) for batch in batches] == [[1, 2], [3]]
    assert [column[0] for column in batches[0].columns] == [1, 1.5, "a", moment, '{"x": 1}']


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_spans_of_time_are_numbers_of_seconds(tmp_path: Path, unit: str) -> None:
    spans = pa.array([timedelta(days=2, seconds=5), None, timedelta(seconds=-90)], pa.duration(unit))
    pq.write_table(pa.table({"took": spans, "n": [1, 2, 3]}), tmp_path / "t.parquet")
    [batch] = open_table(tmp_path / "t.parquet").batches()
    assert list(batch.columns[0]) == [172805.0, None, -90.0]


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1] * 99, "b": [2] * 99}), tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(errors.BinaryFile, match="damaged"):
        open_table(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("table", "error"),
    [(pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.int64())}), errors.EmptyTable),
     (pa.table({"a": [1]}), errors.OneColumn)],
)  # fmt: skip
def test_no_lines_or_one_column_is_refused(tmp_path: Path, table: pa.Table, error: type[Exception]) -> None:
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(error):
        open_table(tmp_path / "t.parquet")
