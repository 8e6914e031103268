"""What a run owns and remembers between two candles, and the arithmetic of a fill."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from trading.rules.market import NOTHING, Side, money
from trading.rules.orders import Fill, Order, Purpose, Reason


@dataclass(slots=True)
class Trade:
    """From flat to flat: what was put in, what came out."""

    opened: int
    entry_price: Decimal
    quantity: Decimal
    fees: Decimal
    closed: int | None = None
    exit_price: Decimal | None = None
    profit: Decimal = NOTHING
    purpose: Purpose | None = None


@dataclass(slots=True)
class Book:
    """Cash, position and counters of one run; from a book written down, a run continues exactly."""

    cash: Decimal
    index: int = -1
    last_time: int | None = None
    last_close: Decimal = NOTHING
    quantity: Decimal = NOTHING
    cost: Decimal = NOTHING
    realised: Decimal = NOTHING
    fees: Decimal = NOTHING
    equity: Decimal = NOTHING
    peak: Decimal = NOTHING
    day: int | None = None
    day_start: Decimal = NOTHING
    day_entries: int = 0
    exposed: int = 0
    fills: int = 0
    halted: Reason | None = None
    paused_by: str = ""
    pending: list[Order] = field(default_factory=list)
    trade: Trade | None = None

    def __post_init__(self) -> None:
        self.equity = self.equity or self.cash
        self.peak = self.peak or self.cash
        self.day_start = self.day_start or self.cash

    @property
    def average_price(self) -> Decimal:
        return self.cost / self.quantity if self.quantity else NOTHING

    @property
    def is_flat(self) -> bool:
        return not self.quantity

    def apply(self, order: Order, *, index: int, time: int, price: Decimal, quantity: Decimal, fee: Decimal) -> Fill:
        """Book one fill; profit is known on sales, by average cost, with the fees of both sides inside."""
        notional = money(price * quantity)
        profit = NOTHING
        if order.side is Side.BUY:
            self.cash -= notional + fee
            self.cost += notional + fee
            self.quantity += quantity
        else:
            sold_cost = self.cost if quantity == self.quantity else money(self.cost * quantity / self.quantity)
            profit = notional - fee - sold_cost
            self.cash += notional - fee
            self.cost -= sold_cost
            self.quantity -= quantity
            self.realised += profit
        self.fees += fee
        self.fills += 1
        order.filled += quantity
        return Fill(order.id, index, time, order.side, order.purpose, price, quantity, notional, fee, profit)

    def record(self, fill: Fill) -> Trade | None:
        """Carry the open round trip along; gives it back when this fill closed it."""
        if fill.side is Side.BUY:
            self._extend(fill)
            return None
        trade = self.trade
        if trade is None:
            return None
        trade.fees += fill.fee
        trade.profit += fill.profit
        if self.quantity:
            return None
        trade.closed, trade.exit_price, trade.purpose = fill.time, fill.price, fill.purpose
        self.trade = None
        return trade

    def _extend(self, fill: Fill) -> None:
        if self.trade is None:
            self.trade = Trade(opened=fill.time, entry_price=fill.price, quantity=fill.quantity, fees=fill.fee)
            return
        trade = self.trade
        total = trade.quantity + fill.quantity
        trade.entry_price = money((trade.entry_price * trade.quantity + fill.price * fill.quantity) / total)
        trade.quantity = total
        trade.fees += fill.fee


class EquityPoint(NamedTuple):
    """The account at a candle's close."""

    time: int
    equity: Decimal
    cash: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the run's log: an event with fields."""

    time: int
    level: str
    event: str
    fields: dict[str, str] = field(default_factory=dict)
    order_id: UUID | None = None


# The database gives the fields of a line back in an order of its own; people read them in this one.
READING = ("side", "purpose", "quantity", "price", "fee", "profit", "reason", "why")


def said(event: str, fields: dict[str, str]) -> str:
    """A line as one reads it."""
    ordered = sorted(fields, key=lambda name: READING.index(name) if name in READING else -1)
    return "  ".join((event, *(f"{name}={fields[name]}" for name in ordered)))
