"""What a single cell means."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.learning.columns.values import is_missing, label_of, moment_of, number_of, other_spellings, time_of
from ml.learning.encoding.bins import Bins
from ml.learning.encoding.moment import MomentInput
from ml.learning.tables.arrow_cells import ArrowCells


@pytest.mark.parametrize(
    ("cell", "decimal", "number"),
    [
        ("1.5", ".", 1.5),
        (" -2e3 ", ".", -2000.0),
        ("1,234,567.5", ".", 1234567.5),
        ("1 234", ".", 1234.0),
        ("-1 234 567.5", ".", -1234567.5),
        ("1\u2019234.50", ".", 1234.5),
        ("1\u202f234,5", ",", 1234.5),
        ("- 5.5", ".", -5.5),
        ("5'11", ".", None),
        ("1 2 0", ".", None),
        ("1 234'567", ".", None),
        ("1234 567", ".", None),
        ("1,5", ",", 1.5),
        ("1.234,5", ",", 1234.5),
        ("1.234", ",", 1234.0),
        ("1.5", ",", 1.5),
        (7, ".", 7.0),
        (True, ".", 1.0),
        ("True", ".", 1.0),
        (" FALSE ", ",", 0.0),
        ("1_000", ".", None),
        ("1,5", ".", None),
        ("inf", ".", None),
        ("nan", ".", None),
        (float("inf"), ".", None),
        (10**400, ".", None),
        ("twelve", ".", None),
        (None, ".", None),
    ],
)
def test_a_number_is_read_as_written(cell: object, decimal: str, number: float | None) -> None:
    assert number_of(cell, decimal) == number


@given(st.text(max_size=20))
def test_no_text_breaks_the_reading_of_cells(text: str) -> None:
    number = number_of(text)
    assert number is None or abs(number) < 1e150
    assert isinstance(is_missing(text), bool)
    assert moment_of(text) is None or time_of(text) is None


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(2999, 1, 1)))
def test_a_moment_reads_alike_from_text_and_from_a_datetime(moment: datetime) -> None:
    assert moment_of(moment.isoformat(sep=" ", timespec="seconds")) == moment_of(moment)


@pytest.mark.parametrize(
    ("cell", "order", "expected"),
    [
        ("3/4/2025", "DMY", "2025-04-03"),
        ("3/4/2025", "MDY", "2025-03-04"),
        ("25/4/3", "YMD", "2025-04-03"),
        ("3.4.99", "DMY", "1999-04-03"),
        (date(2025, 4, 3), "YMD", "2025-04-03"),
        ("12/31/2020 11:59:00 PM", "MDY", "2020-12-31 23:59"),
        ("12/31/2020 12:05 am", "MDY", "2020-12-31 00:05"),
        ("31.12.2020 12:05 p.m.", "DMY", "2020-12-31 12:05"),
        ("05-Jan-2020", "MDY", "2020-01-05"),
        ("5 september 99 7:30", "YMD", "1999-09-05 07:30"),
    ],
)
def test_a_date_is_read_in_its_order(cell: object, order: str, expected: str) -> None:
    assert moment_of(cell, order) == moment_of(expected)


def test_zones_are_converted_before_moments_are_compared() -> None:
    there = datetime(2025, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert moment_of(there) == moment_of(datetime(2025, 1, 1, tzinfo=UTC))
    assert moment_of("2025-01-01T02:00:00+02:00") == moment_of("2025-01-01")


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"])
def test_a_moment_at_the_edge_of_time_is_that_of_its_own_clock(text: str) -> None:
    assert moment_of(text) == moment_of(datetime.fromisoformat(text)) == moment_of(text[:19])
    cells = ArrowCells(pa.array([text, "2025-01-01"]), pa.Array.to_pylist)
    moments = MomentInput("at", Bins.fit(np.arange(100.0), most_bins=4), "YMD", ())._read(cells)
    assert moments[0] == moment_of(text)


def test_a_year_of_four_digits_is_that_year() -> None:
    assert moment_of("0001-01-01") == moment_of(date(1, 1, 1))  # what .NET writes for no date at all
    assert moment_of("01-01-01") == moment_of("01-Jan-01") == moment_of("2001-01-01")


@pytest.mark.parametrize(
    "text",
    ["31/02/2024", "2024-13-01", "12/31/2020 13:00 PM", "05-Jap-2020", "31-Feb-2020", "99", "12345678", "1/2"],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert moment_of(text) is None


def test_times_of_day_are_seconds() -> None:
    assert (time_of("01:02:03"), time_of(time(1, 2, 3)), time_of("25:00")) == (3723.0, 3723.0, None)


@pytest.mark.parametrize(
    ("text", "hour"), [("11:59 PM", 23), ("12:59am", 0), ("12:59 p.m.", 12), ("1:59 AM", 1), ("13:59 PM", None)]
)
def test_a_time_of_day_may_have_halves(text: str, hour: int | None) -> None:
    assert time_of(text) == (None if hour is None else hour * 3600.0 + 59 * 60)


@pytest.mark.parametrize(
    ("cell", "label"),
    [(3.0, "3"), (3, "3"), (2.5, "2.5"), (True, "true"), (" a ", "a"), ("NA", None), ("none", "none"), (None, None)],
)
def test_a_label_reads_alike_from_json_and_from_text(cell: object, label: str | None) -> None:
    assert label_of(cell) == label


def test_a_label_is_found_by_its_other_spellings() -> None:
    assert "3.0" in other_spellings("3")
    assert "True" in other_spellings("true")
