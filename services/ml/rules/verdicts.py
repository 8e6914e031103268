"""What a score means beside its baselines: better only counts when chance does not explain it."""

from __future__ import annotations

_BEYOND_LINEAR = "Clearly better than a constant and than a linear model"


def verdict(
    *,
    value: float,
    low: float | None,
    high: float | None,
    constant: float,
    linear: float,
    up: bool,
    boosted: float | None = None,
) -> str:
    """The figures in words. `low` and `high` bound 95 of 100 scores that chance would give; `up`: higher is better.

    `boosted` is what LightGBM reaches as it comes; cards of older machines do not know it.
    """

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
    if boosted is None:
        return f"{_BEYOND_LINEAR}."
    if clearly_better_than(boosted):
        return "Clearly better than a constant, a linear model and LightGBM."
    if value > boosted if up else value < boosted:
        return f"{_BEYOND_LINEAR}; ahead of LightGBM by no more than chance explains."
    furthest = high if up else low
    bound = value if furthest is None else furthest
    is_behind = bound < boosted if up else bound > boosted
    return f"{_BEYOND_LINEAR}, but LightGBM does {'better' if is_behind else 'as well'}."
