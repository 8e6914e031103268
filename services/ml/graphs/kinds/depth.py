"""A third axis on paper: points and the box around them as one sees them from the side and above."""

from __future__ import annotations

from typing import Any

import numpy as np

from ml.graphs.look import Look, Spec, short
from ml.graphs.material import Floats, Numbers, said
from ml.graphs.picture import field_of, layer
from ml.graphs.scene import Scene

_TURN, _TILT = np.deg2rad(-38.0), np.deg2rad(24.0)


def seen(shares: Floats) -> tuple[Floats, Floats]:
    """(places on paper, distances) of points whose three shares lie between 0 and 1."""
    x, y, z = (2 * shares[:, place] - 1 for place in range(3))
    # y of the table is upwards, as in the flat picture; z goes away from the eye.
    across = x * np.cos(_TURN) + z * np.sin(_TURN)
    away = -x * np.sin(_TURN) + z * np.cos(_TURN)
    upwards = y * np.cos(_TILT) + away * np.sin(_TILT)
    return np.stack([across * 0.78, upwards * 0.78], axis=1), away * np.cos(_TILT) - y * np.sin(_TILT)


def box_of(scene: Scene, look: Look) -> list[Spec]:
    """The edges of the box, with the ends of each axis and its name."""
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=float)
    places, _ = seen(corners)
    edges = []
    for one in range(8):
        for other in range(one + 1, 8):
            if np.abs(corners[one] - corners[other]).sum() == 1:
                edges.append(_edge(places[one], places[other]))
    rules = layer(
        {"type": "rule", "color": look.quiet, "opacity": 0.5},
        edges,
        x=field_of("x"),
        y=field_of("y"),
        x2=field_of("x2"),
        y2=field_of("y2"),
    )
    words = {"type": "text", "fontSize": 11, "color": look.quiet}
    return [
        rules,
        layer(words, _words(scene), x=field_of("x"), y=field_of("y"), text={"field": "text", "type": "nominal"}),
    ]


def _edge(one: Floats, other: Floats) -> dict[str, float]:
    return {"x": float(one[0]), "y": float(one[1]), "x2": float(other[0]), "y2": float(other[1])}


def _words(scene: Scene) -> list[dict[str, Any]]:
    """Least, name and greatest along the edge where each axis is written, a little outside of the box."""
    edges = {"x": ([0, 0, 0], [1, 0, 0]), "y": ([0, 0, 1], [0, 1, 1]), "z": ([0, 0, 0], [0, 0, 1])}
    away = {"x": (0.06, -0.1), "y": (-0.14, 0.0), "z": (-0.06, -0.1)}
    found = []
    for dimension, (start, end) in edges.items():
        column = scene.numbers(dimension)
        assert column is not None
        low, high = scene.span(dimension)
        for share, text in ((0.04, _end(column, low)), (0.5, short(column.name, 18)), (0.96, _end(column, high))):
            place, _ = seen(np.array([[a + share * (b - a) for a, b in zip(start, end, strict=True)]], dtype=float))
            off_x, off_y = away[dimension]
            found.append({"x": float(place[0, 0]) + off_x, "y": float(place[0, 1]) + off_y, "text": text})
    return found


def _end(column: Numbers, value: float) -> str:
    shown = column.shown(value)
    return shown if isinstance(shown, str) else said(shown)
