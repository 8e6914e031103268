"""Box plots: upright with outliers, or lying with the lines themselves."""

from __future__ import annotations

import numpy as np

from ml.graphs.kinds.slots import Slot, Stand, hue_channel, slot_cells, slot_head, slot_name
from ml.graphs.look import Look, Spec
from ml.graphs.material import Floats, Numbers, said
from ml.graphs.picture import Cell, Drawn, Figures, each, layered, size_of
from ml.graphs.scene import MOST_POINTS, Panel, Scene, some
from ml.graphs.statistics.spread import Box, box

Boxes = dict[Panel, list[tuple[Slot, Box]]]
HEAD = ["lines", "mean", "least", "low whisker", "lower quartile", "median", "upper quartile", "high whisker", "most"]
MOST_OUTLIERS = 600


def draw(scene: Scene, look: Look) -> Drawn:
    """Types 8 and 12."""
    lying = scene.spec.graph_type == 12
    stand = Stand("y", "x") if lying else Stand("x", "y")
    column = scene.numbers(stand.values)
    assert column is not None
    boxes: Boxes = {
        panel: [(slot, box(column.values[slot.rows])) for slot in stand.slots(scene, panel)] for panel in scene.panels
    }
    axes, size, hue = stand.axes(scene, column, scene.span(stand.values)), size_of(scene), hue_channel(scene, look)
    notes: list[str] = []
    lines = scene.sample(MOST_POINTS) if lying else {}

    def panel_of(panel: Panel) -> Spec:
        layers = _box_layers(stand, boxes[panel], hue, look)
        if lying:
            layers.insert(0, _lines(stand, column, boxes[panel], lines[panel], look))
        else:
            layers.append(_outliers(stand, boxes, panel, look, notes))
        return layered(scene, panel, layers, size, **axes)

    return Drawn(each(scene, panel_of), [_figures(scene, stand, boxes)], finding(boxes, column), notes)


def _box_layers(stand: Stand, boxes: list[tuple[Slot, Box]], hue: Spec, look: Look) -> list[Spec]:
    half = 0.42
    bodies: list[dict[str, object]] = []
    middles: list[dict[str, object]] = []
    whiskers: list[dict[str, object]] = []
    for slot, found in boxes:
        start, end = slot.middle - half * slot.width, slot.middle + half * slot.width
        bodies.append({"start": start, "end": end, "low": found.q1, "high": found.q3, "hue": slot.hue})
        middles.append({"start": start, "end": end, "low": found.median, "high": found.median})
        for low, high in ((found.low, found.q1), (found.q3, found.high)):
            whiskers.append({"start": slot.middle, "end": slot.middle, "low": low, "high": high})
        for bound in (found.low, found.high):
            ends = {"start": (start + slot.middle) / 2, "end": (end + slot.middle) / 2}
            whiskers.append({**ends, "low": bound, "high": bound})
    ink: Spec = {"color": look.ink, "strokeWidth": 1}
    return [
        stand.rule(whiskers, ink),
        stand.rect(bodies, {"stroke": look.ink, "strokeWidth": 1, "opacity": 0.9}, color=hue),
        stand.rule(middles, {"color": look.ink, "strokeWidth": 2}),
    ]


def _outliers(stand: Stand, boxes: Boxes, panel: Panel, look: Look, notes: list[str]) -> Spec:
    total = sum(len(found.outliers) for of_panel in boxes.values() for _, found in of_panel)
    share = min(1.0, MOST_OUTLIERS / max(1, total))
    if share < 1 and not notes:
        notes.append(f"Of {total} outliers about {MOST_OUTLIERS} are drawn, always the outermost; all are counted.")
    values: list[dict[str, object]] = []
    for slot, found in boxes[panel]:
        for value in _fewer(found.outliers, share):
            values.append({"at": slot.middle, "value": float(value)})
    return stand.point(values, {"size": 9, "color": look.ink, "opacity": 0.55})


def _fewer(outliers: Floats, share: float) -> Floats:
    most = max(2, round(len(outliers) * share))
    if len(outliers) <= most:
        return outliers
    kept = some(np.arange(1, len(outliers) - 1), most - 2)
    ends: Floats = outliers[[0, -1]]
    return np.concatenate([ends[:1], outliers[kept], ends[1:]])


def _lines(stand: Stand, column: Numbers, boxes: list[tuple[Slot, Box]], chosen: np.ndarray, look: Look) -> Spec:
    values: list[dict[str, object]] = []
    for slot, _ in boxes:
        rows = np.intersect1d(slot.rows, chosen, assume_unique=True)
        # Golden-ratio steps spread points evenly over the slot, without any two side by side in a row.
        away = ((np.arange(len(rows)) * 0.6180339887) % 1 - 0.5) * 0.8 * slot.width
        for row, off in zip(rows, away, strict=True):
            values.append({"at": slot.middle + float(off), "value": float(column.values[row])})
    return stand.point(values, {"size": 8, "color": look.quiet, "opacity": 0.6})


def _figures(scene: Scene, stand: Stand, boxes: Boxes) -> Figures:
    rows: list[list[Cell]] = []
    for panel, of_panel in boxes.items():
        for slot, found in of_panel:
            told = [found.count, found.mean, found.least, found.low, found.q1, found.median, found.q3, found.high]
            cells = slot_cells(scene, stand, panel, slot)
            rows.append([*cells, *told, found.most, len(found.outliers)])
    return Figures("The boxes", [*slot_head(scene, stand), *HEAD, "outliers"], rows)


def finding(boxes: Boxes, column: Numbers) -> str:
    """Which group has the highest and which the lowest median."""
    every = [(slot, found) for of_panel in boxes.values() for slot, found in of_panel]
    if len(every) == 1:
        return f"the median of {column.name} is {said(every[0][1].median)}"
    if len({found.median for _, found in every}) == 1:
        return f"the median of {column.name} is {said(every[0][1].median)} in every group"
    (low, of_low), (high, of_high) = (way(every, key=lambda pair: pair[1].median) for way in (min, max))
    return (
        f"the median of {column.name} is highest for {slot_name(high)} ({said(of_high.median)})"
        f" and lowest for {slot_name(low)} ({said(of_low.median)})"
    )
