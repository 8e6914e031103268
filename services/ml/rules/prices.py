"""What work costs and how long it takes: the same formulas billing charges by, on the price list it published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import exp, log
from statistics import median

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


@dataclass(frozen=True, slots=True)
class Enough:
    """So many coupons and tokens together, and so many dollars and credit together, pay a price for certain."""

    tokens: Decimal
    dollars: Decimal


def enough(prices: Prices, have: Available, *, eaml: Decimal, usd: Decimal = Decimal(0)) -> Enough:
    """What is enough for a price that `have` covers: as many of its tokens as the price takes, dollars for the rest."""
    tokens = min(eaml, have.coupon + have.eaml)
    return Enough(tokens, rounded(in_usd(prices, eaml - tokens) + usd))


# Members × steps of each level (of 3 to 5 with all they try, trees counted as steps), and what a step, a cell and a
# start cost on one core of a usual machine: measured by training tables of 150 to 48 000 lines; `pace` corrects them
# by what ran on this installation.
_STEPS = {1: 400, 2: 2 * 1000, 3: 21_000, 4: 61_000, 5: 132_000}
_START_SECONDS = 3.5
_STEP_SECONDS = 0.0015
# With fewer lines a step learns from fewer at once.
_LINES_OF_A_WHOLE_STEP = 3000
_LEAST_OF_A_STEP = 0.15
_CELL_SECONDS = 3e-6
# As many runs as must speak before they count as much as what was believed before.
_TRUST = 1.5


def training_seconds(*, columns: int, lines: int, level: int, pace: float = 1.0) -> float:
    """About how long a training takes here."""
    step = _STEP_SECONDS * min(1.0, max(_LEAST_OF_A_STEP, lines / _LINES_OF_A_WHOLE_STEP))
    plain_guess = _START_SECONDS + _STEPS.get(level, 400) * step + columns * lines * _CELL_SECONDS
    return round(plain_guess * pace, 1)


def solving_seconds(*, lines: int, pace: float = 1.0) -> float:
    """About how long a batch takes."""
    return round((2.0 + lines / 50_000) * pace, 1)


@dataclass(frozen=True, slots=True)
class Run:
    """Finished work: what was to be expected of it on a usual machine, and what it took."""

    level: int
    expected: float
    real: float


def pace_of(runs: Sequence[Run], level: int = 0) -> float:
    """How many times as long as on a usual machine work of `level` takes here.

    It is the middle of what ran at that level, drawn towards the middle of all that ran, and that towards 1: a few
    runs say little. What was expected is never what was quoted, or an estimate would unlearn what it has learnt.
    """
    said = [(run.level, log(run.real / run.expected)) for run in runs if run.expected > 0 and run.real > 0]
    here = _drawn([ratio for _, ratio in said], towards=0.0)
    own = _drawn([ratio for of, ratio in said if of == level], towards=here)
    return min(10.0, max(0.1, exp(own)))


def _drawn(ratios: Sequence[float], *, towards: float) -> float:
    if not ratios:
        return towards
    return (len(ratios) * median(ratios) + _TRUST * towards) / (len(ratios) + _TRUST)
