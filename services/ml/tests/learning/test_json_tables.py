"""JSON lines and lists as tables, and what stands inside JSON columns as columns of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ml.learning import errors
from ml.learning.columns.analyse import analyse
from ml.learning.tables import Part, TableSource, find_parts, open_table, row_apart, taken_apart
from ml.learning.tables.batch import RowTable


def written(folder: Path, content: bytes) -> Path:
    path = folder / "t.json"
    path.write_bytes(content)
    return path


def rows_of(table: TableSource) -> list[dict[str, object]]:
    return [row for batch in table.batches() for row in batch.rows(table.names)]


LINES = b'{"a": 1, "b": "x"}\n\n{"b": null, "c": [1, 2]}\n'
AS_LIST = b'\xef\xbb\xbf [ {"a": 1, "b": "x"} ,\n {"b": null, "c": [1, 2]} ]\n'


@pytest.mark.parametrize(("content", "lines"), [(LINES, [1, 3]), (AS_LIST, [1, 2])], ids=["lines", "list"])
def test_columns_are_all_names_and_values_keep_their_types(tmp_path: Path, content: bytes, lines: list[int]) -> None:
    table = open_table(written(tmp_path, content))
    assert rows_of(table) == [{"a": 1, "b": "x", "c": None}, {"a": None, "b": None, "c": "[1, 2]"}]
    assert next(table.batches()).lines == lines


def test_what_does_not_read_is_set_aside_with_its_line(tmp_path: Path) -> None:
    deep = b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    content = b'{"a": 1, "b": 2}\n{"a": 1,\n[1, 2]\n{"a": "\\ud800"}\n' + deep + b'\n{"a": 3}\n'
    (batch,) = open_table(written(tmp_path, content)).batches()
    assert (batch.lines, [bad.line for bad in batch.bad]) == ([1, 6], [2, 3, 4, 5])
    assert batch.bad[1].reason == "is no JSON object, which names its values"


def test_a_list_whose_texts_hold_brackets_and_quotes_is_cut_where_its_entries_end(tmp_path: Path) -> None:
    rows = [{"a": 'x ] } " \\', "b": {"c": "[{"}}, {"a": "\\", "b": None}] * 3000
    table = open_table(written(tmp_path, json.dumps(rows).encode() * 1))
    assert [row["a"] for row in rows_of(table)] == [row["a"] for row in rows]


def test_a_list_that_was_cut_short_keeps_what_is_whole(tmp_path: Path) -> None:
    (batch,) = open_table(written(tmp_path, b'[{"a": 1, "b": 2}, {"a": 3, "b')).batches()
    assert (batch.lines, [bad.line for bad in batch.bad]) == ([1], [2])


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b'{"a": 1}\n{"a": 2}\n', errors.OneColumn),
        (b"{}\n{}\n", errors.EmptyTable),
        (b"[]", errors.EmptyTable),
        (b'{\n  "a": 1,\n  "b": 2\n}\n', errors.TableError),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        open_table(written(tmp_path, content))


def test_names_without_end_are_refused(tmp_path: Path) -> None:
    content = b"".join(b'{"n%d": 1}\n' % i for i in range(10_002))
    with pytest.raises(errors.TableError, match="more than 10000 names"):
        open_table(written(tmp_path, content))


ADDRESS = [
    {"id": i, "address": json.dumps({"city": f"c{i % 3}", "at": {"zip": i % 7}}), "tags": '["a", "b"]', "y": i % 2}
    for i in range(100)
]


def table_of(rows: list[dict[str, object]]) -> RowTable:
    return RowTable(rows, list(rows[0]))


def test_what_stands_inside_json_becomes_columns_behind_it() -> None:
    table = taken_apart(table_of(ADDRESS), find_parts(table_of(ADDRESS)))
    assert list(table.names) == [
        "id",
        "address",
        "address.city",
        "address.at.zip",
        "tags",
        "tags.count",
        "tags.items",
        "y",
    ]
    assert rows_of(table)[4] == ADDRESS[4] | {
        "address.city": "c1",
        "address.at.zip": 4,
        "tags.count": 2,
        "tags.items": "a b",
    }


def test_the_column_itself_is_json_and_says_what_became_of_it() -> None:
    report = analyse(taken_apart(table_of(ADDRESS), find_parts(table_of(ADDRESS))), outputs=["y"])
    column = report.columns["address"]
    assert (column.type, column.warnings) == ("JSON", [])
    assert column.reason.endswith("taken apart into address.city, address.at.zip")
    assert report.columns["address.at.zip"].type == "FLOAT"


def test_a_part_is_never_taken_for_a_column_that_is_there() -> None:
    rows = [row | {"address.city": "own"} for row in ADDRESS]
    assert "address.city" not in [part.name for part in find_parts(table_of(rows))]


def test_a_column_typed_otherwise_is_left_whole_and_one_typed_json_is_taken_apart() -> None:
    half = [row if i % 2 else row | {"address": "unknown"} for i, row in enumerate(ADDRESS)]
    assert find_parts(table_of(ADDRESS), {"address": "LABEL", "tags": "IGNORE"}) == ()
    assert [part.column for part in find_parts(table_of(half))] == ["tags", "tags"]
    assert {part.column for part in find_parts(table_of(half), {"address": "JSON"})} == {"address", "tags"}


def test_rare_parts_and_deep_ones_are_left_inside() -> None:
    rows: list[dict[str, object]] = [{"j": {"a": 1} | ({"rare": 2} if i == 7 else {}), "y": 1} for i in range(100)]
    rows[0] = {"j": {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}, "y": 1}
    assert [part.name for part in find_parts(table_of(rows))] == ["j.a"]


def test_a_row_may_give_the_column_or_its_part() -> None:
    parts = [Part("j.a", "j", ("a",))]
    assert row_apart({"j": '{"a": 3}'}, parts)["j.a"] == row_apart({"j": {"a": 3}}, parts)["j.a"] == 3
    assert row_apart({"j": {"a": 3}, "j.a": 4}, parts)["j.a"] == 4
    assert row_apart({"j": "nothing"}, parts)["j.a"] is None
    assert "j.a" not in row_apart({}, parts)
