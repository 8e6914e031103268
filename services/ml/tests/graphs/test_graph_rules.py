"""Which columns a graph takes, and the words in which others are refused."""

import pytest

from ml.rules.graph_types import DIMENSIONS, GRAPH_TYPES
from ml.rules.graphs import Facts, Specification, UnfitGraph, check, completed, specification, suggest, why_not
from ml.rules.palettes import PALETTES, seen_on

TABLE = [
    Facts("age", "FLOAT", 70),
    Facts("income", "FLOAT", 900),
    Facts("children", "FLOAT", 5),
    Facts("day", "DATE", 400),
    Facts("city", "LABEL", 340),
    Facts("sex", "LABEL", 2),
    Facts("diet", "LABEL", 3),
    Facts("note", "LANGUAGE", 990),
    Facts("key", "IGNORE", 1000),
]
NAMES = [facts.name for facts in TABLE]
ORIGINAL_NAMES = {
    1: "Scatterplot with multiple semantics",
    2: "Timeseries plot with error bands",
    3: "Hexbin plot with marginal distributions",
    4: "Stacked histogram on a log scale",
    5: "Bivariate plot with multiple elements",
    6: "Scatterplot with continuous hues and sizes",
    7: "Linear regression with marginal distributions",
    8: "Grouped boxplots",
    9: "Grouped violinplots with split violins",
    10: "Plotting a three-way ANOVA",
    11: "Plotting large distributions",
    12: "Horizontal boxplot with observations",
    13: "Horizontal bar plots",
}


def refused(graph_type, **columns):
    with pytest.raises(UnfitGraph) as caught:
        check(Specification(graph_type, columns), TABLE)
    return caught.value


def test_the_thirteen_types_keep_their_names():
    assert {number: kind.name for number, kind in GRAPH_TYPES.items()} == ORIGINAL_NAMES


def test_every_dimension_is_taken_by_some_type():
    taken = {dimension for kind in GRAPH_TYPES.values() for dimension in kind.takes}
    assert taken | {"color"} == set(DIMENSIONS)


@pytest.mark.parametrize("number", [3, 5, 7])
def test_types_that_needed_numbers_in_the_original_take_no_labels(number):
    assert {misfit.field for misfit in refused(number, x="sex", y="diet").misfits} == {"x", "y"}


def test_a_bivariate_plot_takes_dates_too():
    assert check(Specification(5, {"x": "day", "y": "income"}), TABLE)


def test_a_refusal_says_what_the_column_is_and_what_would_fit():
    said = refused(8, x="sex", y="city").misfits[0].message
    assert said == ("y takes a number (FLOAT); 'city' is LABEL: it holds labels. Would fit: age, income, children.")


def test_all_misfits_are_named_at_once():
    assert [field for field, _ in refused(9, x="note", y="key", hue="diet").fields] == ["x", "y", "hue"]


def test_a_missing_dimension_is_named():
    assert refused(10, x="sex", y="income", hue="diet").misfits[0].field == "col"


def test_a_violin_has_two_halves():
    assert "3 different values and there must be 2" in refused(9, x="city", y="income", hue="diet").detail


def test_more_panels_than_can_be_looked_at_are_refused():
    assert "340 different values" in refused(8, x="sex", y="income", col="city").detail


def test_long_axes_are_cut_and_not_refused():
    assert check(Specification(13, {"y": "city"}), TABLE)


def test_a_dimension_that_the_type_does_not_use_is_refused_with_types_that_do():
    said = refused(8, x="sex", y="income", size="age")
    assert said.field == "size"
    assert "Scatterplot" in said.detail


def test_an_unknown_column_is_refused_with_columns_that_fit():
    assert "no column 'agee'" in refused(4, x="agee").detail


def test_the_same_column_twice_is_refused():
    assert "the same column" in refused(1, x="age", y="age").detail


def test_color_is_the_older_word_for_hue():
    spec = check(Specification(8, {"x": "sex", "y": "income", "color": "diet"}), TABLE)
    assert spec.drawn["hue"] == "diet"


