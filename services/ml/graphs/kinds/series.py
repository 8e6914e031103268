"""Time series: the mean along x with its band, a line for each group."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ml.graphs.look import DASHES, Look, Spec, axis_of, hue_of, placed
from ml.graphs.material import Codes, Floats, Groups, Numbers, Rows, said
from ml.graphs.picture import Cell, Drawn, Figures, each, field_of, in_panel, layer, layered, panel_head, size_of
from ml.graphs.scene import Panel, Scene
from ml.graphs.statistics.means import Means, means, span_of

MOST_STEPS, LEAST_STEPS, LINES_A_STEP = 200, 12, 8
MOST_OF_ONE = 1000
_UNITS = ("s", "m", "h", "D", "W", "M", "Y")
_WORDS = {"s": "a second", "m": "a minute", "h": "an hour", "D": "a day", "W": "a week", "M": "a month", "Y": "a year"}


@dataclass(frozen=True, slots=True)
class Steps:
    """Where along x means are taken: a code for each line, and the place of each code."""

    codes: Codes
    places: Floats
    unit: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a panel."""

    hue: str
    size: str
    style: str
    places: Floats
    means: Means


def draw(scene: Scene, look: Look) -> Drawn:
    """Type 2."""
    x = scene.numbers("x")
    y = scene.numbers("y")
    assert x is not None
    assert y is not None
    steps = steps_of(scene, x)
    lines = {panel: _lines(scene, panel, y, steps) for frame in scene.every_frame for panel in frame}
    span = _span([line for of_panel in lines.values() for line in of_panel])
    upwards = Numbers(f"mean of {y.name}", "FLOAT", y.values)
    axes = {"x": axis_of("x", x, scene.span("x")), "y": axis_of("y", upwards, span, room=0.05)}
    size = size_of(scene)

    def panel_of(panel: Panel) -> Spec:
        return layered(scene, panel, _layers(scene, lines[panel], x, span, look), size, **axes)

    shown = {panel: lines[panel] for panel in scene.panels}
    notes = [f"Each point is the mean over {steps.unit}."] if steps.unit else []
    return Drawn(each(scene, panel_of), [_figures(scene, shown, x, y)], _finding(scene, shown, x, y), notes)


def _span(lines: list[Line]) -> tuple[float, float]:
    every = np.concatenate([line.means.mean for line in lines])
    return span_of(every, np.concatenate([edge for line in lines for edge in (line.means.low, line.means.high)]))


def steps_of(scene: Scene, x: Numbers) -> Steps:
    """Every different x; where those are too many, the calendar's finest unit that is not, or equal parts."""
    different, codes = np.unique(x.values, return_inverse=True)
    most = _most_steps(scene, codes)
    if len(different) <= most:
        return Steps(codes.astype(np.int32), different, "")
    if x.kind == "FLOAT":
        edges = np.linspace(different[0], different[-1], most + 1)
        part_of = np.clip(np.searchsorted(edges, different, side="right") - 1, 0, most - 1)
        unit = f"{said(float(edges[1] - edges[0]))} of {x.name}"
        return Steps(part_of[codes].astype(np.int32), (edges[:-1] + edges[1:]) / 2, unit)
    seconds = different.astype(np.int64).astype("datetime64[s]")
    for unit in _UNITS:
        cut, part_of = np.unique(seconds.astype(f"datetime64[{unit}]"), return_inverse=True)
        if len(cut) <= most:
            break
    places = cut.astype("datetime64[s]").astype(np.int64).astype(np.float64)
    return Steps(part_of[codes].astype(np.int32), places, _WORDS[unit])


def _most_steps(scene: Scene, codes: NDArray[np.int64]) -> int:
    """A series with a line for each x is drawn as it is; means are taken of enough lines to be worth a band."""
    line, lines = np.zeros(len(codes), dtype=np.int64), 1
    for column in scene.columns.values():
        if isinstance(column, Groups):
            line, lines = line * len(column.names) + column.codes, lines * len(column.names)
    if _different(codes * lines + line) > 0.98 * len(codes):
        return MOST_OF_ONE
    return int(min(MOST_STEPS, max(LEAST_STEPS, len(codes) / _different(line) / LINES_A_STEP)))


def _different(keys: NDArray[np.int64]) -> int:
    # Counting is many times quicker than sorting, where there is room for the counts.
    if int(keys.max()) < 8 * len(keys) + 1000:
        return int(np.count_nonzero(np.bincount(keys)))
    return len(np.unique(keys))


