"""Limits a bot trades within, and how large a position they allow."""

from dataclasses import dataclass
from decimal import Decimal

from trading.rules.market import ONE, Instrument
from trading.rules.orders import Intent

PERCENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Limits:
    """All percentages are of the price (stops) or of equity (the rest); None means no such limit."""

    risk_percentage: Decimal = ONE
    stop_loss_percentage: Decimal | None = None
    take_profit_percentage: Decimal | None = None
    max_drawdown_percentage: Decimal | None = None
    daily_loss_percentage: Decimal | None = None
    max_daily_trades: int | None = None

    def stop_price(self, average: Decimal) -> Decimal | None:
        if self.stop_loss_percentage is None:
            return None
        return average * (ONE - self.stop_loss_percentage * PERCENT)

    def target_price(self, average: Decimal) -> Decimal | None:
        if self.take_profit_percentage is None:
            return None
        return average * (ONE + self.take_profit_percentage * PERCENT)


def wanted_quantity(
    intent: Intent, *, limits: Limits, instrument: Instrument, price: Decimal, equity: Decimal
) -> Decimal:
    """How much an entry buys, in whole lots.

    A strategy may name the quantity or the amount. Otherwise the position is as large as loses
    `risk_percentage` of equity when it is stopped out; with no stop the whole price is at risk.
    """
    if intent.quantity is not None:
        return instrument.whole_lots(intent.quantity)
    if intent.notional is not None:
        return instrument.whole_lots(intent.notional / price)
    distance = (limits.stop_loss_percentage or Decimal(100)) * PERCENT
    at_risk = equity * limits.risk_percentage * PERCENT
    return instrument.whole_lots(min(at_risk / distance, equity) / price)


def lost_share(start: Decimal, now: Decimal) -> Decimal:
    """The loss from `start` to `now` in percent; zero when nothing was lost."""
    if now >= start or start <= 0:
        return Decimal(0)
    return (start - now) / start * 100