def test_hue_and_color_cannot_both_choose_the_colour():
    assert refused(8, x="sex", y="income", hue="diet", color="sex").field == "color"


def test_a_wrong_color_is_refused_under_the_name_it_was_given():
    assert refused(9, x="sex", y="income", color="diet").field == "color"


def test_the_originals_hue_light24_is_a_palette():
    spec = specification({"graph_type": "8", "hue": "Dark24", "x": "sex"}, NAMES)
    assert (spec.palette, spec.columns) == ("Dark24", {"x": "sex"})


def test_a_column_called_like_a_palette_is_a_column():
    assert specification({"hue": "Set2"}, [*NAMES, "Set2"]).columns == {"hue": "Set2"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"graph_type": "14"}, "graph_type"),
        ({"graph_type": "nine"}, "graph_type"),
        ({"palette": "Rainbow"}, "palette"),
        ({"statistic": "mode"}, "statistic"),
    ],
)
def test_what_there_is_not_is_refused(given, field):
    with pytest.raises(UnfitGraph) as caught:
        specification(given, NAMES)
    assert caught.value.field == field


@pytest.mark.parametrize("number", GRAPH_TYPES)
def test_what_is_suggested_can_be_drawn(number):
    found = suggest(GRAPH_TYPES[number], TABLE)
    assert found is not None
    check(found, TABLE)


def test_a_suggestion_prefers_what_is_predicted():
    assert suggest(GRAPH_TYPES[4], TABLE, favourites=["income"]).columns == {"x": "income"}


def test_a_suggestion_puts_no_yes_or_no_on_a_ruler_where_something_else_fits():
    table = [Facts("smokes", "FLOAT", 2), Facts("age", "FLOAT", 70), Facts("income", "FLOAT", 900)]
    assert set(suggest(GRAPH_TYPES[1], table).columns.values()) == {"age", "income"}
    assert suggest(GRAPH_TYPES[1], table[:2])


def test_a_series_is_suggested_over_time():
    assert suggest(GRAPH_TYPES[2], TABLE, favourites=["age"]).columns == {"x": "day", "y": "age"}


def test_an_unfit_type_says_what_the_table_lacks():
    labels = [Facts("city", "LABEL", 4), Facts("sex", "LABEL", 2)]
    assert why_not(GRAPH_TYPES[1], labels) == "needs a number (FLOAT) or a date or time for x; this table has none"
    assert why_not(GRAPH_TYPES[13], labels) is None


def test_a_type_that_needs_more_columns_than_there_are_says_so():
    assert "too few" in why_not(GRAPH_TYPES[3], [Facts("age", "FLOAT", 70)])


def test_choosing_another_type_keeps_what_fits_and_fills_the_rest():
    before = Specification(1, {"x": "age", "y": "income", "size": "children", "hue": "sex"})
    spec = completed(Specification(9, before.columns), TABLE)
    assert check(spec, TABLE)
    assert (spec.columns["y"], spec.columns["hue"]) == ("income", "sex")


@pytest.mark.parametrize("number", GRAPH_TYPES)
def test_every_type_can_be_reached_from_every_other(number):
    for other in GRAPH_TYPES.values():
        first = suggest(other, TABLE)
        check(completed(Specification(number, first.columns), TABLE), TABLE)


def test_an_address_leads_to_the_same_graph():
    spec = Specification(13, {"y": "city", "x": "income"}, palette="Set2", statistic="sum", frame="May")
    assert specification(spec.query(), NAMES) == spec


@pytest.mark.parametrize("paper", ["#ffffff", "#10161c"])
@pytest.mark.parametrize("palette", PALETTES)
def test_every_colour_can_be_seen_on_the_paper(palette, paper):
    from ml.rules.palettes import _LEAST_CONTRAST, _contrast

    assert all(_contrast(seen_on(colour, paper), paper) >= _LEAST_CONTRAST for colour in PALETTES[palette])


def test_light24_is_the_default_and_has_24_colours():
    assert Specification().palette == "Light24"
    assert len(set(PALETTES["Light24"])) == 24
