"""What a score means beside its baselines: better only counts when chance does not explain it."""

from __future__ import annotations

from typing import NamedTuple

_BEYOND_LINEAR = "Clearly better than a constant and than a linear model"


class Lead(NamedTuple):
    """How far a machine is ahead of a baseline on held-out lines, and where 95 of 100 redraws of them put that."""

    seen: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the machine is ahead by more than chance explains."""
        return self.low > 0

    @property
    def is_behind(self) -> bool:
        """Whether the baseline is ahead by more than chance explains."""
        return self.high < 0


def verdict(*, constant: Lead, linear: Lead, boosted: Lead | None = None) -> str:
    """The leads in words. `boosted` is that over LightGBM as it comes; cards of older machines do not know it."""
    if not constant.is_clear:
        return "Not clearly better than always giving the same answer: do not rely on it."
    if not linear.is_clear:
        return (
            "Clearly better than a constant; ahead of a linear model by no more than chance explains."
            if linear.seen > 0
            else "Clearly better than a constant, but a linear model does as well."
        )
    if boosted is None:
        return f"{_BEYOND_LINEAR}."
    if boosted.is_clear:
        return "Clearly better than a constant, a linear model and LightGBM."
    if boosted.seen > 0:
        return f"{_BEYOND_LINEAR}; ahead of LightGBM by no more than chance explains."
    return f"{_BEYOND_LINEAR}, but LightGBM does {'better' if boosted.is_behind else 'as well'}."
