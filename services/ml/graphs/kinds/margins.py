"""A panel with the spread of x above it and the spread of y beside it."""

from __future__ import annotations

import numpy as np

from ml.graphs.look import Look, Spec, axis_of
from ml.graphs.material import Floats, Numbers
from ml.graphs.picture import Size, layer
from ml.graphs.scene import Panel, Scene
from ml.graphs.statistics.spread import bin_edges, density

MARGIN, GAP = 46, 4


def with_margins(scene: Scene, panel: Panel, middle: Spec, look: Look, size: Size, *, curve: bool = False) -> Spec:
    """`middle` with a histogram above and one beside it; with `curve`, the density over each."""
    above = {"width": size.width, "height": MARGIN, **_margin(scene, panel, "x", look, curve=curve)}
    beside = {"width": MARGIN, "height": size.height, **_margin(scene, panel, "y", look, curve=curve)}
    row = {"hconcat": [middle, beside], "spacing": GAP}
    return {"vconcat": [above, row], "spacing": GAP, "bounds": "flush"}


def _margin(scene: Scene, panel: Panel, dimension: str, look: Look, *, curve: bool) -> Spec:
    column = scene.numbers(dimension)
    assert column is not None
    values = scene.values(dimension, panel)
    along, count = ("x", "y") if dimension == "x" else ("y", "x")
    axis = axis_of(along, column, scene.span(dimension))
    bars = _bars(values) if len(values) else []
    highest = max((bar["count"] for bar in bars), default=1.0)
    away = {"type": "quantitative", "axis": None, "scale": {"domain": [0, highest * 1.05], "nice": False}}
    along_axis = {**axis, "axis": None}
    layers = [
        layer(
            {"type": "rect", "color": look.first, "opacity": 0.55},
            bars,
            **{
                along: {**along_axis, "field": "low"},
                f"{along}2": {"field": "high"},
                count: {**away, "field": "count"},
                f"{count}2": {"datum": 0},
            },
        )
    ]
    if curve and len(values) > 2:
        layers.append(_curve(values, highest, along_axis, away, along, count, look))
    return {"layer": layers, "view": {"stroke": None}}


def _bars(values: Floats) -> list[dict[str, float]]:
    edges = bin_edges(values, least=8, most=40)
    counts, _ = np.histogram(values, edges)
    return [
        {"low": float(low), "high": float(high), "count": float(count)}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
        if count
    ]


def _curve(values: Floats, highest: float, axis: Spec, away: Spec, along: str, count: str, look: Look) -> Spec:
    places, heights = density(values)
    step = (places[-1] - places[0]) / max(1, len(bin_edges(values, least=8, most=40)) - 1)
    shown = np.minimum(heights * len(values) * step, highest * 1.05)
    points = [{"at": float(at), "count": float(height)} for at, height in zip(places, shown, strict=True)]
    mark = {
        "type": "line",
        "color": look.ink,
        "strokeWidth": 1.2,
        "orient": "horizontal" if along == "y" else "vertical",
    }
    return layer(
        mark,
        points,
        **{along: {**axis, "field": "at"}, count: {**away, "field": "count"}},
        order={"field": "at", "type": "quantitative"},
    )


def spread_rows(column: Numbers, values: Floats) -> list[float | int | str | None]:
    """Lines, mean, deviation and quartiles of a column, for a table of figures."""
    if not len(values):
        return [0, None, None, None, None, None]
    quartiles = [column.shown(float(value)) for value in np.quantile(values, (0.25, 0.5, 0.75))]
    return [len(values), column.shown(float(values.mean())), float(values.std()), *quartiles]


SPREAD_HEAD = ["lines", "mean", "deviation", "lower quartile", "median", "upper quartile"]
