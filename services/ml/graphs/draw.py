"""From a checked specification and a table's columns to a Vega-Lite specification, its figures and its sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.graphs.kinds import drawing_of
from ml.graphs.look import Look, Spec
from ml.graphs.material import Table
from ml.graphs.picture import Cell, Figures, put_together
from ml.graphs.scene import Scene, scene
from ml.rules.graphs import Facts, Specification

# Rows of a table of figures; a picture of more parts than that is not read row by row.
MOST_ROWS = 5000


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn graph: the picture as Vega-Lite, what it shows as tables, in a sentence, and what to know about it."""

    picture: Spec
    figures: list[Figures]
    title: str
    summary: str
    notes: list[str]
    frame: str
    frames: list[str]
    lines: int

    def told(self) -> dict[str, Any]:
        """All of it but the picture, as JSON."""
        told = {name: getattr(self, name) for name in ("title", "summary", "notes", "frame", "frames", "lines")}
        return told | {"figures": [_told(figures) for figures in self.figures]}


def _told(figures: Figures) -> dict[str, Any]:
    rows = [[_plain(cell) for cell in row] for row in figures.rows[:MOST_ROWS]]
    return {"title": figures.title, "head": figures.head, "rows": rows, "row_count": len(figures.rows)}


def _plain(cell: Cell) -> Cell:
    """A figure as JSON takes it: no number of NumPy's own, none that is no number."""
    if cell is None or isinstance(cell, str):
        return cell
    plain = cell.item() if isinstance(cell, np.generic) else cell
    return plain if math.isfinite(plain) else None


def draw(spec: Specification, table: Table, facts: Sequence[Facts], *, theme: str = "light") -> Drawing:
    """Draw it. Raises UnfitGraph for what only the values tell, such as a log scale without a value above zero."""
    by_name: Mapping[str, Facts] = {fact.name: fact for fact in facts}
    look = Look(theme, spec.palette)
    found = scene(spec, table, by_name)
    with np.errstate(over="ignore", under="ignore"):
        drawn = drawing_of(spec.graph_type)(found, look)
    title = title_of(spec)
    picture = put_together(found, look, drawn, title)
    notes = [*found.notes, *drawn.notes]
    summary = f"{spec.type.name}: {title}. {_lines(found)}; {drawn.finding}."
    return Drawing(picture, drawn.figures, title, summary, notes, found.frame, found.frames, found.line_count)


def title_of(spec: Specification) -> str:
    """What is drawn over what, in words."""
    columns = spec.drawn
    x, y = columns.get("x"), columns.get("y")
    if spec.graph_type == 13:
        title = f"{spec.statistic} of {x} by {y}" if x and spec.statistic != "count" else f"lines by {y}"
    elif spec.graph_type == 4:
        title = f"{x}, on a log scale"
    else:
        turned = dict.fromkeys((8, 9, 10, 11), f"{y} by {x}") | {12: f"{x} by {y}"}
        title = turned.get(spec.graph_type, f"{y} over {x}")
    if z := columns.get("z"):
        title += f" and {z}"
    by = [columns[name] for name in ("hue", "size", "style", "col", "row") if columns.get(name) not in (None, x, y)]
    return title + (f", by {', '.join(dict.fromkeys(by))}" if by else "")


def _lines(found: Scene) -> str:
    where = f" in {found.frame}" if found.frame else ""
    return f"{found.line_count} line{'s' * (found.line_count != 1)}{where}"
