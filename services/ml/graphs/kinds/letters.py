"""Letter values: boxes within boxes, each for half the lines that are left beyond the last."""

from __future__ import annotations

import numpy as np

from ml.graphs.kinds.slots import Slot, Stand, hue_channel, slot_cells, slot_head, slot_name
from ml.graphs.look import Look, Spec
from ml.graphs.material import Numbers, said
from ml.graphs.picture import Cell, Drawn, Figures, each, layered, size_of
from ml.graphs.scene import Panel, Scene, some
from ml.graphs.statistics.spread import Letter, letter_values

Letters = dict[Panel, list[tuple[Slot, list[Letter], float]]]
MOST_BEYOND = 300
_STAND = Stand("x", "y")


def draw(scene: Scene, look: Look) -> Drawn:
    """Type 11."""
    column = scene.numbers("y")
    assert column is not None
    found: Letters = {panel: [_of(slot, column) for slot in _STAND.slots(scene, panel)] for panel in scene.panels}
    axes, size, hue = _STAND.axes(scene, column, scene.span("y")), size_of(scene), hue_channel(scene, look)

    def panel_of(panel: Panel) -> Spec:
        layers = [
            _beyond(column, found[panel], max(1, MOST_BEYOND // max(1, len(scene.panels))), look),
            _boxes(found[panel], hue, look),
            _medians(found[panel], look),
        ]
        return layered(scene, panel, layers, size, **axes)

    return Drawn(each(scene, panel_of), [_figures(scene, found)], _finding(found, column))


def _of(slot: Slot, column: Numbers) -> tuple[Slot, list[Letter], float]:
    values = column.values[slot.rows]
    return slot, letter_values(values), float(np.median(values))


def _boxes(found: list[tuple[Slot, list[Letter], float]], hue: Spec, look: Look) -> Spec:
    values: list[dict[str, object]] = []
    for slot, letters, _ in found:
        for place in reversed(range(len(letters))):
            # The innermost box is the widest and the fullest in colour.
            half = slot.width * 0.46 * (1 - place / (len(letters) + 0.5))
            ends = {"start": slot.middle - half, "end": slot.middle + half}
            bounds = {"low": letters[place].low, "high": letters[place].high}
            values.append({**ends, **bounds, "hue": slot.hue, "strength": 1 - 0.75 * place / max(1, len(letters))})
    strength = {
        "field": "strength",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "range": [0.1, 1]},
        "legend": None,
    }
    return _STAND.rect(values, {"stroke": look.ink, "strokeWidth": 0.5}, color=hue, fillOpacity=strength)


def _medians(found: list[tuple[Slot, list[Letter], float]], look: Look) -> Spec:
    values: list[dict[str, object]] = [
        {
            "start": slot.middle - 0.46 * slot.width,
            "end": slot.middle + 0.46 * slot.width,
            "low": middle,
            "high": middle,
        }
        for slot, _, middle in found
    ]
    return _STAND.rule(values, {"color": look.ink, "strokeWidth": 2})


def _beyond(column: Numbers, found: list[tuple[Slot, list[Letter], float]], most: int, look: Look) -> Spec:
    values: list[dict[str, object]] = []
    for slot, letters, _ in found:
        of_slot = column.values[slot.rows]
        outside = np.sort(of_slot[(of_slot < letters[-1].low) | (of_slot > letters[-1].high)])
        for place in some(np.arange(len(outside)), max(4, most // max(1, len(found)))):
            values.append({"at": slot.middle, "value": float(outside[place])})
    return _STAND.point(values, {"size": 9, "color": look.quiet, "opacity": 0.7})


def _figures(scene: Scene, found: Letters) -> Figures:
    rows: list[list[Cell]] = []
    for panel, of_panel in found.items():
        for slot, letters, middle in of_panel:
            said = slot_cells(scene, _STAND, panel, slot)
            rows.append([*said, len(slot.rows), "M", 0.5, middle, middle])
            rows += [[*said, len(slot.rows), x.name, x.tail, x.low, x.high] for x in letters]
    head = [*slot_head(scene, _STAND), "lines", "letter", "share beyond each end", "low", "high"]
    return Figures("Letter values", head, rows)


def _finding(found: Letters, column: Numbers) -> str:
    every = [entry for of_panel in found.values() for entry in of_panel]
    widest = max(every, key=lambda entry: entry[1][-1].high - entry[1][-1].low)
    last = widest[1][-1]
    return (
        f"{column.name} reaches furthest for {slot_name(widest[0])}: all but {2 * last.tail:.2%} of its lines lie"
        f" between {said(last.low)} and {said(last.high)}"
    )