def _lines(scene: Scene, panel: Panel, y: Numbers, steps: Steps) -> list[Line]:
    found = []
    ways = [list(scene.parts(dimension, panel)) for dimension in ("hue", "size", "style")]
    for (hue, of_hue), (size, of_size), (style, of_style) in product(*ways):
        rows = _common([of_hue, of_size, of_style])
        if not len(rows):
            continue
        every = means(y.values[rows], steps.codes[rows], len(steps.places))
        there = every.count > 0
        figures = Means(every.count[there], every.mean[there], every.low[there], every.high[there])
        found.append(Line(hue, size, style, steps.places[there], figures))
    return found


def _common(parts: list[Rows]) -> Rows:
    found = parts[0]
    for other in parts[1:]:
        if other is not found:
            found = np.intersect1d(found, other, assume_unique=True)
    return found


def _layers(scene: Scene, lines: list[Line], x: Numbers, span: tuple[float, float], look: Look) -> list[Spec]:
    values = [_values(line, x, span, place) for place, line in enumerate(lines)]
    every = [value for of_line in values for value in of_line]
    detail = {"field": "line", "type": "nominal"}
    hue = hue_of(scene.names("hue"), scene.name_of("hue") if scene.names("hue") else "", look)
    band = layer(
        {"type": "area", "opacity": 0.22},
        [value for value in every if "low" in value],
        x=field_of("x"),
        y={"field": "low"},
        y2={"field": "high"},
        color=hue,
        detail=detail,
    )
    drawn = layer("line", every, x=field_of("x"), y={"field": "mean"}, color=hue, detail=detail)
    if style := scene.groups("style"):
        drawn["encoding"]["strokeDash"] = _ordinal("style", style, DASHES)
    if width := scene.groups("size"):
        drawn["encoding"]["size"] = _ordinal("size", width, [1 + 0.9 * place for place in range(len(width.names))])
    return [band, drawn] if any("low" in value for value in every) else [drawn]


def _ordinal(field: str, column: Groups, given: list[object] | list[float] | list[list[int]]) -> Spec:
    scale = {"domain": column.names, "range": list(given)[: len(column.names)]}
    return {"field": field, "type": "nominal", "scale": scale, "legend": {"title": column.name}}


def _values(line: Line, x: Numbers, span: tuple[float, float], number: int) -> list[dict[str, object]]:
    # A band that leaves the picture ends at its edge: clipping many areas takes the converter seconds.
    least, most = span
    found = []
    for place, mean, low, high in zip(line.places, line.means.mean, line.means.low, line.means.high, strict=True):
        value: dict[str, object] = {"x": placed(x, place), "mean": float(mean), "line": number}
        value |= {name: text for name, text in (("hue", line.hue), ("size", line.size), ("style", line.style)) if text}
        if low == low:
            value |= {"low": max(least, float(low)), "high": min(most, float(high))}
        found.append(value)
    return found


def _figures(scene: Scene, lines: dict[Panel, list[Line]], x: Numbers, y: Numbers) -> Figures:
    ways = [dimension for dimension in ("hue", "size", "style") if scene.names(dimension)]
    head = [*panel_head(scene), *(scene.name_of(way) for way in ways), x.name, "lines", f"mean {y.name}", "low", "high"]
    rows: list[list[Cell]] = []
    for panel, of_panel in lines.items():
        for line in of_panel:
            said = [*in_panel(panel, scene), *(getattr(line, way) for way in ways)]
            found = line.means
            for place, count, mean, low, high in zip(
                line.places, found.count, found.mean, found.low, found.high, strict=True
            ):
                bounds = [None, None] if low != low else [float(low), float(high)]
                rows.append([*said, x.shown(float(place)), int(count), float(mean), *bounds])
    return Figures("Means with the bounds in which they lie at 95 %", head, rows)


def _finding(scene: Scene, lines: dict[Panel, list[Line]], x: Numbers, y: Numbers) -> str:
    every = [line for of_panel in lines.values() for line in of_panel]
    if not every:
        return "no line to draw"
    first = every[0]
    start, end = float(first.means.mean[0]), float(first.means.mean[-1])
    whose = f" of {first.hue}" if first.hue else ""
    return (
        f"{len(every)} line{'s' * (len(every) != 1)}; the mean of {y.name}{whose} goes from {said(start)} at "
        f"{_told(x, first.places[0])} to {said(end)} at {_told(x, first.places[-1])}"
    )


def _told(x: Numbers, value: float) -> str:
    shown = x.shown(float(value))
    return shown if isinstance(shown, str) else said(shown)
