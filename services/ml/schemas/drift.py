"""The HTTP shape of drift."""

from __future__ import annotations

from typing import Any

from ml.queries.drift import Drift
from shared_models.clock import rfc3339


def show_drift(drift: Drift) -> dict[str, Any]:
    """The sentence, the columns farthest first, and the farthest few over time."""
    return {
        "sentence": drift.sentence,
        "lines": drift.lines,
        "columns": [
            {
                "column": movement.column,
                "psi": round(movement.psi, 4),
                "lines": movement.lines,
                "verdict": movement.verdict,
                "most_moved": movement.where,
                "share_when_learnt": round(movement.before, 4),
                "share_now": round(movement.now, 4),
            }
            for movement in drift.movements
        ],
        "times": [rfc3339(time) for time in drift.times],
        "series": drift.series,
    }
