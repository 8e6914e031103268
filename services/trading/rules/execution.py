"""How a simulated exchange answers an order: filled, in part, not yet, or rejected."""

from dataclasses import dataclass
from decimal import Decimal

from trading.rules.book import Book
from trading.rules.candles import Candle
from trading.rules.limits import Limits
from trading.rules.market import ONE, Costs, Instrument, Side, money
from trading.rules.orders import Fill, Order, OrderState, Reason


@dataclass(slots=True)
class Execution:
    """Fills orders against a quoted price.

    Assumptions: a market order moves no price; a stop fills at its own price, or at the open when the market
    opened beyond it.
    """

    book: Book
    instrument: Instrument
    costs: Costs
    limits: Limits

    def attempt(self, order: Order, candle: Candle, quoted: Decimal) -> Fill | Reason | None:
        """The fill, why there is none, or None when the candle traded too little for a single lot."""
        price = self.costs.price(order.side, quoted, self.instrument)
        quantity = self._available(order.remaining, candle)
        if quantity <= 0:
            return None
        if order.side is Side.BUY:
            quantity = self._affordable(order, quantity, price)
            if quantity <= 0:
                return Reason.INSUFFICIENT_FUNDS
        fee = self.costs.fee(money(price * quantity))
        fill = self.book.apply(order, index=self.book.index, time=candle.time, price=price, quantity=quantity, fee=fee)
        order.move(OrderState.PARTIALLY_FILLED if order.remaining else OrderState.FILLED)
        return fill

    def _available(self, remaining: Decimal, candle: Candle) -> Decimal:
        """What is left of the order, or as much of it as may be taken of the candle's volume."""
        share = self.costs.max_volume_share
        if share is None:
            return remaining
        return min(remaining, self.instrument.whole_lots(candle.volume * share))

    def _affordable(self, order: Order, quantity: Decimal, price: Decimal) -> Decimal:
        """The quantity when the cash covers it; otherwise less where the order may shrink, else nothing."""
        if self._cost(quantity, price) <= self.book.cash:
            return quantity
        if not order.shrinks:
            return Decimal(0)
        less = self.instrument.whole_lots(max(self.book.cash, Decimal(0)) / (price * (ONE + self.costs.fee_rate)))
        while less > 0 and self._cost(less, price) > self.book.cash:
            less -= self.instrument.lot
        if less > 0:
            order.quantity = order.filled + less
        return less

    def _cost(self, quantity: Decimal, price: Decimal) -> Decimal:
        notional = money(price * quantity)
        return notional + self.costs.fee(notional)
