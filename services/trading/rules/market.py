"""What a market allows and charges: steps of price and quantity, fee, spread, slippage."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from enum import StrEnum

EIGHT_PLACES = Decimal("0.00000001")
NOTHING = Decimal(0)
ONE = Decimal(1)


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class FillAt(StrEnum):
    """When an order decided at a candle's close is filled."""

    NEXT_OPEN = "next_open"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Instrument:
    """The steps an exchange accepts."""

    tick: Decimal = EIGHT_PLACES
    lot: Decimal = EIGHT_PLACES
    minimum_notional: Decimal = NOTHING

    def whole_lots(self, quantity: Decimal) -> Decimal:
        return stepped(quantity, self.lot, ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class Costs:
    """What a fill costs beyond the quoted price; every rate is a share of the price (0.0002 = 0.02 %)."""

    fee_rate: Decimal = NOTHING
    spread: Decimal = NOTHING
    slippage: Decimal = NOTHING
    fill_at: FillAt = FillAt.NEXT_OPEN
    max_volume_share: Decimal | None = None

    def price(self, side: Side, quoted: Decimal, instrument: Instrument) -> Decimal:
        """The price paid: half the spread and the slippage against us, rounded to the tick against us."""
        against = self.spread / 2 + self.slippage
        if side is Side.BUY:
            return stepped(quoted * (ONE + against), instrument.tick, ROUND_CEILING)
        return stepped(quoted * (ONE - against), instrument.tick, ROUND_FLOOR)

    def fee(self, notional: Decimal) -> Decimal:
        return money(notional * self.fee_rate)


def money(amount: Decimal) -> Decimal:
    """Amounts are kept at eight places, rounded half to even once, where they arise."""
    return amount.quantize(EIGHT_PLACES, ROUND_HALF_EVEN)


def stepped(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (value / step).quantize(ONE, rounding) * step


def plain(value: Decimal) -> str:
    """A decimal as people write it: no exponent, no trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
