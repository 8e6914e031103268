"""Every type of graph as a picture: valid Vega-Lite, drawn by the converter, with figures beside it."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.graphs.draw import MOST_ROWS
from ml.graphs.scene import MOST_POINTS
from ml.rules.graph_types import GRAPH_TYPES
from ml.rules.graphs import UnfitGraph
from ml.tests.graphs.conftest import labels, numbers

PANELS = {"col": "sex", "row": "diet", "animation_frame": "children"}
# Each type with every dimension it has.
FULL = {
    1: {"x": "age", "y": "income", "z": "score", "hue": "city", "size": "score", "style": "sex", **PANELS},
    2: {"x": "day", "y": "income", "hue": "city", "size": "sex", "style": "diet", **PANELS},
    3: {"x": "age", "y": "income", "z": "score", **PANELS},
    4: {"x": "income", "hue": "city", **PANELS},
    5: {"x": "day", "y": "income", "z": "score", **PANELS},
    6: {"x": "age", "y": "income", "z": "score", "hue": "day", "size": "score", "style": "sex", **PANELS},
    7: {"x": "age", "y": "income", "hue": "city", **PANELS},
    8: {"x": "city", "y": "income", "hue": "sex", **PANELS},
    9: {"x": "city", "y": "income", "hue": "sex", "row": "diet", "animation_frame": "children"},
    10: {"x": "city", "y": "income", "hue": "sex", "col": "diet", "animation_frame": "children"},
    11: {"x": "city", "y": "income", "hue": "sex", **PANELS},
    12: {"x": "income", "y": "city", "hue": "sex", **PANELS},
    13: {"x": "income", "y": "city", "hue": "sex", **PANELS},
}
PLAIN = {
    number: {name: column for name, column in given.items() if GRAPH_TYPES[number].takes[name].required}
    for number, given in FULL.items()
}


@pytest.fixture(scope="session")
def is_vega_lite():
    """Says what is wrong with a specification, by the schema that Vega-Lite publishes."""
    altair = pytest.importorskip("altair", reason="deploy/setup.sh test installs the schema")
    from jsonschema import Draft7Validator

    schema = Path(altair.__file__).parent / "vegalite/v6/schema/vega-lite-schema.json"
    validator = Draft7Validator(json.loads(schema.read_text()))
    return lambda picture: [error.message[:300] for error in validator.iter_errors(picture)]


def svg_of(drawing):
    import vl_convert

    return vl_convert.vegalite_to_svg(drawing.picture, vl_version="6.1")


def values_in(picture):
    """All values that the browser or converter is given."""
    if isinstance(picture, dict):
        own = picture.get("data", {}).get("values", [])
        return len(own) + sum(values_in(part) for name, part in picture.items() if name != "data")
    return sum(values_in(part) for part in picture) if isinstance(picture, list) else 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("number", FULL)
def test_a_type_with_all_its_dimensions_is_valid_vega_lite(drawn, is_vega_lite, number, theme):
    assert is_vega_lite(drawn(number, theme=theme, **FULL[number]).picture) == []


@pytest.mark.parametrize("number", FULL)
def test_a_type_with_what_it_needs_is_valid_vega_lite(drawn, is_vega_lite, number):
    assert is_vega_lite(drawn(number, **PLAIN[number]).picture) == []


@pytest.mark.parametrize("number", FULL)
def test_all_its_dimensions_are_used_by_the_examples(number):
    taken = set(GRAPH_TYPES[number].takes)
    assert taken - set(FULL[number]) <= {"col", "row"}


@pytest.mark.parametrize("number", FULL)
def test_the_converter_draws_it_without_scripts_or_foreign_addresses(drawn, number):
    svg = svg_of(drawn(number, **FULL[number]))
    assert svg.startswith("<svg")
    for refused in ("<script", "javascript:", "<foreignObject", "<style", ' style="', "@import"):
        assert refused not in svg
    assert "http" not in svg.replace("http://www.w3.org/", "")
    assert "NaN" not in svg


@pytest.mark.parametrize("number", FULL)
def test_what_it_says_is_json_with_a_table_and_a_sentence(drawn, number):
    told = drawn(number, **FULL[number]).told()
    json.dumps(told, allow_nan=False)
    assert any(figures["rows"] for figures in told["figures"])
    assert all(len(row) == len(figures["head"]) for figures in told["figures"] for row in figures["rows"])
    assert GRAPH_TYPES[number].name in told["summary"]


@pytest.mark.parametrize("number", FULL)
def test_a_large_table_never_goes_into_the_picture(drawn, people, number):
    many = {name: type(column)(column.name, column.kind, *_repeated(column, 200)) for name, column in people.items()}
    drawing = drawn(number, table=many, **PLAIN[number])
    assert values_in(drawing.picture) < 4 * MOST_POINTS
    assert drawing.lines > 50_000
    assert all(len(figures["rows"]) <= MOST_ROWS for figures in drawing.told()["figures"])


def _repeated(column, times):
    if column.kind == "LABEL":
        return np.tile(column.codes, times), column.names
    return (np.tile(column.values, times),)


def test_the_same_graph_is_drawn_the_same_every_time(drawn):
    assert drawn(1, **FULL[1]).picture == drawn(1, **FULL[1]).picture


def test_lines_that_lack_a_value_are_left_out_and_counted(drawn):
    drawing = drawn(8, x="sex", y="income")
    assert drawing.lines == 393
    assert "7 of 400 lines lack one of the values and are left out." in drawing.notes


def test_only_the_most_frequent_groups_are_drawn_and_the_others_named(drawn):
    codes = np.concatenate([np.repeat(np.arange(40), 5), np.zeros(50)])
    table = {"shop": labels("shop", codes, [f"shop {place}" for place in range(40)]), "n": numbers("n", codes)}
    drawing = drawn(13, table=table, y="shop")
    assert len(drawing.figures[0].rows) == 30
    assert "10 rarer ones are left out" in drawing.notes[0]


def test_bars_stand_in_the_order_of_their_length(drawn):
    rows = drawn(13, y="city", x="income", statistic="median").figures[0].rows
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)


@pytest.mark.parametrize("statistic", ["mean", "sum", "median", "count"])
def test_a_bar_is_the_statistic_that_was_asked_for(drawn, people, statistic):
    row = next(row for row in drawn(13, y="sex", x="age", statistic=statistic).figures[0].rows if row[0] == "m")
    values = people["age"].values[people["sex"].codes == 1]
    wanted = {"mean": values.mean(), "sum": values.sum(), "median": np.median(values), "count": len(values)}
    assert row[1 if statistic == "count" else 2] == pytest.approx(wanted[statistic])


def test_groups_alike_are_not_called_higher_or_lower(drawn):
    table = {"kind": labels("kind", np.arange(20) % 2, ["a", "b"]), "n": numbers("n", np.full(20, 3.0))}
    assert "the median of n is 3 in every group" in drawn(8, table=table, x="kind", y="n").summary


def test_many_panels_go_on_in_another_line(drawn):
    table = {"kind": labels("kind", np.arange(80) % 8, list("abcdefgh")), "n": numbers("n", np.arange(80))}
    picture = drawn(8, table=table, x="kind", y="n", col="kind").picture
    assert (len(picture["concat"]), picture["columns"]) == (8, 4)


def test_years_are_written_without_a_comma(drawn):
    table = {"year": numbers("year", 2000 + np.arange(20)), "n": numbers("n", np.arange(20.0))}
    drawing = drawn(2, table=table, x="year", y="n")
    assert ">2000<" in svg_of(drawing)
    assert "at 2000 " in drawing.summary


def test_a_log_scale_without_anything_above_zero_is_refused(drawn):
    with pytest.raises(UnfitGraph, match="has none"):
        drawn(4, table={"loss": numbers("loss", [-3, -2, 0])}, x="loss")


def test_lines_a_log_scale_cannot_show_are_counted(drawn):
    drawing = drawn(4, table={"gain": numbers("gain", [-3, 0, 1, 10, 100])}, x="gain")
    assert drawing.notes == ["2 lines are zero or less, which a log scale cannot show."]
    assert sum(row[-1] for row in drawing.figures[0].rows) == 3
    assert "half of gain is below 10;" in drawing.summary


def test_columns_that_never_go_together_are_refused(drawn):
    nan = np.nan
    table = {"a": numbers("a", [1, 2, nan, nan]), "b": numbers("b", [nan, nan, 1, 2])}
    with pytest.raises(UnfitGraph, match="No line"):
        drawn(3, table=table, x="a", y="b")


def test_frames_are_the_groups_and_the_named_one_is_drawn(drawn):
    drawing = drawn(8, x="sex", y="income", animation_frame="diet", frame="no fat")
    assert (drawing.frames, drawing.frame) == (["low fat", "no fat", "none"], "no fat")
    assert drawing.lines < 393


def test_an_unknown_frame_is_the_first(drawn):
    assert drawn(8, x="sex", y="income", animation_frame="diet", frame="?").frame == "low fat"


def test_all_frames_have_the_same_axes(drawn):
    first, last = (drawn(13, x="income", y="sex", animation_frame="diet", frame=f) for f in ("none", "no fat"))
    domain = [d.picture["layer"][0]["encoding"]["x"]["scale"]["domain"] for d in (first, last)]
    assert domain[0] == domain[1]


def test_dates_make_frames_of_the_finest_unit_that_is_not_too_many(drawn):
    assert drawn(8, x="sex", y="income", animation_frame="day").frames[:2] == ["2020-09", "2020-10"]


def test_a_series_with_one_line_a_day_is_drawn_day_by_day(drawn):
    days = 1.6e9 // 86400 * 86400 + 86400 * np.arange(365)
    table = {"day": numbers("day", days, "DATE"), "price": numbers("price", np.arange(365.0))}
    assert len(drawn(2, table=table, x="day", y="price").figures[0].rows) == 365


def test_groups_of_numbers_stand_in_the_order_of_their_size(drawn):
    table = {"dose": labels("dose", np.arange(20) % 3, ["10", "9", "100"]), "y": numbers("y", np.arange(20))}
    assert [row[0] for row in drawn(8, table=table, x="dose", y="y").figures[0].rows] == ["9", "10", "100"]


@pytest.mark.parametrize("number", FULL)
def test_names_are_text_whatever_they_hold(drawn, is_vega_lite, number, people):
    odd = "\"];alert(1)//<script>'\\ [0].x ${y} \n é 漢"
    table = {}
    for name, column in people.items():
        called = f"{name}{odd}"
        if column.kind == "LABEL":
            table[called] = labels(called, column.codes, [f"{label}{odd}" for label in column.names])
        else:
            table[called] = numbers(called, column.values, column.kind)
    drawing = drawn(number, table=table, **{key: f"{name}{odd}" for key, name in PLAIN[number].items()})
    assert is_vega_lite(drawing.picture) == []
    svg = svg_of(drawing)
    assert "<script" not in svg
    assert "undefined" not in svg


@pytest.mark.parametrize("number", FULL)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_no_table_breaks_a_type(drawn, is_vega_lite, number, data):
    count = data.draw(st.integers(1, 12))
    size = {"min_size": count, "max_size": count}
    value = st.one_of(st.floats(-1e150, 1e150), st.sampled_from([0.0, 1.0, -5.0, np.nan]))
    floats = {name: numbers(name, data.draw(st.lists(value, **size))) for name in ("age", "income", "score")}
    moment = st.one_of(st.just(np.nan), st.integers(-(2**36), 2**36).map(float))
    codes = {name: data.draw(st.lists(st.integers(-1, 1), **size)) for name in ("city", "sex", "diet")}
    table = {
        **floats,
        "day": numbers("day", data.draw(st.lists(moment, **size)), "DATETIME"),
        "children": numbers("children", data.draw(st.lists(st.integers(0, 2), **size))),
        **{name: labels(name, np.array(given), ["a", "b"]) for name, given in codes.items()},
    }
    try:
        drawing = drawn(number, table=table, **data.draw(st.sampled_from([PLAIN[number], FULL[number]])))
    except UnfitGraph:
        return
    json.dumps(drawing.picture, allow_nan=False)
    json.dumps(drawing.told(), allow_nan=False)
