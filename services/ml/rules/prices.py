"""What work costs and how long it takes: the same formulas billing charges by, on the price list it published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from service_base.errors import FundsShort, Unavailable
from shared_models.money import SMALLEST, plain, rounded

LEVELS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Prices:
    """Billing's price list: platform prices are EAML, of which one costs `usd_per_eaml` when paid in dollars."""

    version: int
    training_cell_eaml: Decimal
    solving_line_eaml: Decimal
    level_factors: dict[str, Decimal]
    usd_per_eaml: Decimal
    marketplace_fee_basis_points: int


@dataclass(frozen=True, slots=True)
class Available:
    """What a person can spend now, as billing last said; `credit` may be owed until the next bill."""

    usd: Decimal = Decimal(0)
    eaml: Decimal = Decimal(0)
    coupon: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)


class NoPrices(Unavailable):
    """Billing's price list has not arrived yet."""

    def __init__(self) -> None:
        super().__init__("The price list has not arrived yet, so nothing can be quoted; try again in a moment.")


def training_price(prices: Prices, *, columns: int, lines: int, level: int) -> Decimal:
    """(input + output + ignored columns) × (learning + evaluation lines) × level, in EAML."""
    factor = prices.level_factors.get(str(level))
    if factor is None:
        raise NoPrices()
    return rounded(prices.training_cell_eaml * columns * lines * factor)


def solving_price(prices: Prices, *, lines: int) -> Decimal:
    """The platform's price for solved lines, in EAML."""
    return rounded(prices.solving_line_eaml * lines)


def in_usd(prices: Prices, eaml: Decimal) -> Decimal:
    """What an EAML price costs in dollars; never nothing for something."""
    return max(rounded(eaml * prices.usd_per_eaml), SMALLEST) if eaml > 0 else Decimal(0)


def must_cover(prices: Prices, have: Available, *, eaml: Decimal, usd: Decimal = Decimal(0)) -> None:
    """Raises FundsShort unless the platform's price and an owner's dollars can be paid.

    Coupons (one EAML each) and tokens pay the platform first; dollars and credit pay the rest and the owner.
    """
    rest = max(Decimal(0), eaml - have.coupon - have.eaml)
    missing = rounded(in_usd(prices, rest) + usd - have.usd - have.credit)
    if missing > 0:
        price = " and ".join(f"{plain(amount)} {of}" for amount, of in ((eaml, "EAML"), (usd, "USD")) if amount)
        raise FundsShort(
            f"This costs {price}; {plain(missing)} USD are missing. Top up the wallet and try again.",
            price=price,
            missing=plain(missing),
            currency="USD",
        )


# Members × steps of each level (of 3 to 5 with all they try, trees counted as steps), and what a step, a cell and a
# start cost on one core of a usual machine: measured by training tables of 150 to 48 000 lines; `pace` corrects them
# by what ran on this installation.
_STEPS = {1: 400, 2: 2 * 1000, 3: 17_600, 4: 49_000, 5: 116_000}
_START_SECONDS = 3.5
_STEP_SECONDS = 0.009
_CELL_SECONDS = 1.5e-6


def training_seconds(*, columns: int, lines: int, level: int, pace: float = 1.0) -> float:
    """About how long a training takes here."""
    plain_guess = _START_SECONDS + _STEPS.get(level, 400) * _STEP_SECONDS + columns * lines * _CELL_SECONDS
    return round(plain_guess * pace, 1)


def solving_seconds(*, lines: int, pace: float = 1.0) -> float:
    """About how long a batch takes."""
    return round((2.0 + lines / 50_000) * pace, 1)


def pace_of(runs: Sequence[tuple[float, float]]) -> float:
    """The middle of real ÷ estimated seconds over finished work; 1 until there are three of them."""
    ratios = sorted(real / estimated for estimated, real in runs if estimated > 0 and real > 0)
    if len(ratios) < 3:
        return 1.0
    return min(10.0, max(0.1, ratios[len(ratios) // 2]))
