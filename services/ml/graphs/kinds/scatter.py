"""Scatterplots: a point a line, with colour, size, shape, and depth where z is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from ml.graphs.kinds.depth import box_of, seen
from ml.graphs.look import SHAPES, Look, Spec, axis_of, gradient, hue_of, placed
from ml.graphs.material import Numbers, Rows
from ml.graphs.picture import Drawn, Figures, each, field_of, in_panel, layer, layered, panel_head, size_of
from ml.graphs.scene import Panel, Scene
from ml.graphs.statistics.means import correlation


def draw(scene: Scene, look: Look) -> Drawn:
    """Types 1 and 6."""
    chosen, size = scene.sample(), size_of(scene)
    x, y = scene.numbers("x"), scene.numbers("y")
    assert x is not None
    assert y is not None
    if scene.numbers("z"):
        return Drawn(
            each(scene, lambda panel: _deep(scene, panel, chosen[panel], look)), _figures(scene), _finding(scene)
        )
    axes = {"x": axis_of("x", x, scene.span("x")), "y": axis_of("y", y, scene.span("y"))}

    def panel_of(panel: Panel) -> Spec:
        values = [_point(scene, row) | {"x": placed(x, x.values[row]), "y": placed(y, y.values[row])}
                  for row in chosen[panel]]  # fmt: skip
        points = layer(mark_of(look), values, x=field_of("x"), y=field_of("y"), **channels(scene, look))
        return layered(scene, panel, [points], size, **axes)

    return Drawn(each(scene, panel_of), _figures(scene), _finding(scene))


def mark_of(look: Look) -> Spec:
    """A filled point with a thin outline, so that pale ones are seen too."""
    return {"type": "point", "filled": True, "opacity": 0.75, "stroke": look.ink, "strokeWidth": 0.3, "size": 36}


def channels(scene: Scene, look: Look) -> dict[str, Any]:
    """Colour, size and shape of the points."""
    found: dict[str, Any] = {}
    hue = scene.columns.get("hue")
    if isinstance(hue, Numbers):
        found["color"] = gradient("hue", hue.name, scene.span("hue"), hue)
    else:
        found["color"] = hue_of(scene.names("hue"), hue.name if hue else "", look)
    if size := scene.numbers("size"):
        low, high = scene.span("size")
        scale = {"domain": [low, high if high > low else low + 1], "range": [12, 260], "zero": False}
        found["size"] = {"field": "size", "type": "quantitative", "scale": scale, "legend": {"title": size.name}}
    if style := scene.groups("style"):
        scale = {"domain": style.names, "range": SHAPES[: len(style.names)]}
        found["shape"] = {"field": "style", "type": "nominal", "scale": scale, "legend": {"title": style.name}}
    return found


def _point(scene: Scene, row: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for dimension in ("hue", "size", "style"):
        column = scene.columns.get(dimension)
        if isinstance(column, Numbers):
            found[dimension] = placed(column, column.values[row])
        elif column is not None:
            found[dimension] = column.names[column.codes[row]]
    return found


def _deep(scene: Scene, panel: Panel, rows: Rows, look: Look) -> Spec:
    """Points in a box seen from the side and above; those behind are drawn first."""
    size = size_of(scene)
    shares = np.stack([_share(scene, dimension, rows) for dimension in ("x", "y", "z")], axis=1)
    places, depths = seen(shares)
    order = np.argsort(depths, kind="stable")
    values = [_point(scene, rows[i]) | {"x": float(places[i, 0]), "y": float(places[i, 1])} for i in order]
    points = layer(mark_of(look), values, x=field_of("x"), y=field_of("y"), **channels(scene, look))
    none: Spec = {"type": "quantitative", "axis": None, "scale": {"domain": [-1.4, 1.2], "nice": False}}
    upwards = {**none, "scale": {"domain": [-1.2, 1.1], "nice": False}}
    found = layered(scene, panel, [*box_of(scene, look), points], size, x=none, y=upwards)
    return found | {"view": {"stroke": None}}


def _share(scene: Scene, dimension: str, rows: Rows) -> np.ndarray:
    column = scene.numbers(dimension)
    assert column is not None
    low, high = scene.span(dimension)
    return (column.values[rows] - low) / ((high - low) or 1.0)


def _figures(scene: Scene) -> list[Figures]:
    x, y = scene.numbers("x"), scene.numbers("y")
    assert x is not None
    assert y is not None
    grouped = scene.groups("hue")
    head = [*panel_head(scene), *([grouped.name] if grouped else []), "lines"]
    head += [f"{way} {column.name}" for column in (x, y) for way in ("mean", "least", "most")] + ["correlation"]
    rows = []
    for panel in scene.panels:
        for name, part in scene.parts("hue", panel):
            if not len(part):
                continue
            spread = [way(column.values[part]) for column in (x, y) for way in (np.mean, np.min, np.max)]
            shown = [column.shown(float(value)) for column, value in zip([x, x, x, y, y, y], spread, strict=True)]
            together = correlation(x.values[part], y.values[part])
            rows.append([*in_panel(panel, scene), *([name] if grouped else []), len(part), *shown, together])
    return [Figures("Groups of points", head, rows)]


def _finding(scene: Scene) -> str:
    every = np.concatenate([panel.rows for panel in scene.panels])
    x, y = scene.numbers("x"), scene.numbers("y")
    assert x is not None
    assert y is not None
    together = correlation(x.values[every], y.values[every])
    return f"{x.name} and {y.name} " + (
        f"correlate with {together:.2f}" if together is not None else "do not vary together"
    )
