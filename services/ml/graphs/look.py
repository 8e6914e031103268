"""How pictures look: paper and ink of the two themes, sizes, colours, axes; all of it plain Vega-Lite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ml.graphs.material import MOMENTS, Column, Numbers
from ml.rules.palettes import colours, seen_on

Spec = dict[str, Any]

THEMES = ("light", "dark")
WIDTH, HEIGHT = 660, 380
# A panel is never so small that its axes could not be read.
LEAST_WIDTH, LEAST_HEIGHT = 130, 110
SHAPES = ["circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "triangle-right", "triangle-left"]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 1], [1, 3], [12, 3, 3, 3]]
SCHEME = "viridis"
LONGEST_NAME = 24
# Points a letter of a label takes.
LETTER = 6.5
# Metric-compatible with what the converter carries, so that texts fit in a browser as they do in a PNG.
FONT = "Arial, 'Liberation Sans', Helvetica, sans-serif"


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of a theme and of a palette."""

    theme: str
    palette: str

    @property
    def paper(self) -> str:
        """What it is drawn on."""
        return "#ffffff" if self.theme == "light" else "#10161c"

    @property
    def ink(self) -> str:
        """What is written with."""
        return "#15202b" if self.theme == "light" else "#e7edf3"

    @property
    def quiet(self) -> str:
        """What supports."""
        return "#566472" if self.theme == "light" else "#9aa8b5"

    @property
    def rule(self) -> str:
        """What separates."""
        return "#e3e8ec" if self.theme == "light" else "#2c3944"

    @property
    def first(self) -> str:
        """The colour of what has no groups."""
        return self.colours(1)[0]

    def colours(self, count: int) -> list[str]:
        """A colour for each group, changed only as far as it must be to be seen on the paper."""
        return [seen_on(colour, self.paper) for colour in colours(self.palette, count)]

    def config(self) -> Spec:
        """Vega-Lite's configuration."""
        text = {"labelColor": self.quiet, "titleColor": self.ink, "labelFontSize": 11, "titleFontSize": 12}
        return {
            "background": self.paper,
            "font": FONT,
            "aria": False,
            "view": {"stroke": self.rule},
            "axis": {**text, "gridColor": self.rule, "domainColor": self.quiet, "tickColor": self.quiet}
            | {"labelLimit": 130, "titleLimit": 320, "titleFontWeight": 600, "labelOverlap": True},
            "legend": {**text, "labelLimit": 130, "titleLimit": 150, "symbolStrokeWidth": 1.5, "titleFontWeight": 600},
            "title": {"color": self.ink, "fontSize": 12, "fontWeight": 600, "limit": 320},
            "concat": {"spacing": 14},
        }


def hue_of(names: Sequence[str], title: str, look: Look, *, legend: bool = True) -> Spec:
    """The colour channel of groups kept in field `hue`; without groups, one colour."""
    if not names:
        return {"value": look.first}
    scale = {"domain": list(names), "range": look.colours(len(names))}
    shown = {"title": title, "columns": 1 if len(names) <= 12 else 2} if legend else None
    return {"field": "hue", "type": "nominal", "scale": scale, "legend": shown}


def gradient(
    field: str, title: str, span: tuple[float, float], column: Column | None = None, *, counts: bool = False
) -> Spec:
    """The colour channel of a number, from low to high."""
    moments = isinstance(column, Numbers) and column.kind in MOMENTS
    low, high = (span[0] * 1000, span[1] * 1000) if moments else span
    scale: Spec = {"scheme": SCHEME, "domain": [low, high if high > low else low + 1]}
    found: Spec = {
        "field": field,
        "type": "quantitative",
        "scale": scale,
        "legend": {"title": title, "gradientLength": 160},
    }
    # A few crowded places would leave all others in one colour.
    if counts and high > 30 * max(low, 1):
        scale["type"] = "log"
    if moments and isinstance(column, Numbers):
        found["legend"] |= {"format": _moment_format(column.kind), "formatType": "utc"}
    return found


def _moment_format(kind: str) -> str:
    return {"TIME": "%H:%M", "DATE": "%Y-%m-%d", "DATETIME": "%Y-%m-%d %H:%M"}[kind]


def axis_of(
    field: str, column: Numbers, span: tuple[float, float], *, title: str | None = None, room: float = 0.03
) -> Spec:
    """A position channel of a number, or of a moment as `placed` gives it, with a little room at both ends."""
    low, high = span
    apart = (high - low) or abs(low) or 1.0
    domain = [low - room * apart, high + room * apart]
    shown: Spec = {"title": short(title if title is not None else column.name, 60), "grid": True}
    if column.kind == "FLOAT":
        if 1000 <= low <= high < 10_000:
            shown["format"] = "~f"  # 2024 and not 2,024: most such numbers are years
        return {"field": field, "type": "quantitative", "scale": {"domain": domain, "nice": False}, "axis": shown}
    if column.kind == "TIME":
        shown["format"] = "%H:%M"
    scale = {"type": "utc", "domain": [1000 * edge for edge in domain], "nice": False}
    return {"field": field, "type": "temporal", "scale": scale, "axis": shown}


def placed(column: Numbers, value: float) -> float:
    """A value where `axis_of` puts it."""
    return float(value) * 1000 if column.kind in MOMENTS else float(value)


def slots_of(field: str, names: Sequence[str], title: str, *, width: int, reverse: bool = False) -> Spec:
    """A position channel on which group i stands at i, so that parts of a group can stand beside each other."""
    # The labels are written as a JSON list inside the expression: text in it stays text.
    shown = [short(name) for name in names]
    labels = json.dumps(shown)
    fits_side_by_side = max(len(name) for name in shown) * LETTER * len(names) < width
    axis = {
        "title": short(title, 60),
        "values": list(range(len(names))),
        "labelExpr": f"{labels}[datum.value]",
        "grid": False,
        "tickSize": 0,
        "labelOverlap": False,
        "labelAngle": 0 if reverse or fits_side_by_side else -40,
    }
    scale = {"domain": [-0.5, len(names) - 0.5], "nice": False, "zero": False, "reverse": reverse}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def short(name: str, most: int = LONGEST_NAME) -> str:
    """A name that fits."""
    return name if len(name) <= most else name[: most - 1] + "…"


def quiet_axis(channel: Spec) -> Spec:
    """The same channel with an axis that says nothing, for panels inside a grid."""
    if channel["axis"] is None:
        return channel
    return {**channel, "axis": {**channel["axis"], "title": None, "labels": False, "ticks": False}}
