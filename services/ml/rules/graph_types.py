"""The 13 graph types by their original names, and what each takes along each of its dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """How a column can be drawn."""

    NUMBER = "number"
    MOMENT = "moment"
    GROUPS = "groups"


# In the order of a form; `color` is the older word for `hue`.
DIMENSIONS = ("x", "y", "z", "hue", "color", "size", "style", "col", "row", "animation_frame")
MOST_SHAPES = 8
MOST_WIDTHS = 6
MOST_PANELS = 12
MOST_FRAMES = 60
# A number of so few different values can also be read as groups.
FEW_VALUES = 24
# Of longer lists the most frequent are drawn, and the others counted.
MOST_ON_AXIS = 30
MOST_HUES = 24


@dataclass(frozen=True, slots=True)
class Takes:
    """What a dimension of a type takes: columns that can be one of `parts`, and what becomes of them."""

    parts: tuple[Part, ...]
    means: str
    required: bool = False
    # More different values are refused; without a bound the most frequent are drawn.
    most: int | None = None
    exactly: int | None = None

    @property
    def needs(self) -> str:
        """In words."""
        words = {
            Part.NUMBER: "a number (FLOAT)",
            Part.MOMENT: "a date or time",
            Part.GROUPS: "groups (LABEL, or few different values)",
        }
        return " or ".join(words[part] for part in self.parts)


@dataclass(frozen=True, slots=True)
class GraphType:
    """A type of graph: its original number and name, what it shows, and its dimensions."""

    number: int
    name: str
    shows: str
    takes: Mapping[str, Takes]
    has_statistic: bool = False

    @property
    def required(self) -> list[str]:
        """The dimensions without which there is nothing to draw."""
        return [dimension for dimension, takes in self.takes.items() if takes.required]


_NUMBER, _MOMENT, _GROUPS = (Part.NUMBER,), (Part.MOMENT,), (Part.GROUPS,)
_PANELS = {
    "col": Takes(_GROUPS, "a panel each, side by side", most=MOST_PANELS),
    "row": Takes(_GROUPS, "a panel each, below each other", most=MOST_PANELS),
    "animation_frame": Takes((Part.GROUPS, Part.MOMENT), "a picture each, one after the other", most=MOST_FRAMES),
}
_COLOURED = Takes(_GROUPS, "colour")
_SHAPED = Takes(_GROUPS, "shape of the points", most=MOST_SHAPES)


def _x(*parts: Part, means: str = "across") -> Takes:
    return Takes(parts, means, required=True)


def _y(*parts: Part, means: str = "upwards") -> Takes:
    return Takes(parts, means, required=True)


_ANY_NUMBER = (Part.NUMBER, Part.MOMENT)

GRAPH_TYPES: Mapping[int, GraphType] = {
    kind.number: kind
    for kind in (
        GraphType(
            1,
            "Scatterplot with multiple semantics",
            "each line as a point; colour, size and shape say more of it, z makes it three-dimensional",
            {
                "x": _x(*_ANY_NUMBER),
                "y": _y(*_ANY_NUMBER),
                "z": Takes(_NUMBER, "depth"),
                "hue": Takes((Part.GROUPS, *_ANY_NUMBER), "colour"),
                "size": Takes(_NUMBER, "size of the points"),
                "style": _SHAPED,
                **_PANELS,
            },
        ),
        GraphType(
            2,
            "Timeseries plot with error bands",
            "the mean of y as x goes on, with the band in which it lies at 95 %",
            {
                "x": _x(Part.MOMENT, Part.NUMBER, means="time, across"),
                "y": _y(Part.NUMBER),
                "hue": _COLOURED,
                "size": Takes(_GROUPS, "width of the lines", most=MOST_WIDTHS),
                "style": Takes(_GROUPS, "dashes of the lines", most=MOST_SHAPES),
                **_PANELS,
            },
        ),
        GraphType(
            3,
            "Hexbin plot with marginal distributions",
            "how many lines (or which mean of z) fall into each hexagon, and how x and y are spread",
            {
                "x": _x(Part.NUMBER),
                "y": _y(Part.NUMBER),
                "z": Takes(_NUMBER, "mean in each hexagon, as its colour"),
                **_PANELS,
            },
        ),
        GraphType(
            4,
            "Stacked histogram on a log scale",
            "how x is spread over powers of ten, stacked by colour",
            {"x": _x(Part.NUMBER), "hue": _COLOURED, **_PANELS},
        ),
        GraphType(
            5,
            "Bivariate plot with multiple elements",
            "points, counts in a grid (or the mean of z) and lines around where most lines are",
            {
                "x": _x(*_ANY_NUMBER),
                "y": _y(*_ANY_NUMBER),
                "z": Takes(_NUMBER, "mean in each cell, as its colour"),
                **_PANELS,
            },
        ),
        GraphType(
            6,
            "Scatterplot with continuous hues and sizes",
            "each line as a point, whose colour and size are numbers too",
            {
                "x": _x(*_ANY_NUMBER),
                "y": _y(*_ANY_NUMBER),
                "z": Takes(_NUMBER, "depth"),
                "hue": Takes(_ANY_NUMBER, "colour, from low to high", required=True),
                "size": Takes(_NUMBER, "size of the points"),
                "style": _SHAPED,
                **_PANELS,
            },
        ),
        GraphType(
            7,
            "Linear regression with marginal distributions",
            "the straight line through the points, the band in which it lies at 95 %, and how x and y are spread",
            {
                "x": _x(Part.NUMBER),
                "y": _y(Part.NUMBER),
                "hue": Takes(_GROUPS, "a line each, by colour", most=MOST_SHAPES),
                **_PANELS,
            },
        ),
        GraphType(
            8,
            "Grouped boxplots",
            "median, quartiles and outliers of y in each group",
            {"x": _x(Part.GROUPS), "y": _y(Part.NUMBER), "hue": _COLOURED, **_PANELS},
        ),
        GraphType(
            9,
            "Grouped violinplots with split violins",
            "how y is spread in each group, one half for each of two colours",
            {
                "x": _x(Part.GROUPS),
                "y": _y(Part.NUMBER),
                "hue": Takes(_GROUPS, "the two halves, by colour", required=True, exactly=2),
                **_PANELS,
            },
        ),
        GraphType(
            10,
            "Plotting a three-way ANOVA",
            "means of y with 95 % intervals over three factors, and whether each factor matters",
            {
                "x": _x(Part.GROUPS, means="first factor, across"),
                "y": _y(Part.NUMBER),
                "hue": Takes(_GROUPS, "second factor, by colour", required=True),
                "col": Takes(_GROUPS, "third factor, a panel each", required=True, most=MOST_PANELS),
                "row": _PANELS["row"],
                "animation_frame": _PANELS["animation_frame"],
            },
        ),
        GraphType(
            11,
            "Plotting large distributions",
            "letter values: boxes for ever smaller shares of the lines, as far as their number bears",
            {"x": _x(Part.GROUPS), "y": _y(Part.NUMBER), "hue": _COLOURED, **_PANELS},
        ),
        GraphType(
            12,
            "Horizontal boxplot with observations",
            "median, quartiles and the lines themselves in each group",
            {
                "x": _x(Part.NUMBER),
                "y": _y(Part.GROUPS, means="downwards"),
                "hue": _COLOURED,
                **_PANELS,
            },
        ),
        GraphType(
            13,
            "Horizontal bar plots",
            "a bar for each group: how many lines, or the mean, sum or median of x",
            {
                "x": Takes(_NUMBER, "length of the bars; without it lines are counted"),
                "y": _y(Part.GROUPS, means="downwards"),
                "hue": _COLOURED,
                **_PANELS,
            },
            has_statistic=True,
        ),
    )
}
STATISTICS = ("mean", "sum", "median", "count")
