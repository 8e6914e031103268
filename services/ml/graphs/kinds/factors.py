"""Three factors: means with their intervals joined by colour, a panel for the third; and the analysis of variance."""

from __future__ import annotations

import numpy as np

from ml.graphs.kinds.slots import FILLED, Slot, Stand, hue_channel, slot_cells, slot_head
from ml.graphs.look import Look, Spec
from ml.graphs.material import Codes, Groups, Numbers
from ml.graphs.picture import Cell, Drawn, Figures, each, field_of, layer, layered, size_of
from ml.graphs.scene import Panel, Scene
from ml.graphs.statistics.anova import Anova, anova
from ml.graphs.statistics.means import means, span_of

_STAND = Stand("x", "y")
FACTORS = ("x", "hue", "col")
Point = tuple[Slot, float, float | None, float | None]


def draw(scene: Scene, look: Look) -> Drawn:
    """Type 10."""
    column = scene.numbers("y")
    assert column is not None
    points = {panel: _points(scene, panel, column) for frame in scene.every_frame for panel in frame}
    every = np.array([mean for of_panel in points.values() for _, mean, _, _ in of_panel])
    bounds = np.array([end for of_panel in points.values() for _, _, *ends in of_panel for end in ends], dtype=float)
    span = span_of(every, bounds)
    mean_of = Numbers(f"mean of {column.name}", "FLOAT", column.values)
    axes = _STAND.axes(scene, mean_of, span)
    size, hue = size_of(scene), hue_channel(scene, look)

    def panel_of(panel: Panel) -> Spec:
        return layered(scene, panel, _layers(points[panel], span, hue, look), size, **axes)

    shown = {panel: points[panel] for panel in scene.panels}
    variance = _variance(scene, column)
    figures = [_means(scene, shown), *_variances(scene, variance)]
    return Drawn(each(scene, panel_of), figures, _finding(scene, variance))


def _points(scene: Scene, panel: Panel, column: Numbers) -> list[Point]:
    found: list[Point] = []
    for slot in _STAND.slots(scene, panel):
        of_slot = means(column.values[slot.rows], np.zeros(len(slot.rows), dtype=np.int32), 1)
        mean, low, high = float(of_slot.mean[0]), float(of_slot.low[0]), float(of_slot.high[0])
        # Close together, so that the lines between the groups can be followed.
        near = Slot(slot.group, slot.hue, _nearer(slot, scene), slot.width, slot.rows)
        found.append((near, mean, None if low != low else low, None if high != high else high))
    return found


def _nearer(slot: Slot, scene: Scene) -> float:
    group = scene.names("x").index(slot.group)
    return group + (slot.middle - group) * 0.35 / FILLED


def _layers(points: list[Point], span: tuple[float, float], hue: Spec, look: Look) -> list[Spec]:
    least, most = span
    values: list[dict[str, object]] = [
        {"at": slot.middle, "value": mean, "hue": slot.hue} for slot, mean, _, _ in points
    ]
    reaches: list[dict[str, object]] = [
        {"start": slot.middle, "end": slot.middle, "low": max(least, low), "high": min(most, high), "hue": slot.hue}
        for slot, _, low, high in points
        if low is not None and high is not None
    ]
    line = layer("line", values, x=field_of("at"), y=field_of("value"), color=hue)
    return [
        line,
        _STAND.rule(reaches, {"strokeWidth": 2}, color={**hue, "legend": None}),
        _STAND.point(values, {"size": 55, "stroke": look.ink, "strokeWidth": 0.5, "opacity": 1}, color=hue),
    ]


def _variance(scene: Scene, column: Numbers) -> Anova | None:
    rows = np.concatenate([panel.rows for panel in scene.panels])
    factors: list[Codes] = []
    for dimension in FACTORS:
        found = scene.columns[dimension]
        assert isinstance(found, Groups)
        factors.append(found.codes[rows])
    return anova(column.values[rows], factors)


def _variances(scene: Scene, found: Anova | None) -> list[Figures]:
    if found is None:
        return []
    rows: list[list[Cell]] = []
    for effect in found.effects:
        share = effect.sum_of_squares / found.total if found.total else None
        rows.append([_named(scene, effect.factors), effect.freedom, effect.sum_of_squares, effect.f, effect.p, share])
    rest = found.residual / found.total if found.total else None
    rows.append(["what is left", found.residual_freedom, found.residual, None, None, rest])
    head = ["factor", "degrees of freedom", "sum of squares", "F", "p", "share explained"]
    return [Figures("Analysis of variance (type II)", head, rows)]


def _named(scene: Scene, factors: tuple[int, ...]) -> str:
    return " × ".join(scene.name_of(FACTORS[place]) for place in factors)


def _means(scene: Scene, points: dict[Panel, list[Point]]) -> Figures:
    rows: list[list[Cell]] = [
        [*slot_cells(scene, _STAND, panel, slot), len(slot.rows), mean, low, high]
        for panel, of_panel in points.items()
        for slot, mean, low, high in of_panel
    ]
    title = "Means with the bounds in which they lie at 95 %"
    return Figures(title, [*slot_head(scene, _STAND), "lines", "mean", "low", "high"], rows)


def _finding(scene: Scene, found: Anova | None) -> str:
    if found is None:
        return "too few lines for an analysis of variance: there must be more lines than combinations of the factors"
    clear = [effect for effect in found.effects if effect.p is not None and effect.p < 0.05]
    if not clear:
        return "none of the factors explains more than chance would"
    said = [f"{_named(scene, effect.factors)} ({effect.sum_of_squares / found.total:.1%})" for effect in clear]
    return f"more than chance is explained by {', '.join(said)}"
