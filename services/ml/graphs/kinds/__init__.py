"""The 13 kinds of pictures: each a module with `draw(scene, look)`, found by the type's number."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from ml.graphs.look import Look
from ml.graphs.picture import Drawn
from ml.graphs.scene import Scene

_MODULES = {
    1: "scatter",
    2: "series",
    3: "hexbin",
    4: "histogram",
    5: "bivariate",
    6: "scatter",
    7: "regression",
    8: "boxes",
    9: "violins",
    10: "factors",
    11: "letters",
    12: "boxes",
    13: "bars",
}


def drawing_of(graph_type: int) -> Callable[[Scene, Look], Drawn]:
    """What draws that type."""
    module = import_module(f"ml.graphs.kinds.{_MODULES[graph_type]}")
    draw: Callable[[Scene, Look], Drawn] = module.draw
    return draw
