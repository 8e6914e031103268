"""A histogram over powers of ten, its bars stacked by group."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ml.graphs.look import Look, Spec, axis_of, hue_of
from ml.graphs.material import Floats, Numbers, said
from ml.graphs.picture import Cell, Drawn, Figures, each, field_of, in_panel, layer, layered, panel_head, size_of
from ml.graphs.scene import Panel, Scene
from ml.graphs.statistics.spread import bin_edges
from ml.rules.graphs import Misfit, UnfitGraph

MOST_BARS = 40


def draw(scene: Scene, look: Look) -> Drawn:
    """Type 4. Raises UnfitGraph where no value is above zero."""
    shown, left_out = _above_zero(scene)
    x = shown.numbers("x")
    assert x is not None
    edges = 10 ** bin_edges(np.log10(_kept_values(x, shown.every_frame)), least=15, most=MOST_BARS)
    stacks = {panel: _stack(shown, panel, edges) for frame in shown.every_frame for panel in frame}
    highest = max(np.sum([counts for _, counts in stack], axis=0).max() for stack in stacks.values() if stack)
    lines = Numbers("lines", "FLOAT", np.zeros(0))
    upwards = axis_of("y", lines, (0.0, float(highest)), room=0.0)
    across = axis_of("x", x, shown.span("x"))
    across["scale"] = {"type": "log", "domain": [float(edges[0]), float(edges[-1])], "nice": False}
    size = size_of(shown)
    hue = hue_of(shown.names("hue"), shown.name_of("hue") if shown.names("hue") else "", look)

    def panel_of(panel: Panel) -> Spec:
        mark = {"type": "rect", "stroke": look.paper, "strokeWidth": 0.6}
        bars = layer(
            mark,
            _bars(stacks[panel], edges),
            x=field_of("x"),
            x2={"field": "x2"},
            y=field_of("y"),
            y2={"field": "y2"},
            color=hue,
        )
        return layered(shown, panel, [bars], size, x=across, y=upwards)

    notes = [f"{left_out} lines are zero or less, which a log scale cannot show."] if left_out else []
    finding = _finding(x.name, _kept_values(x, [shown.panels]))
    return Drawn(each(shown, panel_of), [_figures(shown, stacks, edges)], finding, notes)


def _above_zero(scene: Scene) -> tuple[Scene, int]:
    x = scene.numbers("x")
    assert x is not None
    above = x.values > 0
    if not above.any():
        raise UnfitGraph([Misfit("x", f"A log scale shows values above zero; {x.name!r} has none.")])
    frames = [[_kept(panel, above) for panel in frame] for frame in scene.every_frame]
    place = scene.every_frame.index(scene.panels)
    shown = replace(scene, panels=frames[place], every_frame=frames, columns={**scene.columns})
    # Bins and axis are made of the column: what is left out must not be in it.
    safe = Numbers(x.name, x.kind, np.where(above, x.values, x.values[above].min()))
    return replace(shown, columns={**scene.columns, "x": safe}), int((~above).sum())


def _kept(panel: Panel, above: np.ndarray) -> Panel:
    return Panel(panel.rows[above[panel.rows]], panel.col, panel.row)


def _stack(scene: Scene, panel: Panel, edges: Floats) -> list[tuple[str, Floats]]:
    x = scene.numbers("x")
    assert x is not None
    return [(name, np.histogram(x.values[rows], edges)[0].astype(float)) for name, rows in scene.parts("hue", panel)]


def _bars(stack: list[tuple[str, Floats]], edges: Floats) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    below = np.zeros(len(edges) - 1)
    for name, counts in stack:
        for place in np.flatnonzero(counts):
            ends = {"x": float(edges[place]), "x2": float(edges[place + 1])}
            found.append({**ends, "y": float(below[place]), "y2": float(below[place] + counts[place]), "hue": name})
        below = below + counts
    return found


def _figures(scene: Scene, stacks: dict[Panel, list[tuple[str, Floats]]], edges: Floats) -> Figures:
    hue = scene.groups("hue")
    name = scene.name_of("x")
    head = [*panel_head(scene), *([hue.name] if hue else []), f"{name} from", f"{name} to", "lines"]
    rows: list[list[Cell]] = [
        [
            *in_panel(panel, scene),
            *([group] if hue else []),
            float(edges[place]),
            float(edges[place + 1]),
            int(counts[place]),
        ]
        for panel in scene.panels
        for group, counts in stacks[panel]
        for place in np.flatnonzero(counts)
    ]
    return Figures("Lines in each bar", head, rows)


def _kept_values(x: Numbers, frames: list[list[Panel]]) -> Floats:
    rows = np.concatenate([panel.rows for frame in frames for panel in frame])
    return x.at(rows).values


def _finding(name: str, values: Floats) -> str:
    if not len(values):
        return f"{name} has no value above zero here"
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
    return f"half of {name} is below {said(middle)}; nine in ten lie between {said(low)} and {said(high)}"
