"""The straight line through the points, its band, and both margins."""

from __future__ import annotations

import numpy as np

from ml.graphs.kinds.margins import GAP, MARGIN, with_margins
from ml.graphs.look import Look, Spec, axis_of, hue_of
from ml.graphs.material import Numbers, said
from ml.graphs.picture import Cell, Drawn, Figures, each, field_of, in_panel, layer, layered, panel_head, size_of
from ml.graphs.scene import Panel, Scene
from ml.graphs.statistics.means import Regression, regression

STEPS = 40
Lines = list[tuple[str, Regression | None]]


def draw(scene: Scene, look: Look) -> Drawn:
    """Type 7."""
    x, y = scene.numbers("x"), scene.numbers("y")
    assert x is not None
    assert y is not None
    size = size_of(scene, beside=MARGIN + GAP, above=MARGIN + GAP)
    chosen = scene.sample()
    lines = {panel: _lines(scene, panel, x, y) for panel in scene.panels}
    axes = {"x": axis_of("x", x, scene.span("x")), "y": axis_of("y", y, scene.span("y"))}
    hue = hue_of(scene.names("hue"), scene.name_of("hue") if scene.names("hue") else "", look)

    def panel_of(panel: Panel) -> Spec:
        layers = [_points(scene, chosen[panel], x, y, hue), *_drawn_lines(scene, panel, lines[panel], x, hue, look)]
        return with_margins(scene, panel, layered(scene, panel, layers, size, **axes), look, size, curve=True)

    return Drawn(each(scene, panel_of), [_figures(scene, lines)], _finding(x, y, lines))


def _lines(scene: Scene, panel: Panel, x: Numbers, y: Numbers) -> Lines:
    return [(name, regression(x.values[rows], y.values[rows])) for name, rows in scene.parts("hue", panel)]


def _points(scene: Scene, rows: np.ndarray, x: Numbers, y: Numbers, hue: Spec) -> Spec:
    groups = scene.groups("hue")
    values = [
        {"x": float(x.values[row]), "y": float(y.values[row])}
        | ({"hue": groups.names[groups.codes[row]]} if groups else {})
        for row in rows
    ]
    mark = {"type": "point", "filled": True, "size": 22, "opacity": 0.4}
    return layer(mark, values, x=field_of("x"), y=field_of("y"), color=hue)


def _drawn_lines(scene: Scene, panel: Panel, lines: Lines, x: Numbers, hue: Spec, look: Look) -> list[Spec]:
    values = []
    for name, found in lines:
        if found is None:
            continue
        of_group = x.values[next(rows for part, rows in scene.parts("hue", panel) if part == name)]
        places = np.linspace(float(of_group.min()), float(of_group.max()), STEPS)
        for at, middle, low, high in zip(places, *found.line(places), strict=True):
            values.append({"x": float(at), "y": float(middle), "low": float(low), "high": float(high), "hue": name})
    if not values:
        return []
    plain: Spec = hue if "field" in hue else {"value": look.ink}
    band: Spec = {**plain, "legend": None} if "field" in plain else plain
    return [
        layer(
            {"type": "area", "opacity": 0.25, "clip": True},
            values,
            x=field_of("x"),
            y={"field": "low"},
            y2={"field": "high"},
            color=band,
        ),
        layer({"type": "line", "clip": True}, values, x=field_of("x"), y=field_of("y"), color=plain),
    ]


def _figures(scene: Scene, lines: dict[Panel, Lines]) -> Figures:
    hue = scene.groups("hue")
    head = [*panel_head(scene), *([hue.name] if hue else []), "lines", "slope", "its error", "at zero", "r", "r²", "p"]
    rows: list[list[Cell]] = []
    for panel, of_panel in lines.items():
        for name, found in of_panel:
            said = [*in_panel(panel, scene), *([name] if hue else [])]
            if found is None:
                rows.append([*said, None, None, None, None, None, None, None])
                continue
            line = [found.count, found.slope, found.slope_error, found.intercept, found.r, found.r**2, found.p]
            rows.append([*said, *line])
    return Figures("The lines", head, rows)


def _finding(x: Numbers, y: Numbers, lines: dict[Panel, Lines]) -> str:
    known = [(name, found) for of_panel in lines.values() for name, found in of_panel if found]
    if not known:
        return f"{x.name} does not vary enough for a line"
    name, first = known[0]
    whose = f" of {name}" if name else ""
    more = f", and {len(known) - 1} more lines" if len(known) > 1 else ""
    return (
        f"{y.name}{whose} changes by {said(first.slope)} for each {x.name}, which explains {first.r**2:.0%} of it"
        f" (p {first.p:.2g}){more}"
    )
