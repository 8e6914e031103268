"""Lying bars: how many lines each group has, or the mean, sum or median of a number in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ml.graphs.kinds.slots import Slot, Stand, hue_channel, slot_cells, slot_head, slot_name
from ml.graphs.look import Look, Spec
from ml.graphs.material import Groups, Numbers, said
from ml.graphs.picture import Cell, Drawn, Figures, each, layered, size_of
from ml.graphs.scene import Panel, Scene
from ml.graphs.statistics.means import means

_STAND = Stand("y", "x")
Bar = tuple[Slot, float, float | None, float | None]


def draw(scene: Scene, look: Look) -> Drawn:
    """Type 13."""
    way = scene.spec.statistic if scene.numbers("x") else "count"
    scene = _largest_first(scene, way)
    bars = {panel: _bars(scene, panel, way) for frame in scene.every_frame for panel in frame}
    ends = [end for of in bars.values() for bar in of for end in bar[1:] if end is not None]
    said = Numbers(_said(scene, way), "FLOAT", np.zeros(0))
    axes = _STAND.axes(scene, said, (min(0.0, *ends), max(0.0, *ends)))
    size, hue = size_of(scene), hue_channel(scene, look)
    height = max(size.height, min(900, 14 * len(scene.names("y")) * _beside(scene)))

    def panel_of(panel: Panel) -> Spec:
        return layered(scene, panel, _layers(bars[panel], hue, look), replace(size, height=height), **axes)

    shown = {panel: bars[panel] for panel in scene.panels}
    return Drawn(each(scene, panel_of), [_figures(scene, shown, way)], _finding(scene, shown, way))


def _said(scene: Scene, way: str) -> str:
    return "lines" if way == "count" else f"{way} of {scene.name_of('x')}"


def _beside(scene: Scene) -> int:
    hue = scene.groups("hue")
    return len(hue.names) if hue and hue.name != scene.name_of("y") else 1


def _largest_first(scene: Scene, way: str) -> Scene:
    """The same with labels in the order of their bars; what has an order of its own keeps it."""
    groups = scene.groups("y")
    assert groups is not None
    if groups.kind != "LABEL":
        return scene
    x = scene.numbers("x")
    rows = np.concatenate([panel.rows for panel in scene.panels])
    codes = groups.codes[rows]
    size = [
        _value(x.values[rows[codes == place]] if x else None, int((codes == place).sum()), way)
        for place in range(len(groups.names))
    ]
    order = sorted(range(len(groups.names)), key=lambda place: -size[place])
    places = np.empty(len(order), dtype=np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    moved = Groups(groups.name, groups.kind, places[groups.codes], [groups.names[place] for place in order])
    return replace(scene, columns={**scene.columns, "y": moved})


def _value(values: np.ndarray | None, count: int, way: str) -> float:
    if way == "count" or values is None:
        return float(count)
    if not len(values):
        return 0.0
    return float(values.mean() if way == "mean" else values.sum() if way == "sum" else np.median(values))


def _bars(scene: Scene, panel: Panel, way: str) -> list[Bar]:
    x = scene.numbers("x")
    found: list[Bar] = []
    for slot in _STAND.slots(scene, panel):
        values = x.values[slot.rows] if x else None
        low = high = None
        if way == "mean" and values is not None and len(values) > 1:
            interval = means(values, np.zeros(len(values), dtype=np.int32), 1)
            low, high = float(interval.low[0]), float(interval.high[0])
        found.append((slot, _value(values, len(slot.rows), way), low, high))
    return found


def _layers(bars: list[Bar], hue: Spec, look: Look) -> list[Spec]:
    bodies: list[dict[str, object]] = []
    reaches: list[dict[str, object]] = []
    for slot, value, low, high in bars:
        start, end = slot.middle - 0.46 * slot.width, slot.middle + 0.46 * slot.width
        bodies.append({"start": start, "end": end, "low": 0.0, "high": value, "hue": slot.hue})
        if low is not None and high is not None:
            reaches.append({"start": slot.middle, "end": slot.middle, "low": low, "high": high})
    body = _STAND.rect(bodies, {"stroke": look.ink, "strokeWidth": 0.4}, color=hue)
    return [body, _STAND.rule(reaches, {"color": look.ink, "strokeWidth": 1.2})]


def _figures(scene: Scene, bars: dict[Panel, list[Bar]], way: str) -> Figures:
    has_bounds = way == "mean"
    told = [] if way == "count" else [_said(scene, way)]
    head = [*slot_head(scene, _STAND), "lines", *told, *(["low", "high"] if has_bounds else [])]
    rows: list[list[Cell]] = []
    for panel, of_panel in bars.items():
        for slot, value, low, high in of_panel:
            values: list[Cell] = [] if way == "count" else [value]
            cells = [*slot_cells(scene, _STAND, panel, slot), len(slot.rows), *values]
            rows.append([*cells, *([low, high] if has_bounds else [])])
    return Figures("The bars", head, rows)


def _finding(scene: Scene, bars: dict[Panel, list[Bar]], way: str) -> str:
    every = [(slot, value) for of_panel in bars.values() for slot, value, _, _ in of_panel]
    longest, most = max(every, key=lambda pair: pair[1])
    shortest, least = min(every, key=lambda pair: pair[1])
    ends = f"most for {slot_name(longest)} ({said(most)}), least for {slot_name(shortest)} ({said(least)})"
    return f"{_said(scene, way)}: {ends}"
