"""How far rows moved away from what was learnt, and what that means in words.

The population stability index is the sum over bins of (now - learnt) * ln(now / learnt). Below .1 nothing moved that
matters; above .25 answers should not be trusted without a look.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# With fewer lines nothing is said: chance alone would move them.
LEAST_LINES = 100
LITTLE, MUCH = 0.1, 0.25


@dataclass(frozen=True, slots=True)
class Movement:
    """How far a column has moved, and where most: the bin, its share when learning, its share now."""

    column: str
    psi: float
    lines: int
    where: str
    before: float
    now: float

    @classmethod
    def of(cls, column: str, learnt: Mapping[str, Any], counts: Sequence[int], psi: float) -> Movement:
        """From the bins as learnt and as counted."""
        lines, whole = sum(counts), sum(learnt["shares"])
        before = [share / max(whole, 1) for share in learnt["shares"]]
        now = [count / max(lines, 1) for count in counts]
        if len(before) != len(now):
            return cls(column, psi, lines, "", 0.0, 0.0)
        most = max(range(len(now)), key=lambda i: abs(now[i] - before[i]))
        return cls(column, psi, lines, _bin(learnt, most), before[most], now[most])

    @property
    def verdict(self) -> str:
        """What the figure means."""
        if self.lines < LEAST_LINES:
            return "too few lines to tell"
        if self.psi < LITTLE:
            return "as learnt"
        return "moved a little" if self.psi < MUCH else "moved far"


def _bin(learnt: Mapping[str, Any], place: int) -> str:
    if place == len(learnt["shares"]) - 1:
        return "missing"
    if learnt["kind"] == "label":
        labels = learnt["labels"]
        return labels[place] if place < len(labels) else "other labels"
    edges = learnt["edges"]
    if not edges:
        return "any value"
    if learnt.get("order"):
        return ("early", "late")[place >= len(edges) / 2] + " dates"
    if place == 0:
        return f"up to {edges[0]:g}"
    return f"above {edges[-1]:g}" if place == len(edges) else f"{edges[place - 1]:g} to {edges[place]:g}"


def sentence(movements: Sequence[Movement], lines: int) -> str:
    """The whole in a plain sentence; `movements` come farthest first."""
    if lines < LEAST_LINES:
        return f"{lines} lines were solved in the last week: too few to tell whether they look like those learnt from."
    far = [movement.column for movement in movements if movement.psi >= MUCH and movement.lines >= LEAST_LINES]
    little = [movement.column for movement in movements if LITTLE <= movement.psi < MUCH]
    if far:
        others = f" and {len(far) - 1} more" if len(far) > 1 else ""
        return (
            f"What it is asked has moved away from what it learnt, most in {far[0]}{others}: "
            "its answers may be worse than its scores say. Add newer lines and train it again."
        )
    if little:
        return f"What it is asked has moved a little from what it learnt, most in {little[0]}; keep an eye on it."
    return "What it is asked looks like what it learnt from."


def add(counts: dict[str, list[int]], more: Mapping[str, Sequence[int]]) -> None:
    """Add counts to counts; a column whose bins are others starts anew."""
    for name, own in more.items():
        before = counts.get(name, [])
        counts[name] = [a + b for a, b in zip(before, own, strict=True)] if len(before) == len(own) else list(own)


def moved(learnt: Sequence[int], counts: Sequence[int]) -> float:
    """The PSI of `counts` against what was learnt, less what chance alone would show of so few lines."""
    lines, whole = sum(counts), sum(learnt)
    if not lines or len(learnt) != len(counts) or not whole:
        return 0.0
    found = 0.0
    for share, count in zip(learnt, counts, strict=True):
        before, now = max(share / whole, 0.5 / lines, 1e-6), max(count, 0.5) / lines
        if share or count:
            found += (now - before) * math.log(now / before)
    return max(0.0, found - (len(learnt) - 1) / lines)
