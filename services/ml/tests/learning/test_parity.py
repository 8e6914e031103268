"""A row encoded alone and the same row in a batch, as a list or as Arrow read it, give the same bits."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.learning.encoding.bins import Bins
from ml.learning.encoding.encoder import Encoder
from ml.learning.encoding.label import LabelInput
from ml.learning.encoding.moment import PARTS, MomentInput
from ml.learning.encoding.number import NumberInput
from ml.learning.encoding.outputs import LabelOutput, NumberOutput
from ml.learning.encoding.text import TextInput
from ml.learning.tables.arrow_cells import ArrowCells


def bins(seed: int, *, missing: bool) -> Bins:
    values = np.round(np.random.default_rng(seed).lognormal(1, 2, 700), 3)
    if missing:
        values[::9] = np.nan
    return Bins.fit(values, most_bins=16)


ENCODER = Encoder(
    (
        NumberInput("size", bins(1, missing=True)),
        NumberInput("rate", bins(2, missing=False), decimal=","),
        NumberInput("at", bins(3, missing=True), kind="time"),
        LabelInput("color", ("red", "3", "true"), 2, ((0.1,), (0.2,), (0.3,)), (0.0,), (0.5,), True, True),
        MomentInput("day", bins(4, missing=True), "DMY", tuple(PARTS)),
        TextInput("note", 16),
    ),
    (LabelOutput("kind", ("a", "b"), 1.5), NumberOutput("price", 1.0, 2.0, 0.0, 9.0, ((3.0, -1.0, 1.0),))),
    ("id",),
)

NUMBERS = st.one_of(
    st.none(),
    st.integers(-(10**6), 10**6),
    st.integers(10**300, 10**301),
    st.floats(),
    st.booleans(),
    st.text(max_size=6),
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "size": NUMBERS,
            "rate": st.one_of(NUMBERS, st.from_regex(r"[0-9]{1,3}(\.[0-9]{3})?,[0-9]{1,2}", fullmatch=True)),
            "at": st.one_of(st.times().map(str), st.times(), st.text(max_size=5), st.none()),
            "color": st.one_of(st.sampled_from(["red", "RED", 3, 3.0, "3.0", True, "pink", "", None]), NUMBERS),
            "day": st.one_of(st.datetimes(), st.dates(), st.dates().map(str), st.text(max_size=9), st.none()),
            "note": st.one_of(st.text(max_size=30), st.none(), st.integers()),
        },
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(ROWS)
def test_row_and_batch_encode_to_the_same_bits(rows: list[dict[str, object]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    batch, remarks = ENCODER.batch({name: [row.get(name) for row in rows] for name in names}, len(rows))
    alone = [ENCODER.row(row) for row in rows]
    assert batch.tobytes() == b"".join(encoded for encoded, _ in alone)
    assert np.isfinite(batch).all()
    for i, (row, (_, said)) in enumerate(zip(rows, alone, strict=True)):
        about_values = [sentence for sentence in said if "column is missing" not in sentence]
        assert [sentence for sentence in remarks.of(i) if "column is missing" not in sentence] == about_values, row


@given(ROWS)
def test_an_encoder_read_back_from_json_encodes_the_same(rows: list[dict[str, object]]) -> None:
    again = Encoder.from_json(json.loads(json.dumps(ENCODER.to_json())))
    assert again == ENCODER
    assert [again.row(row) for row in rows] == [ENCODER.row(row) for row in rows]


@given(st.lists(st.floats(-1e9, 1e9), min_size=60, max_size=200), st.floats(-1e9, 1e9))
def test_bins_never_fall_when_the_value_rises(values: list[float], value: float) -> None:
    fitted = Bins.fit(np.array(values), most_bins=32)
    rows = (fitted.row(value), fitted.row(value + abs(value) * 0.01 + 1.0))
    low, high = (np.frombuffer(row, np.float32) for row in rows)
    assert all(a <= b for a, b in zip(low, high, strict=True))


def test_a_value_that_fills_most_lines_leaves_bins_to_the_others() -> None:
    values = np.concatenate([np.zeros(900), np.arange(1.0, 101.0)])
    assert sum(edge > 0 for edge in Bins.fit(values, most_bins=32).edges) >= 10


TEXTS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        ["", " ", "NA", "nan", "-inf", "1e400", "1e-400", "1_0", "+5", " 3", "0x1F", ".5", "5.", "1,234.5"]
    ),
    st.floats().map(str),
    st.integers().map(str),
    st.dates().map(str),
    st.sampled_from(["red", "RED", "3", "true", "False", "pink", "\u0663"]),
)


def arrow_cells(array: pa.Array) -> ArrowCells:
    return ArrowCells(array, pa.Array.to_pylist)


def assert_the_same(column: str, cells: Sequence[object], array: pa.Array) -> None:
    """What is read off the array and what is read cell by cell."""
    listed, listed_remarks = ENCODER.batch({column: cells}, len(cells))
    found, remarks = ENCODER.batch({column: arrow_cells(array)}, len(cells))
    assert found.tobytes() == listed.tobytes()
    assert [*remarks.rows()] == [*listed_remarks.rows()]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["size", "rate", "at", "color", "day", "note"]),
    st.lists(st.one_of(st.none(), TEXTS), min_size=1, max_size=12),
    st.integers(0, 3),
)
def test_texts_of_arrow_encode_as_their_cells(column: str, cells: list[str | None], skipped: int) -> None:
    whole = pa.array([None] * skipped + cells, pa.string())
    assert_the_same(column, cells, whole[skipped:])


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["size", "rate", "color", "day"]),
    st.one_of(
        st.tuples(st.just(pa.float64()), st.lists(st.one_of(st.none(), st.floats()), min_size=1)),
        st.tuples(st.just(pa.float32()), st.lists(st.one_of(st.none(), st.floats(width=32)), min_size=1)),
        st.tuples(st.just(pa.int64()), st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1)),
        st.tuples(st.just(pa.uint64()), st.lists(st.one_of(st.none(), st.integers(0, 2**64 - 1)), min_size=1)),
    ),
)
def test_numbers_of_arrow_encode_as_their_cells(column: str, typed: tuple[pa.DataType, list[float | None]]) -> None:
    kind, cells = typed
    array = pa.array(cells, kind)
    assert_the_same(column, array.to_pylist(), array)
