"""Hexagons coloured by how many lines fall into them, or by the mean of a third column, with both margins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ml.graphs.kinds.margins import GAP, MARGIN, SPREAD_HEAD, spread_rows, with_margins
from ml.graphs.look import Look, Spec, axis_of, gradient
from ml.graphs.material import Floats, said
from ml.graphs.picture import Drawn, Figures, Size, each, field_of, in_panel, layer, layered, panel_head, size_of
from ml.graphs.scene import Panel, Scene
from ml.graphs.statistics.plane import Cells, hexagons

RADIUS = 9
_Way = Callable[[Floats], Floats]
_HEXAGON = "M0,-1L0.866,-0.5L0.866,0.5L0,1L-0.866,0.5L-0.866,-0.5Z"
# As much room beside the values as the axes give.
_ROOM = 0.03


def draw(scene: Scene, look: Look) -> Drawn:
    """Type 3."""
    x, y, z = scene.numbers("x"), scene.numbers("y"), scene.numbers("z")
    assert x is not None
    assert y is not None
    size = size_of(scene, beside=MARGIN + GAP, above=MARGIN + GAP)
    cells = {panel: _cells(scene, panel, size) for panel in scene.panels}
    axes = {"x": axis_of("x", x, scene.span("x"), room=_ROOM), "y": axis_of("y", y, scene.span("y"), room=_ROOM)}
    colour = _colour(list(cells.values()), f"mean {z.name}" if z else "lines")

    def panel_of(panel: Panel) -> Spec:
        found = cells[panel]
        told = found.count if found.mean is None else found.mean
        values = [
            {"x": float(a), "y": float(b), "told": float(c)} for a, b, c in zip(found.x, found.y, told, strict=True)
        ]
        mark = {"type": "point", "shape": _HEXAGON, "filled": True, "size": (2 * RADIUS) ** 2, "opacity": 1}
        middle = layered(
            scene, panel, [layer(mark, values, x=field_of("x"), y=field_of("y"), color=colour)], size, **axes
        )
        return with_margins(scene, panel, middle, look, size)

    return Drawn(each(scene, panel_of), _figures(scene, cells), _finding(scene, cells))


def _cells(scene: Scene, panel: Panel, size: Size) -> Cells:
    if not len(panel.rows):
        nothing = np.zeros(0)
        return Cells(nothing, nothing, nothing, None)
    to_x, from_x = _scale(scene.span("x"), size.width)
    to_y, from_y = _scale(scene.span("y"), size.height)
    z = scene.values("z", panel) if scene.numbers("z") else None
    found = hexagons(to_x(scene.values("x", panel)), to_y(scene.values("y", panel)), z, radius=RADIUS)
    return Cells(from_x(found.x), from_y(found.y), found.count, found.mean)


def _scale(span: tuple[float, float], points: int) -> tuple[_Way, _Way]:
    low, high = span
    apart = (high - low) or abs(low) or 1.0
    start, whole = low - _ROOM * apart, (1 + 2 * _ROOM) * apart

    def to_paper(values: Floats) -> Floats:
        return (values - start) / whole * points

    def from_paper(places: Floats) -> Floats:
        return places / points * whole + start

    return to_paper, from_paper


def _colour(cells: list[Cells], title: str) -> Spec:
    told = np.concatenate([found.count if found.mean is None else found.mean for found in cells])
    low, high = (float(told.min()), float(told.max())) if len(told) else (0.0, 1.0)
    return gradient("told", title, (low, high), counts=all(found.mean is None for found in cells))


def _figures(scene: Scene, cells: dict[Panel, Cells]) -> list[Figures]:
    rows = []
    for panel in scene.panels:
        for dimension in ("x", "y"):
            column = scene.numbers(dimension)
            assert column is not None
            rows.append([*in_panel(panel, scene), column.name, *spread_rows(column, scene.values(dimension, panel))])
    spread = Figures("How both are spread", [*panel_head(scene), "column", *SPREAD_HEAD], rows)
    z = scene.numbers("z")
    head = [*panel_head(scene), scene.name_of("x"), scene.name_of("y"), "lines", *([f"mean {z.name}"] if z else [])]
    crowded = [
        [*in_panel(panel, scene), float(found.x[i]), float(found.y[i]), int(found.count[i])]
        + ([float(found.mean[i])] if found.mean is not None else [])
        for panel, found in cells.items()
        for i in np.argsort(-found.count, kind="stable")
    ]
    return [spread, Figures("Hexagons by their middles, the fullest first", head, crowded)]


def _finding(scene: Scene, cells: dict[Panel, Cells]) -> str:
    panel, fullest = max(cells.items(), key=lambda item: item[1].count.max() if len(item[1].count) else -1)
    place = int(np.argmax(fullest.count))
    where = f"{scene.name_of('x')} {said(fullest.x[place])} and {scene.name_of('y')} {said(fullest.y[place])}"
    within = f" in {panel.name}" if panel.name else ""
    return f"most lines ({int(fullest.count[place])}) lie around {where}{within}"
