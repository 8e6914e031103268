"""What a score means beside its baselines: better only counts when chance does not explain it."""

from __future__ import annotations


def verdict(*, value: float, low: float | None, high: float | None, constant: float, linear: float, up: bool) -> str:
    """The figures in words. `low` and `high` bound 95 of 100 scores that chance would give; `up`: higher is better."""

    def clearly_better_than(baseline: float) -> bool:
        nearest = low if up else high
        bound = value if nearest is None else nearest
        return bound > baseline if up else bound < baseline

    if not clearly_better_than(constant):
        return "Not clearly better than always giving the same answer: do not rely on it."
    if not clearly_better_than(linear):
        better = value > linear if up else value < linear
        return (
            "Clearly better than a constant; ahead of a linear model by no more than chance explains."
            if better
            else "Clearly better than a constant, but a linear model does as well."
        )
    return "Clearly better than a constant and than a linear model."
