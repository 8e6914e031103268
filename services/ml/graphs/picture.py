"""A picture of one or many panels: what each kind of graph gives back, and how it is put together as Vega-Lite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml.graphs.look import HEIGHT, LEAST_HEIGHT, LEAST_WIDTH, WIDTH, Look, Spec, quiet_axis, short
from ml.graphs.scene import Panel, Scene

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
MOST_BESIDE = 4
Cell = float | int | str | None


@dataclass(frozen=True, slots=True)
class Figures:
    """A table of what is drawn."""

    title: str
    head: list[str]
    rows: list[list[Cell]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a kind of graph makes of a scene: a panel's layers each, the figures, and the finding in a sentence."""

    panels: list[Spec]
    figures: list[Figures]
    finding: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Size:
    """Points of a panel."""

    width: int
    height: int


def size_of(scene: Scene, *, beside: int = 0, above: int = 0) -> Size:
    """How large a panel is, so that all fit side by side; `beside` and `above` are taken by what stands there."""
    columns, rows = columns_of(scene), max(1, len(scene.names("row")))
    width = max(LEAST_WIDTH, (WIDTH + 40 * (columns - 1)) // columns - beside)
    height = max(LEAST_HEIGHT, HEIGHT // min(rows, 3) - above) if rows > 1 else HEIGHT - above
    return Size(width, min(height, max(LEAST_HEIGHT, round(width * 0.9))) if columns > 2 else height)


def columns_of(scene: Scene) -> int:
    """Panels side by side: as many as `col` has values; without `row`, more than four go on in another line."""
    count = max(1, len(scene.names("col")))
    return count if scene.names("row") else min(count, MOST_BESIDE)


def layered(scene: Scene, panel: Panel, layers: Sequence[Spec], size: Size, *, x: Spec, y: Spec) -> Spec:
    """A panel of layers over common axes; only the outer panels of a grid say what its axes are."""
    return {
        "width": size.width,
        "height": size.height,
        "layer": [_on_axes(layer, *inner_axes(scene, panel, x, y)) for layer in layers],
        "resolve": {"legend": {"color": "shared"}},
    }


def inner_axes(scene: Scene, panel: Panel, x: Spec, y: Spec) -> tuple[Spec, Spec]:
    """The axes of a panel at its place in the grid."""
    place, columns = scene.panels.index(panel), columns_of(scene)
    is_left, is_last = place % columns == 0, place + columns >= len(scene.panels)
    return (x if is_last else quiet_axis(x)), (y if is_left else quiet_axis(y))


def _on_axes(layer: Spec, x: Spec, y: Spec) -> Spec:
    """Give the layer's `x` and `y`, which name only fields, the common scales and axes."""
    encoding = dict(layer["encoding"])
    for name, channel in (("x", x), ("y", y)):
        if name in encoding:
            encoding[name] = {**channel, **encoding[name]}
    return {**layer, "encoding": encoding}


def put_together(scene: Scene, look: Look, drawn: Drawn, title: str) -> Spec:
    """The whole picture."""
    panels = [_named(scene, panel, spec) for panel, spec in zip(scene.panels, drawn.panels, strict=True)]
    whole: Spec = {"$schema": SCHEMA, "title": _title(title, scene), "config": look.config(), "padding": 10}
    if len(panels) == 1:
        return {**panels[0], **whole}
    return {
        **whole,
        "concat": panels,
        "columns": columns_of(scene),
        "resolve": {"scale": {"color": "shared", "shape": "shared"}},
    }


def _title(title: str, scene: Scene) -> Spec:
    found: Spec = {"text": short(title, 90), "anchor": "start", "fontSize": 14, "offset": 10}
    if scene.frame:
        found["subtitle"] = f"{scene.name_of('animation_frame')}: {scene.frame}"
    return found


def _named(scene: Scene, panel: Panel, spec: Spec) -> Spec:
    if not panel.name:
        return spec
    said = [f"{scene.name_of(part)}: {name}" for part, name in (("row", panel.row), ("col", panel.col)) if name]
    return {**spec, "title": {"text": short(" · ".join(said), 44), "anchor": "middle", "fontSize": 11}}


def layer(mark: str | Spec, values: list[dict[str, Any]], **encoding: Spec) -> Spec:
    """One layer: a mark for each of the values."""
    return {"data": {"values": values}, "mark": mark, "encoding": encoding}


def field_of(name: str) -> Spec:
    """A channel that names only its field; the panel gives it scale and axis."""
    return {"field": name}


def each(scene: Scene, draw: Callable[[Panel], Spec]) -> list[Spec]:
    """A specification for every panel."""
    return [draw(panel) for panel in scene.panels]


def in_panel(panel: Panel, scene: Scene) -> list[Cell]:
    """The first cells of a figure's row: which panel it belongs to."""
    found: list[Cell] = []
    if scene.names("row"):
        found.append(panel.row)
    if scene.names("col"):
        found.append(panel.col)
    return found


def panel_head(scene: Scene) -> list[str]:
    """What stands over them."""
    return [scene.name_of(dimension) for dimension in ("row", "col") if scene.names(dimension)]
