"""Two columns at once in three ways: points, counts in a grid, and lines around where most lines of the table are."""

from __future__ import annotations

import numpy as np

from ml.graphs.kinds.margins import SPREAD_HEAD, spread_rows
from ml.graphs.look import Look, Spec, axis_of, gradient, placed
from ml.graphs.material import Numbers
from ml.graphs.picture import Cell, Drawn, Figures, each, field_of, in_panel, layer, layered, panel_head, size_of
from ml.graphs.scene import Panel, Scene
from ml.graphs.statistics.means import correlation
from ml.graphs.statistics.plane import Cells, contours, grid

ACROSS, UPWARDS = 44, 30
Grid = tuple[Cells, np.ndarray, np.ndarray]


def draw(scene: Scene, look: Look) -> Drawn:
    """Type 5."""
    x, y, z = scene.numbers("x"), scene.numbers("y"), scene.numbers("z")
    assert x is not None
    assert y is not None
    grids = {panel: _grid(scene, panel) for panel in scene.panels if len(panel.rows)}
    chosen, size = scene.sample(), size_of(scene)
    axes = {"x": axis_of("x", x, scene.span("x")), "y": axis_of("y", y, scene.span("y"))}
    told = np.concatenate([_told(found) for found in grids.values()])
    title, span = f"mean {z.name}" if z else "lines", (float(told.min()), float(told.max()))
    colour = gradient("told", title, span, counts=z is None)

    def panel_of(panel: Panel) -> Spec:
        if panel not in grids:
            return layered(scene, panel, [layer("point", [], x=field_of("x"), y=field_of("y"))], size, **axes)
        layers = [
            _cells(grids[panel], x, y, colour, told=z is not None),
            _points(x, y, chosen[panel], look),
            *_contours(scene, panel, x, y, look),
        ]
        return layered(scene, panel, layers, size, **axes)

    return Drawn(each(scene, panel_of), _figures(scene, x, y), _finding(scene, x, y))


def _grid(scene: Scene, panel: Panel) -> Grid:
    edges = [
        np.linspace(low, high if high > low else low + 1, count + 1)
        for (low, high), count in ((scene.span("x"), ACROSS), (scene.span("y"), UPWARDS))
    ]
    z = scene.values("z", panel) if scene.numbers("z") else None
    return grid(scene.values("x", panel), scene.values("y", panel), z, edges[0], edges[1])


def _told(found: Grid) -> np.ndarray:
    return found[0].count if found[0].mean is None else found[0].mean


def _cells(found: Grid, x: Numbers, y: Numbers, colour: Spec, *, told: bool) -> Spec:
    cells, right, upper = found
    # A cell with one line is that line's point already.
    least = 1 if told else 2
    values = [
        {"x": placed(x, a), "x2": placed(x, b), "y": placed(y, c), "y2": placed(y, d), "told": float(e)}
        for a, b, c, d, e, count in zip(cells.x, right, cells.y, upper, _told(found), cells.count, strict=True)
        if count >= least
    ]
    return layer(
        {"type": "rect", "opacity": 0.85},
        values,
        x=field_of("x"),
        x2={"field": "x2"},
        y=field_of("y"),
        y2={"field": "y2"},
        color=colour,
    )


def _points(x: Numbers, y: Numbers, rows: np.ndarray, look: Look) -> Spec:
    values = [{"x": placed(x, x.values[row]), "y": placed(y, y.values[row])} for row in rows]
    mark = {"type": "point", "filled": True, "size": 5, "color": look.quiet, "opacity": 0.6}
    return layer(mark, values, x=field_of("x"), y=field_of("y"))


def _contours(scene: Scene, panel: Panel, x: Numbers, y: Numbers, look: Look) -> list[Spec]:
    values, number = [], 0
    for share, lines in contours(scene.values("x", panel), scene.values("y", panel)):
        for points in lines:
            number += 1
            values += [
                {"x": placed(x, a), "y": placed(y, b), "line": number, "at": place, "share": f"{share:.0%}"}
                for place, (a, b) in enumerate(points)
            ]
    if not values:
        return []
    mark = {"type": "line", "color": look.ink, "strokeWidth": 1.1, "opacity": 0.9, "clip": True}
    order = {"field": "at", "type": "quantitative"}
    detail = {"field": "line", "type": "nominal"}
    return [layer(mark, values, x=field_of("x"), y=field_of("y"), detail=detail, order=order)]


def _figures(scene: Scene, x: Numbers, y: Numbers) -> list[Figures]:
    rows: list[list[Cell]] = []
    together: list[list[Cell]] = []
    for panel in scene.panels:
        for column in (x, y):
            rows.append([*in_panel(panel, scene), column.name, *spread_rows(column, column.values[panel.rows])])
        found = correlation(x.values[panel.rows], y.values[panel.rows])
        together.append([*in_panel(panel, scene), len(panel.rows), found])
    head = [*panel_head(scene), "lines", "correlation"]
    return [
        Figures("How both are spread", [*panel_head(scene), "column", *SPREAD_HEAD], rows),
        Figures("How they go together", head, together),
    ]


def _finding(scene: Scene, x: Numbers, y: Numbers) -> str:
    every = np.concatenate([panel.rows for panel in scene.panels])
    found = correlation(x.values[every], y.values[every])
    said = f"correlation {found:.2f}; " if found is not None else ""
    return f"{said}the lines drawn hold 10, 30, 50, 70 and 90 % of the table"
