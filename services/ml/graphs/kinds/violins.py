"""Violins in two halves, one for each of two colours, with their quartiles."""

from __future__ import annotations

import numpy as np

from ml.graphs.kinds.boxes import HEAD, finding
from ml.graphs.kinds.slots import FILLED, Slot, Stand, hue_channel, slot_cells, slot_head
from ml.graphs.look import Look, Spec
from ml.graphs.material import Numbers
from ml.graphs.picture import Cell, Drawn, Figures, each, field_of, layer, layered, size_of
from ml.graphs.scene import Panel, Scene
from ml.graphs.statistics.spread import Box, box, density
from ml.rules.graphs import Misfit, UnfitGraph

_STAND = Stand("x", "y")


def draw(scene: Scene, look: Look) -> Drawn:
    """Type 9. Raises UnfitGraph where not exactly two colours are left."""
    column = scene.numbers("y")
    assert column is not None
    hues = scene.names("hue")
    if len(hues) != 2:
        raise UnfitGraph([Misfit("hue", f"A violin has two halves; {scene.name_of('hue')!r} has {len(hues)} values.")])
    slots = {panel: list(_halves(scene, panel)) for panel in scene.panels}
    boxes = {panel: [(slot, box(column.values[slot.rows])) for slot in of_panel] for panel, of_panel in slots.items()}
    axes, size, hue = _STAND.axes(scene, column, scene.span("y")), size_of(scene), hue_channel(scene, look)

    def panel_of(panel: Panel) -> Spec:
        layers = [_shapes(column, slots[panel], hues, hue, look), _quartiles(column, boxes[panel], hues, look)]
        return layered(scene, panel, layers, size, **axes)

    return Drawn(each(scene, panel_of), [_figures(scene, boxes)], finding(boxes, column))


def _halves(scene: Scene, panel: Panel) -> list[Slot]:
    names = scene.names("x")
    found = []
    for slot in _STAND.slots(scene, panel):
        found.append(Slot(slot.group, slot.hue, float(names.index(slot.group)), FILLED / 2, slot.rows))
    return found


def _shapes(column: Numbers, slots: list[Slot], hues: list[str], hue: Spec, look: Look) -> Spec:
    values: list[dict[str, object]] = []
    for number, slot in enumerate(slots):
        places, heights = density(column.values[slot.rows])
        side = -1 if slot.hue == hues[0] else 1
        wide = heights / heights.max() * slot.width if heights.max() > 0 else heights
        for at, away in zip(places, wide, strict=True):
            ends = {"start": slot.middle, "end": slot.middle + side * float(away)}
            values.append({**ends, "value": float(at), "hue": slot.hue, "half": number})
    mark = {"type": "area", "orient": "horizontal", "opacity": 0.85, "line": {"color": look.ink, "strokeWidth": 0.8}}
    return layer(
        mark,
        values,
        x=field_of("start"),
        x2={"field": "end"},
        y=field_of("value"),
        color=hue,
        detail={"field": "half", "type": "nominal"},
    )


def _quartiles(column: Numbers, boxes: list[tuple[Slot, Box]], hues: list[str], look: Look) -> Spec:
    values: list[dict[str, object]] = []
    for slot, found in boxes:
        places, heights = density(column.values[slot.rows])
        side = -1 if slot.hue == hues[0] else 1
        for value, is_middle in ((found.q1, 0), (found.median, 1), (found.q3, 0)):
            away = float(np.interp(value, places, heights)) / max(float(heights.max()), 1e-300) * slot.width
            ends = {"start": slot.middle, "end": slot.middle + side * away}
            values.append({**ends, "low": value, "high": value, "middle": is_middle})
    width = {"field": "middle", "type": "nominal", "scale": {"domain": [0, 1], "range": [0.8, 2]}, "legend": None}
    return _STAND.rule(values, {"color": look.ink}, size=width)


def _figures(scene: Scene, boxes: dict[Panel, list[tuple[Slot, Box]]]) -> Figures:
    rows: list[list[Cell]] = []
    for panel, of_panel in boxes.items():
        for slot, found in of_panel:
            told = [found.count, found.mean, found.least, found.q1, found.median, found.q3, found.most]
            rows.append([*slot_cells(scene, _STAND, panel, slot), *told])
    head = [word for word in HEAD if "whisker" not in word]
    return Figures("The halves", [*slot_head(scene, _STAND), *head], rows)
