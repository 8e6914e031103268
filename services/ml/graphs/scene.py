"""What one picture is drawn of: the lines that have all its values, cut into frames and panels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ml.graphs.material import Column, Floats, Groups, Numbers, Rows, Table, grouped, moment_text, most_frequent
from ml.rules.graph_types import MOST_FRAMES, MOST_HUES, MOST_ON_AXIS
from ml.rules.graphs import Facts, Misfit, Specification, UnfitGraph, as_groups

# Points drawn in one picture; what is figured out is figured out over all lines.
MOST_POINTS = 2000
_SEED = 20_240_229


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """The lines of one panel, by their places in the scene."""

    rows: Rows
    col: str = ""
    row: str = ""

    @property
    def name(self) -> str:
        """Which panel it is, in words; empty where there is only one."""
        return ", ".join(part for part in (self.row, self.col) if part)


@dataclass(frozen=True, slots=True)
class Scene:
    """The columns by dimension, of the lines that are drawn at all, and the panels of the frame that is shown."""

    spec: Specification
    columns: Mapping[str, Column]
    panels: list[Panel]
    every_frame: list[list[Panel]]
    frame: str
    frames: list[str]
    line_count: int
    notes: list[str] = field(default_factory=list)

    def numbers(self, dimension: str) -> Numbers | None:
        """The column of a dimension, if it is given and drawn by its size."""
        found = self.columns.get(dimension)
        return found if isinstance(found, Numbers) else None

    def groups(self, dimension: str) -> Groups | None:
        """The column of a dimension, if it is given and drawn as groups."""
        found = self.columns.get(dimension)
        return found if isinstance(found, Groups) else None

    def values(self, dimension: str, panel: Panel) -> Floats:
        """A panel's numbers."""
        found = self.columns[dimension]
        assert isinstance(found, Numbers)
        return found.values[panel.rows]

    def parts(self, dimension: str, panel: Panel) -> Iterator[tuple[str, Rows]]:
        """(label, its lines) of a panel; one part of all lines where the dimension is not given."""
        found = self.groups(dimension)
        if found is None:
            yield "", panel.rows
            return
        codes = found.codes[panel.rows]
        for place, name in enumerate(found.names):
            if len(rows := panel.rows[codes == place]):
                yield name, rows

    def name_of(self, dimension: str) -> str:
        """What the column is called."""
        return self.columns[dimension].name

    def names(self, dimension: str) -> list[str]:
        """The groups' labels, in order; none where the dimension is not given."""
        found = self.groups(dimension)
        return found.names if found else []

    def span(self, dimension: str) -> tuple[float, float]:
        """From the least to the greatest number, over all frames."""
        found = self.columns[dimension]
        assert isinstance(found, Numbers)
        return float(found.values.min()), float(found.values.max())

    def sample(self, most: int = MOST_POINTS) -> dict[Panel, Rows]:
        """Some lines of each panel, the same ones at every call; a note says when they are not all."""
        total = sum(len(panel.rows) for panel in self.panels)
        if total <= most:
            return {panel: panel.rows for panel in self.panels}
        note = f"{most} of {total} lines are drawn as points, chosen by chance; every figure is of all lines."
        if note not in self.notes:
            self.notes.append(note)
        return {panel: some(panel.rows, max(1, most * len(panel.rows) // total)) for panel in self.panels}


def some(rows: Rows, most: int) -> Rows:
    """At most so many of the lines, spread over all of them by a chance that is always the same."""
    if len(rows) <= most:
        return rows
    chosen = np.random.default_rng(_SEED).choice(len(rows), most, replace=False)
    return rows[np.sort(chosen)]


def scene(spec: Specification, table: Table, facts: Mapping[str, Facts]) -> Scene:
    """The scene of a checked specification. Raises UnfitGraph when no line has all values."""
    notes: list[str] = []
    columns = {
        dimension: grouped(table[name]) if as_groups(spec, dimension, facts[name]) else table[name]
        for dimension, name in spec.drawn.items()
        if dimension != "animation_frame"
    }
    if moving := spec.drawn.get("animation_frame"):
        columns["animation_frame"] = _frames(table[moving])
    count = len(next(iter(columns.values())).present)
    columns = _present(spec, columns)
    if missing := count - len(next(iter(columns.values())).present):
        notes.append(f"{missing} of {count} lines lack one of the values and are left out.")
    columns = {dimension: _shortened(column, dimension, notes) for dimension, column in columns.items()}
    columns = _present(spec, columns)
    # A label all of whose lines are gone would be an empty place on an axis, or an empty frame.
    return _cut(spec, {dimension: _shortened(column, dimension, []) for dimension, column in columns.items()}, notes)


def _present(spec: Specification, columns: Mapping[str, Column]) -> dict[str, Column]:
    there = np.logical_and.reduce([column.present for column in columns.values()])
    if not there.any():
        sentence = "No line of the table has a value in every one of these columns."
        raise UnfitGraph([Misfit(next(iter(spec.drawn), "graph_type"), sentence)])
    return {dimension: column.at(there) for dimension, column in columns.items()}


def _shortened(column: Column, dimension: str, notes: list[str]) -> Column:
    if isinstance(column, Numbers):
        return column
    most = {"hue": MOST_HUES, "animation_frame": MOST_FRAMES}.get(dimension, MOST_ON_AXIS)
    short, left_out = most_frequent(column, most)
    if left_out:
        notes.append(f"Of {column.name} the {most} most frequent values are drawn; {left_out} rarer ones are left out.")
    return short


def _frames(column: Column) -> Groups:
    """Groups to go through; moments by the finest unit of the calendar that gives few enough of them."""
    if isinstance(column, Groups) or column.kind == "FLOAT":
        return grouped(column)
    seconds = np.where(column.present, column.values, 0.0).astype(np.int64).astype("datetime64[s]")
    for unit in ("s", "m", "h", "D", "M", "Y"):
        different, codes = np.unique(seconds.astype(f"datetime64[{unit}]"), return_inverse=True)
        if len(different) <= MOST_FRAMES + 1:
            break
    names = [_moment_name(moment, column.kind) for moment in different]
    return Groups(column.name, column.kind, np.where(column.present, codes, -1).astype(np.int32), names)


def _moment_name(moment: np.datetime64, kind: str) -> str:
    if kind == "TIME":
        return moment_text(float(moment.astype("datetime64[s]").astype(np.int64)), kind)
    return str(moment).replace("T", " ")


def _cut(spec: Specification, columns: Mapping[str, Column], notes: list[str]) -> Scene:
    rows = np.arange(len(next(iter(columns.values())).present), dtype=np.int64)
    moving = columns.get("animation_frame")
    if not isinstance(moving, Groups):
        panels = _panels(columns, rows)
        return Scene(spec, columns, panels, [panels], "", [], len(rows), notes)
    every = [_panels(columns, rows[moving.codes == place]) for place in range(len(moving.names))]
    shown = moving.names.index(spec.frame) if spec.frame in moving.names else 0
    count = sum(len(panel.rows) for panel in every[shown])
    return Scene(spec, columns, every[shown], every, moving.names[shown], moving.names, count, notes)


def _panels(columns: Mapping[str, Column], rows: Rows) -> list[Panel]:
    found = []
    for row, of_row in _split(columns.get("row"), rows):
        for col, of_both in _split(columns.get("col"), of_row):
            found.append(Panel(of_both, col, row))
    return found


def _split(column: Column | None, rows: Rows) -> list[tuple[str, Rows]]:
    if not isinstance(column, Groups):
        return [("", rows)]
    codes = column.codes[rows]
    return [(name, rows[codes == place]) for place, name in enumerate(column.names)]
