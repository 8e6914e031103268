"""Orders, their states, their ids, why one is denied, and fills."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID, uuid5

from trading.rules.market import NOTHING, Side, plain


class OrderState(StrEnum):
    NEW = "new"
    DENIED = "denied"
    SUBMITTED = "submitted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        return bool(MOVES[self])


MOVES: dict[OrderState, frozenset[OrderState]] = {
    OrderState.NEW: frozenset({OrderState.DENIED, OrderState.SUBMITTED}),
    OrderState.SUBMITTED: frozenset(
        {
            OrderState.PARTIALLY_FILLED,
            OrderState.FILLED,
            OrderState.REJECTED,
            OrderState.CANCELLED,
            OrderState.EXPIRED,
        }
    ),
    OrderState.PARTIALLY_FILLED: frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED}),
    OrderState.DENIED: frozenset(),
    OrderState.FILLED: frozenset(),
    OrderState.REJECTED: frozenset(),
    OrderState.CANCELLED: frozenset(),
    OrderState.EXPIRED: frozenset(),
}


class Reason(StrEnum):
    """Why an order was denied, rejected, cancelled or left unfilled."""

    CALENDAR_PAUSE = "CALENDAR_PAUSE"
    CALENDAR_UNVERIFIED = "CALENDAR_UNVERIFIED"
    MAX_DAILY_TRADES = "MAX_DAILY_TRADES"
    DAILY_LOSS_LIMIT = "DAILY_LOSS_LIMIT"
    MAX_DRAWDOWN = "MAX_DRAWDOWN"
    BELOW_ONE_LOT = "BELOW_ONE_LOT"
    BELOW_MIN_NOTIONAL = "BELOW_MIN_NOTIONAL"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    SUPERSEDED = "SUPERSEDED"
    RUN_ENDED = "RUN_ENDED"


class Purpose(StrEnum):
    ENTRY = "entry"
    EXIT = "exit"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    KILL_SWITCH = "kill_switch"


class IllegalMove(ValueError):
    """An order was asked to go where its state does not lead."""


@dataclass(slots=True)
class Order:
    """One order; `index` and `decided_at` are those of the candle whose close decided it."""

    id: UUID
    index: int
    decided_at: int
    side: Side
    purpose: Purpose
    quantity: Decimal
    shrinks: bool
    state: OrderState = OrderState.NEW
    reason: Reason | None = None
    note: str = ""
    filled: Decimal = NOTHING

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled

    def move(self, state: OrderState, reason: Reason | None = None) -> None:
        if state is not self.state and state not in MOVES[self.state]:
            raise IllegalMove(f"an order that is {self.state} cannot become {state}")
        self.state = state
        self.reason = reason or self.reason


@dataclass(frozen=True, slots=True)
class Fill:
    """What an order got; `index` and `time` are those of the candle it was filled in."""

    order_id: UUID
    index: int
    time: int
    side: Side
    purpose: Purpose
    price: Decimal
    quantity: Decimal
    notional: Decimal
    fee: Decimal
    profit: Decimal


class Intent(NamedTuple):
    """What a strategy wants at a candle's close; without quantity and notional the risk rule sizes it."""

    side: Side
    note: str
    quantity: Decimal | None = None
    notional: Decimal | None = None


def order_id(run: UUID, candle_time: int, purpose: Purpose) -> UUID:
    """The same run, candle and purpose always give the same client order id, so nothing is sent twice."""
    return uuid5(run, f"{candle_time}:{purpose}")


def fills_digest(fills: Iterable[Fill]) -> str:
    """SHA-256 over the lines `index,side,price,quantity,fee`, by which two engines are compared."""
    digest = sha256()
    for fill in fills:
        line = f"{fill.index},{fill.side},{plain(fill.price)},{plain(fill.quantity)},{plain(fill.fee)}\n"
        digest.update(line.encode())
    return digest.hexdigest()
