"""What columns hold: statistics that do not depend on how they came, types with their reason."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ml.learning import errors
from ml.learning.columns.analyse import TableReport, analyse
from ml.learning.columns.infer import ColumnType
from ml.learning.columns.numbers import StreamedNumbers
from ml.learning.columns.statistics import ColumnStatistics
from ml.learning.tables.batch import Cell, RowTable

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=60)


def report_of(cells: Sequence[Cell], *, is_output: bool = False, **chosen: ColumnType) -> TableReport:
    rows = [{"x": cell, "other": i % 7} for i, cell in enumerate(cells)]
    return analyse(RowTable(rows, ["x", "other"]), outputs=["x"] if is_output else [], types=chosen)


def type_of(cells: Sequence[Cell], *, is_output: bool = False) -> ColumnType:
    return report_of(cells, is_output=is_output).columns["x"].type


def test_truths_are_numbers_where_they_are_typed_and_labels_where_they_are_texts() -> None:
    assert type_of([i % 3 == 0 for i in range(90)]) is ColumnType.FLOAT
    assert type_of([str(i % 3 == 0) for i in range(90)]) is ColumnType.LABEL


def test_truths_as_texts_may_be_chosen_to_be_numbers() -> None:
    report = report_of([str(i % 3 == 0) for i in range(90)], x=ColumnType.FLOAT).columns["x"]
    assert (report.type, report.errors) == (ColumnType.FLOAT, [])


@pytest.mark.parametrize("nothing", ["-", ".", "inf", "-Inf", "Infinity", math.inf])
def test_what_stands_for_an_unknown_number_makes_no_labels(nothing: Cell) -> None:
    report = report_of([nothing if i % 4 == 0 else str(i * i / 7) for i in range(200)]).columns["x"]
    assert (report.type, report.statistics["min"]) == (ColumnType.FLOAT, pytest.approx(1 / 7))
    assert report.warnings == [f"50 values are no numbers and read as missing, such as {str(nothing)!r}"]


def test_months_by_their_names_are_dates_without_a_guess() -> None:
    report = report_of([f"{1 + i % 12:02}-{('Jan', 'May')[i % 2]}-2020" for i in range(90)]).columns["x"]
    assert (report.type, report.warnings) == (ColumnType.DATE, [])


def test_signs_that_stand_for_nothing_elsewhere_are_labels() -> None:
    assert type_of(["+-"[i % 2] for i in range(90)]) is ColumnType.LABEL
    assert type_of(["-" if i % 5 else "7.5" for i in range(90)]) is ColumnType.LABEL


@given(NUMBERS, st.integers(1, 10))
def test_moments_are_those_of_the_whole_however_it_was_cut(numbers: list[float], size: int) -> None:
    streamed = StreamedNumbers()
    for start in range(0, len(numbers), size):
        streamed.add(np.array(numbers[start : start + size]))
    found, whole = streamed.summary(), np.array(numbers)
    assert found["mean"] == pytest.approx(whole.mean(), abs=1e-6)
    assert found["std_dev"] == pytest.approx(whole.std(ddof=1), rel=1e-6, abs=1e-6)
    assert (found["min"], found["max"]) == (whole.min(), whole.max())


def test_shape_and_quantiles_are_the_textbook_ones() -> None:
    numbers = np.random.default_rng(1).gamma(2.0, size=5000)
    streamed = StreamedNumbers()
    for part in np.array_split(numbers, 7):
        streamed.add(part)
    found = streamed.summary()
    expected = {
        "skewness": stats.skew(numbers),
        "kurtosis": stats.kurtosis(numbers),
        "sem": stats.sem(numbers),
        "median": np.median(numbers),
        "quantile02": np.quantile(numbers, 0.2),
        "quantile08": np.quantile(numbers, 0.8),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-9)


def test_values_too_large_to_square_do_not_spoil_the_statistics() -> None:
    found = report_of([1.0, 2.0, math.inf, 1e300, -math.inf, 3.0]).columns["x"].statistics
    assert found["mean"] == 2.0


def test_a_million_different_labels_are_estimated_in_fixed_memory() -> None:
    statistics = ColumnStatistics()
    for start in range(0, 300_000, 50_000):
        statistics.add([f"id-{i}" for i in range(start, start + 50_000)])
    assert len(statistics.labels) <= 100_000
    assert statistics.unique_values_count == pytest.approx(300_000, rel=0.02)


def test_statistics_carry_the_names_machines_keep_them_by() -> None:
    found = report_of(["red", "red", "Blue_1", None]).columns["x"].statistics
    assert {"missing_percentage", "unique_values_count", "most_frequent_values_count", "mode"} <= found.keys()
    assert found["missing_percentage"] == 25.0
    assert found["most_frequent_values_count"] == {"red": 2, "Blue_1": 1}
    assert found["str_percent_uppercase"] == pytest.approx(100 / 12, abs=0.01)
    assert found["str_percent_underscore"] == pytest.approx(100 / 12, abs=0.01)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2.5", "-3e2", "1,000.5"] * 5, ColumnType.FLOAT),
        (["red", "green", "blue"] * 5, ColumnType.LABEL),
        (["2024-01-05", "2024-02-06", "1999-12-31"] * 5, ColumnType.DATE),
        (["31/12/2024", "01.02.2024", "5-6-2023"] * 5, ColumnType.DATE),
        (["2024-01-05T10:00:00Z", "2024-02-06 11:30"] * 5, ColumnType.DATETIME),
        (["10:30", "23:59:59"] * 5, ColumnType.TIME),
        (['{"a": 1}', "[1, 2]"] * 5, ColumnType.JSON),
        (
            ["the cat sat on the mat and that was it"] * 3 + ["this is not what we have"] * 4,
            ColumnType.LANGUAGE,
        ),
        ([f"user-{i}" for i in range(60)], ColumnType.IGNORE),
        ([str(i) for i in range(60)], ColumnType.IGNORE),
        (["same"] * 20, ColumnType.IGNORE),
        ([None] * 20, ColumnType.IGNORE),
        ([None] * 16 + ["1", "2", "3", "4"], ColumnType.IGNORE),
        ([True, False] * 5, ColumnType.FLOAT),
    ],
)
def test_the_type_follows_from_the_values(cells: list[Cell], expected: ColumnType) -> None:
    assert type_of(cells) is expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([0, 1] * 30, ColumnType.LABEL),
        ([1.5, 2.5] * 30, ColumnType.FLOAT),
        (list(range(60)), ColumnType.FLOAT),
        ([f"user-{i}" for i in range(60)], ColumnType.LABEL),
    ],
)
def test_an_output_is_typed_as_what_can_be_predicted(cells: list[Cell], expected: ColumnType) -> None:
    assert type_of(cells, is_output=True) is expected


def test_a_mostly_missing_column_is_ignored_with_a_warning() -> None:
    column = report_of([None] * 80 + ["1"] * 10 + ["2"] * 10).columns["x"]
    assert column.warnings == ["ignored: 80 % of its values are missing"]


def test_the_order_of_day_and_month_follows_from_the_dates() -> None:
    assert report_of(["1/31/2024", "2/3/2024"] * 5).columns["x"].date_order == "MDY"
    assert report_of(["31/1/2024", "3/2/2024"] * 5).columns["x"].date_order == "DMY"


def test_dates_that_could_be_read_two_ways_are_warned_about() -> None:
    assert "day and month" in report_of(["1/2/2024", "3/4/2024"] * 5).columns["x"].warnings[0]


def test_a_person_can_choose_the_type() -> None:
    column = report_of(["1", "2", "3"] * 5, x=ColumnType.LABEL).columns["x"]
    assert (column.type, column.reason.startswith("chosen; FLOAT was inferred")) == (ColumnType.LABEL, True)


def test_a_chosen_type_that_fits_no_value_is_an_error() -> None:
    column = report_of(["red", "green"] * 5, x=ColumnType.FLOAT).columns["x"]
    assert column.errors == ["typed FLOAT, but no value reads as numbers, such as 'red'"]


def test_values_that_are_no_numbers_are_counted() -> None:
    assert "1 values are no numbers" in report_of(["1.5", "2"] * 20 + ["oops"]).columns["x"].warnings[0]


def test_an_unknown_output_names_the_columns_there_are() -> None:
    with pytest.raises(errors.UnknownColumns, match="'price'.*'x', 'other'"):
        analyse(RowTable([{"x": 1, "other": 2}], ["x", "other"]), outputs=["price"])


@pytest.mark.parametrize(
    "cells",
    [
        ["1", "2.5", "", " 7 ", "-3e4", "2.5"],
        ["1", "nan", "2", "3"],
        ["1", "1_000", "inf", "1e200"],
        ["", "", ""],
        ["1", "2", "3", "4"],
        ["1", "x", "2"],
        ["1,5", "2", "1.234,5", "-3,25"],
        ["1,5", "2", "", "-3,25"],
        ["Graz", " Lyon ", "Graz", "Lyon", "x y z"],
        ["Graz", "NA", "", "none", "null"],
        ["abc", "Ärger", "e5", "Infinity", "zwei", "drei", "vier"],
        ["2024-01-02", "03/04/2024", "13/04/2024", "2024-01-02T03:04:05Z", "12:30", "2024/13/01"],
        ['{"a": 1}', "[1]", "{", "{x}"],
    ],
)
@pytest.mark.parametrize("decimal", [".", ","])
def test_cells_taken_at_once_are_what_they_are_one_by_one(cells: list[Cell], decimal: str) -> None:
    at_once, one_by_one = ColumnStatistics(decimal=decimal), ColumnStatistics(decimal=decimal)
    at_once.add(cells)
    for cell in cells:
        one_by_one.add([cell, None])  # a missing cell that is no text needs the closer look
    one_by_one.lines, one_by_one.missing = len(cells), one_by_one.missing - len(cells)
    assert at_once.numbers.summary() == pytest.approx(one_by_one.numbers.summary())
    facts = ("missing", "strings", "longest", "fitting", "labels")
    assert [getattr(at_once, fact) for fact in facts] == [getattr(one_by_one, fact) for fact in facts]
    assert set(at_once.misfits) == set(one_by_one.misfits)


@given(st.lists(st.one_of(st.none(), st.integers(), st.integers(-3, 3), st.floats(), st.floats(-3, 3)), max_size=30))
def test_typed_numbers_taken_at_once_are_what_they_are_one_by_one(cells: list[Cell]) -> None:
    at_once, one_by_one = ColumnStatistics(), ColumnStatistics()
    at_once.add(cells)
    for cell in cells:
        one_by_one.add([cell, "NA"])  # beside a text the closer look is needed
    one_by_one.lines, one_by_one.missing = len(cells), one_by_one.missing - len(cells)
    facts = ("missing", "strings", "longest", "fitting", "labels")
    assert [getattr(at_once, fact) for fact in facts] == [getattr(one_by_one, fact) for fact in facts]
    assert set(at_once.misfits) == set(one_by_one.misfits)
    assert at_once.numbers.count == one_by_one.numbers.count
    assert (at_once.numbers.least, at_once.numbers.largest) == (one_by_one.numbers.least, one_by_one.numbers.largest)


def test_labels_beyond_those_that_are_kept_are_estimated_as_they_come() -> None:
    texts = [f"k{number}" for number in range(5000)]
    few, many = ColumnStatistics(most_kept=300), ColumnStatistics(most_kept=300)
    few.add([*texts, *texts[:100]])
    for start in range(0, 5000, 50):
        many.add(texts[start : start + 50])
    many.add(texts[:100])
    assert few.labels == many.labels
    assert list(few.labels) == texts[:300]
    assert few.unique_values_count == many.unique_values_count == pytest.approx(5000, rel=0.02)
