"""How long each of the 13 graphs takes and weighs, by lines: `python tests/bench/graphs.py [LINES…]`.

Draws a made-up table with the service's own code: statistics, Vega-Lite, SVG, PNG and PDF; the first picture pays for
the engine's start and is shown apart.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import vl_convert

from ml.graphs.draw import draw
from ml.graphs.material import Column, Groups, Numbers
from ml.jobs.drawing import FINE, VEGA_LITE
from ml.rules.graphs import Facts, Specification, check

T = TypeVar("T")
TYPES = {
    1: {"x": "age", "y": "income", "hue": "city", "size": "score", "style": "sex"},
    2: {"x": "day", "y": "income", "hue": "city"},
    3: {"x": "age", "y": "income"},
    4: {"x": "income", "hue": "city"},
    5: {"x": "age", "y": "score"},
    6: {"x": "age", "y": "income", "hue": "score", "size": "income"},
    7: {"x": "age", "y": "income", "hue": "sex"},
    8: {"x": "city", "y": "income", "hue": "sex"},
    9: {"x": "city", "y": "income", "hue": "sex"},
    10: {"x": "city", "y": "income", "hue": "sex", "col": "plan"},
    11: {"x": "city", "y": "income"},
    12: {"x": "income", "y": "city"},
    13: {"x": "income", "y": "city", "hue": "sex"},
}


def people(lines: int) -> dict[str, Column]:
    """A table with columns for every type."""
    chance = np.random.default_rng(0)
    age = chance.normal(45.0, 14.0, lines).clip(18, 90)
    labels = {"city": [f"city {place}" for place in range(12)], "sex": ["f", "m"], "plan": ["a", "b", "c"]}
    groups = {
        name: Groups(name, "LABEL", chance.integers(0, len(names), lines).astype(np.int32), names)
        for name, names in labels.items()
    }
    return groups | {
        "age": Numbers("age", "FLOAT", age),
        "income": Numbers("income", "FLOAT", np.asarray(np.exp(chance.normal(10, 0.5, lines)) + 100 * age, np.float64)),
        "score": Numbers("score", "FLOAT", chance.normal(size=lines)),
        "day": Numbers("day", "DATE", 1.6e9 // 86400 * 86400 + 86400.0 * chance.integers(0, 700, lines)),
    }


def seconds(work: Callable[..., T], *given: Any, **named: Any) -> tuple[float, T]:
    """How long a call takes, and what it gives."""
    began = perf_counter()
    found = work(*given, **named)
    return perf_counter() - began, found


def main() -> None:
    """Print a row for each type and size."""
    out = sys.stdout.write
    nothing = {"mark": "point", "data": {"values": []}}
    start, _ = seconds(vl_convert.vegalite_to_svg, nothing, vl_version=VEGA_LITE)
    out(f"the engine's start: {start:.2f} s\n\n| lines | type | statistics s | SVG s | KiB | PNG s | PDF s |\n")
    out("|---|---|---|---|---|---|---|\n")
    for lines in [int(given) for given in sys.argv[1:]] or [40_000, 2_000_000]:
        table = people(lines)
        facts = [Facts(n, c.kind, len(c.names) if isinstance(c, Groups) else 1000) for n, c in table.items()]
        for number, columns in TYPES.items():
            spec = check(Specification(number, columns), facts)
            drawing, found = seconds(draw, spec, table, facts)
            svg, text = seconds(vl_convert.vegalite_to_svg, found.picture, vl_version=VEGA_LITE)
            png, _ = seconds(vl_convert.vegalite_to_png, found.picture, vl_version=VEGA_LITE, scale=FINE)
            pdf, _ = seconds(vl_convert.vegalite_to_pdf, found.picture, vl_version=VEGA_LITE)
            size = len(text) // 1024
            out(f"| {lines:,} | {number} | {drawing:.2f} | {svg:.2f} | {size} | {png:.2f} | {pdf:.2f} |\n")


if __name__ == "__main__":
    main()
