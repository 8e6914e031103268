"""The one event loop: backtest, paper and live show it candles and carry out what comes back."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from trading.rules.book import Book, EquityPoint, Note, Trade
from trading.rules.candles import DAY, Candle, Timeframe
from trading.rules.denials import why_denied
from trading.rules.execution import Execution
from trading.rules.limits import Limits, lost_share, wanted_quantity
from trading.rules.market import Costs, FillAt, Instrument, Side, plain
from trading.rules.orders import Fill, Intent, Order, OrderState, Purpose, Reason, order_id
from trading.rules.pauses import NO_PAUSES, Pauses
from trading.rules.strategies.base import Context, Strategy


@dataclass(slots=True)
class Batch:
    """What happened since the last time somebody asked."""

    orders: dict[UUID, Order] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    equity: list[EquityPoint] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


class Engine:
    """Steps through candles, one at a time, and is the same in every mode.

    A candle is looked at once: shown again, or shown late, it changes nothing. All that a step decides
    depends on the candles up to it, the book and the strategy's memory, never on a clock or on chance.
    """

    def __init__(
        self,
        *,
        run_id: UUID,
        strategy: Strategy[Any],
        timeframe: Timeframe,
        book: Book,
        instrument: Instrument | None = None,
        costs: Costs | None = None,
        limits: Limits | None = None,
        pauses: Pauses = NO_PAUSES,
    ) -> None:
        self.run_id = run_id
        self.strategy = strategy
        self.timeframe = timeframe
        self.book = book
        self.instrument = instrument or Instrument()
        self.costs = costs or Costs()
        self.limits = limits or Limits()
        self.pauses = pauses
        self.batch = Batch()
        self._lasts = timeframe.seconds
        self._context = Context(book)
        self._at_close = self.costs.fill_at is FillAt.CLOSE
        self._guards = self.limits.stop_loss_percentage is not None or self.limits.take_profit_percentage is not None
        self._has_kill_switch = self.limits.max_drawdown_percentage is not None
        self._execution = Execution(book=book, instrument=self.instrument, costs=self.costs, limits=self.limits)

    def step(self, candle: Candle) -> bool:
        """Live through one candle; False when it was seen before."""
        book = self.book
        if book.last_time is not None and candle.time <= book.last_time:
            return False
        book.index += 1
        book.last_time = candle.time
        day = candle.time // DAY
        if day != book.day:
            book.day, book.day_start, book.day_entries = day, book.equity, 0
        if book.pending:
            self._carry_out(candle, candle.open)
        if self._guards and book.quantity:
            self._guard(candle)
        book.last_close = candle.close
        self._mark(candle.close)
        self._decide(candle)
        if self._at_close and book.pending:
            self._carry_out(candle, candle.close)
            self._mark(candle.close)
        if book.quantity:
            book.exposed += 1
        self.batch.equity.append(EquityPoint(candle.time, book.equity, book.cash, book.quantity))
        return True

    def warm_up(self, candles: Iterable[Candle]) -> None:
        """Show the strategy candles from before the run; it may not trade on them."""
        for candle in candles:
            self._context.candle = candle
            self.strategy.on_candle(self._context)

    def finish(self) -> None:
        """End the run: what the last candle decided finds no next one; a position stays as it is."""
        for order in self.book.pending:
            self._move(order, OrderState.EXPIRED, Reason.RUN_ENDED)
        self.book.pending.clear()

    def drain(self) -> Batch:
        """Hand over what happened since the last call."""
        batch, self.batch = self.batch, Batch()
        return batch

    def _carry_out(self, candle: Candle, quoted: Decimal) -> None:
        for order in list(self.book.pending):
            self._fill(order, candle, quoted)
        self.book.pending = [order for order in self.book.pending if order.state.is_open]

    def _fill(self, order: Order, candle: Candle, quoted: Decimal) -> None:
        outcome = self._execution.attempt(order, candle, quoted)
        self.batch.orders[order.id] = order
        if isinstance(outcome, Fill):
            self._tell_fill(outcome, order)
        elif outcome is not None:
            order.move(OrderState.CANCELLED if order.filled else OrderState.REJECTED, outcome)
            self._tell("warning", f"order.{order.state}", candle, order, reason=outcome)

    def _guard(self, candle: Candle) -> None:
        """Stop-loss before take-profit: within one candle the worse path is assumed."""
        average = self.book.average_price
        stop, target = self.limits.stop_price(average), self.limits.target_price(average)
        if stop is not None and candle.low <= stop:
            self._leave(candle, Purpose.STOP_LOSS, min(candle.open, stop), f"low {plain(candle.low)} reached the stop")
        elif target is not None and candle.high >= target:
            note = f"high {plain(candle.high)} reached the target"
            self._leave(candle, Purpose.TAKE_PROFIT, max(candle.open, target), note)

    def _leave(self, candle: Candle, purpose: Purpose, quoted: Decimal, note: str) -> None:
        self._cancel_pending()
        order = self._order(candle, Side.SELL, purpose, self.book.quantity, note=note)
        order.move(OrderState.SUBMITTED)
        self._fill(order, candle, quoted)
        if order.state.is_open:
            self.book.pending.append(order)

    def _mark(self, close: Decimal) -> None:
        book = self.book
        equity = book.equity = book.cash + book.quantity * close if book.quantity else book.cash
        if equity > book.peak:
            book.peak = equity

    def _decide(self, candle: Candle) -> None:
        book = self.book
        if self._has_kill_switch and book.halted is None and self._is_drawn_down():
            self._halt(candle)
        if self.pauses is not NO_PAUSES:
            self._tell_pause(candle)
        self._context.candle = candle
        intent = self.strategy.on_candle(self._context)
        if intent is None or book.halted is not None:
            return
        if intent.side is Side.BUY:
            self._enter(candle, intent)
        elif book.quantity and not any(order.side is Side.SELL for order in book.pending):
            self._cancel_pending()
            wanted = book.quantity if intent.quantity is None else min(intent.quantity, book.quantity)
            self._submit(self._order(candle, Side.SELL, Purpose.EXIT, wanted, note=intent.note), candle)

    def _enter(self, candle: Candle, intent: Intent) -> None:
        if self.book.pending:
            return
        quantity = wanted_quantity(
            intent,
            limits=self.limits,
            instrument=self.instrument,
            price=candle.close,
            equity=self.book.equity,
        )
        shrinks = intent.quantity is None
        order = self._order(candle, Side.BUY, Purpose.ENTRY, quantity, note=intent.note, shrinks=shrinks)
        reason = self._denial(candle, quantity)
        if reason is not None:
            order.move(OrderState.DENIED, reason)
            window = self.pauses.at(candle.time + self._lasts)
            why = why_denied(reason, book=self.book, limits=self.limits, instrument=self.instrument, window=window)
            self._tell("warning", "order.denied", candle, order, reason=reason, why=why)
            return
        self.book.day_entries += 1
        self._submit(order, candle)

    def _denial(self, candle: Candle, quantity: Decimal) -> Reason | None:
        """The first rule that stands against an entry; leaving is never denied."""
        book, limits, closes_at = self.book, self.limits, candle.time + self._lasts
        if self.pauses.at(closes_at) is not None:
            return Reason.CALENDAR_PAUSE
        if not self.pauses.is_known(closes_at):
            return Reason.CALENDAR_UNVERIFIED
        if limits.max_daily_trades is not None and book.day_entries >= limits.max_daily_trades:
            return Reason.MAX_DAILY_TRADES
        if self._has_lost_the_day():
            return Reason.DAILY_LOSS_LIMIT
        if quantity <= 0:
            return Reason.BELOW_ONE_LOT
        if quantity * candle.close < self.instrument.minimum_notional:
            return Reason.BELOW_MIN_NOTIONAL
        return None

    def _has_lost_the_day(self) -> bool:
        limit = self.limits.daily_loss_percentage
        return limit is not None and lost_share(self.book.day_start, self.book.equity) >= limit

    def _is_drawn_down(self) -> bool:
        limit = self.limits.max_drawdown_percentage
        return limit is not None and lost_share(self.book.peak, self.book.equity) >= limit

    def _halt(self, candle: Candle) -> None:
        self.book.halted = Reason.MAX_DRAWDOWN
        drawdown = lost_share(self.book.peak, self.book.equity)
        fields = {
            "drawdown_percent": plain(round(drawdown, 4)),
            "limit": str(self.limits.max_drawdown_percentage),
        }
        self.batch.notes.append(Note(candle.time, "error", "run.halted", fields))
        self._cancel_pending()
        if self.book.quantity:
            order = self._order(candle, Side.SELL, Purpose.KILL_SWITCH, self.book.quantity, note="maximum drawdown")
            self._submit(order, candle)

    def _order(
        self,
        candle: Candle,
        side: Side,
        purpose: Purpose,
        quantity: Decimal,
        *,
        note: str,
        shrinks: bool = False,
    ) -> Order:
        order = Order(
            id=order_id(self.run_id, candle.time, purpose),
            index=self.book.index,
            decided_at=candle.time,
            side=side,
            purpose=purpose,
            quantity=quantity,
            shrinks=shrinks,
            note=note,
        )
        self.batch.orders[order.id] = order
        return order

    def _submit(self, order: Order, candle: Candle) -> None:
        order.move(OrderState.SUBMITTED)
        self.book.pending.append(order)
        self._tell("info", "order.submitted", candle, order, why=order.note)

    def _cancel_pending(self) -> None:
        for order in self.book.pending:
            self._move(order, OrderState.CANCELLED, Reason.SUPERSEDED)
        self.book.pending.clear()

    def _move(self, order: Order, state: OrderState, reason: Reason) -> None:
        order.move(state, reason)
        self.batch.orders[order.id] = order

    def _tell_fill(self, fill: Fill, order: Order) -> None:
        self.batch.fills.append(fill)
        closed = self.book.record(fill)
        if closed is not None:
            self.batch.trades.append(closed)
        fields = {"price": plain(fill.price), "fee": plain(fill.fee)}
        if fill.side is Side.SELL:
            fields["profit"] = plain(fill.profit)
        note = {
            "side": str(fill.side),
            "purpose": str(fill.purpose),
            "quantity": plain(fill.quantity),
            **fields,
        }
        self.batch.notes.append(Note(fill.time, "info", "order.filled", note, order.id))

    def _tell(self, level: str, event: str, candle: Candle, order: Order, **fields: str) -> None:
        base = {"side": str(order.side), "purpose": str(order.purpose), "quantity": plain(order.quantity)}
        self.batch.notes.append(Note(candle.time, level, event, base | fields, order.id))

    def _tell_pause(self, candle: Candle) -> None:
        window = self.pauses.at(candle.time + self._lasts)
        names = ", ".join(window.names) if window else ""
        if names != self.book.paused_by:
            event = "calendar.paused" if window else "calendar.resumed"
            self.batch.notes.append(
                Note(
                    candle.time,
                    "warning" if window else "info",
                    event,
                    {"events": names or self.book.paused_by},
                )
            )
            self.book.paused_by = names
