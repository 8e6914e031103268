"""What training and solving cost by one version of the price list, and how an amount is rounded: once, here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, localcontext

from billing.rules.errors import AmountUnfit, LevelNotPriced, QuantityUnfit
from shared_models.money import LARGEST, SMALLEST, MoneyError, exact, rounded, split, times

# Beyond this a count is a mistake somewhere, not a table.
MOST_UNITS = 10**12
BASIS_POINTS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Prices:
    """One version of the price list. Prices are EAML; `usd_per_eaml` is what one costs when dollars pay for it."""

    version: int
    training_cell_eaml: Decimal
    solving_line_eaml: Decimal
    level_factors: Mapping[str, Decimal]
    usd_per_eaml: Decimal
    marketplace_fee_basis_points: int

    def training(self, *, columns: int, lines: int, level: int) -> Decimal:
        """EAML for training on columns (input + output + ignored) × lines (learning + evaluation) at a level."""
        factor = self.level_factors.get(str(level))
        if factor is None:
            raise LevelNotPriced(f"There is no price for level {level}; choose one of {self.levels}.", field="level")
        return _price(self.training_cell_eaml, _count(columns, "columns"), _count(lines, "lines"), factor)

    def solving(self, *, lines: int) -> Decimal:
        """EAML for solving that many lines."""
        return _price(self.solving_line_eaml, _count(lines, "lines"))

    def in_usd(self, eaml: Decimal) -> Decimal:
        """What `eaml` costs in dollars: half to even, but never nothing for something."""
        return max(_price(self.usd_per_eaml, eaml), SMALLEST) if eaml > 0 else Decimal(0)

    def tokens_for(self, usd: Decimal) -> Decimal:
        """How many EAML those dollars buy: rounded down, so that the exchange never gives away a fraction."""
        with localcontext() as context:
            context.prec = 60
            return (usd / self.usd_per_eaml).quantize(SMALLEST, rounding=ROUND_DOWN)

    @property
    def levels(self) -> str:
        """The levels that have a price, as a sentence needs them."""
        return ", ".join(sorted(self.level_factors, key=int))


@dataclass(frozen=True, slots=True)
class Sale:
    """A market sale: the buyer pays `gross`, of which the owner gets `net` and the platform `fee`."""

    gross: Decimal
    net: Decimal
    fee: Decimal


def sale(*, lines: int, price_usd: Decimal, fee_basis_points: int) -> Sale:
    """The parts of a sale of `lines`; net and fee sum to the gross to the last place."""
    if price_usd < 0:
        raise QuantityUnfit("A price on the market cannot be negative.", field="market_price_usd")
    gross = _price(price_usd, _count(lines, "lines"))
    fee_share = Decimal(fee_basis_points)
    net, fee = split(gross, [BASIS_POINTS - fee_share, fee_share])
    return Sale(gross, net, fee)


def money_in(
    amount: object, *, field: str, largest: Decimal = LARGEST, places: int = 8, zero_fits: bool = False
) -> Decimal:
    """A positive amount that a person gave. Raises AmountUnfit naming the field and what fits."""
    try:
        value = exact(amount)
    except MoneyError as error:
        raise AmountUnfit(f"{str(error)[:120]}.", field=field) from None
    if value < 0 or (value == 0 and not zero_fits):
        raise AmountUnfit("Give an amount above zero.", field=field)
    if value > largest:
        raise AmountUnfit(f"Give at most {largest}.", field=field)
    if value != value.quantize(Decimal(1).scaleb(-places)):
        raise AmountUnfit(f"Give at most {places} decimal places.", field=field)
    return value


def must_be_a_price_list(prices: Prices) -> None:
    """Raise BadInput unless every price of the list can be charged."""
    for name in ("training_cell_eaml", "solving_line_eaml"):
        if getattr(prices, name) < 0:
            raise AmountUnfit("A price cannot be negative.", field=name)
    if prices.usd_per_eaml <= 0:
        raise AmountUnfit("An EAML must cost something.", field="usd_per_eaml")
    if not 0 <= prices.marketplace_fee_basis_points <= BASIS_POINTS:
        raise AmountUnfit("Give 0 to 10000 basis points.", field="marketplace_fee_basis_points")
    fit = [level.isdecimal() and factor > 0 for level, factor in prices.level_factors.items()]
    if not fit or not all(fit):
        raise AmountUnfit("Give a positive factor for each level, by the level's number.", field="level_factors")


def _count(number: int, field: str) -> Decimal:
    if not 0 <= number <= MOST_UNITS:
        raise QuantityUnfit(f"Give 0 to {MOST_UNITS} {field}.", field=field)
    return Decimal(number)


def _price(*factors: Decimal) -> Decimal:
    product = times(*factors)
    if product > LARGEST:
        raise QuantityUnfit(f"This would cost more than {LARGEST}, the most an account can hold.", field="lines")
    return rounded(product)
