"""What an engine writes: every function checks the lease under the run's lock, and writes all of a step or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction

from shared_models.clock import utc_now
from shared_models.ids import derived_id
from shared_models.timeseries import ALIAS
from trading import publishes
from trading.commands.leases import Lease, LeaseLost
from trading.commands.logs import Line, append_lines
from trading.commands.runs import hold
from trading.models import Bot, BotRun, EquityPoint, Fill, Order, Position, RunStatus
from trading.models.bots import OPEN
from trading.rules import orders as domain
from trading.rules.book import Book, Note
from trading.rules.book import EquityPoint as Point
from trading.rules.candles import instant
from trading.rules.engine import Batch
from trading.rules.market import money


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, and from what it could continue."""

    done: int
    total: int | None = None
    snapshot: dict[str, Any] | None = None
    more_lines: list[Line] = field(default_factory=list)


def seen(*, lease: Lease) -> BotRun:
    """The run as it stands now. Raises LeaseLost."""
    run = BotRun.objects.filter(pk=lease.run_id).select_related("bot").first()
    return _must_be_held(run, lease)


@transaction.atomic
def begin(*, lease: Lease) -> BotRun:
    """Mark the run as running, tell the others once, and start a half done backtest from its first candle.

    A backtest that changes hands is done anew: from the same candles it comes to the same end, so nothing is lost
    but seconds, and nothing half done remains.
    """
    run = _held(lease)
    lines = []
    if run.status == RunStatus.STARTING:
        run.status, run.start_time = RunStatus.RUNNING, utc_now()
        publishes.run_started(run)
        lines.append(Line("info", "run.started", {"mode": run.mode, "strategy": run.run_parameters["strategy"]}))
    elif not run.candles_done and run.snapshot is None:
        pass  # nobody did anything with it yet
    elif run.mode == "backtest":
        _forget_history(run)
        lines.append(Line("warning", "run.begun_anew", {"reason": "another engine took the backtest over"}))
    else:
        lines.append(Line("warning", "run.taken_over", {"after": str(run.last_candle_at or "no candle")}))
    append_lines(run, lines)
    run.save()
    return run


@transaction.atomic
def record(*, lease: Lease, batch: Batch, book: Book, progress: Progress) -> BotRun:
    """Write what happened in a step: orders, fills, position, equity, log lines, events, and where to continue.

    The rows of the time series database commit first; counted by the run they become visible with the rest. On
    paper each fill is told to the other services; the fills of a backtest happened nowhere. Raises LeaseLost.
    """
    run = _held(lease)
    fills = _fills(run, batch.fills)
    _write_orders(run, batch.orders.values())
    Fill.objects.bulk_create(fills, ignore_conflicts=True, batch_size=2_000)
    if run.mode != "backtest":
        for fill in fills:
            publishes.trade_executed(run, fill)
    _write_equity(run, batch.equity)
    append_lines(run, [*progress.more_lines, *map(_line, batch.notes)])
    _write_position(run, book)
    run.trades_executed += len(fills)
    run.equity = money(book.equity)
    run.profit_loss = money(book.equity - Decimal(run.run_parameters["cash"]))
    run.candles_done, run.candles_total = progress.done, progress.total
    run.snapshot = progress.snapshot
    run.last_candle_at = None if book.last_time is None else instant(book.last_time)
    run.idle_reason = _why_idle(book)
    run.save()
    return run


@transaction.atomic
def idle(*, lease: Lease, reason: str, line: Line | None = None, pause: bool = False) -> BotRun:
    """Say why the run does nothing right now; with `pause`, until its owner resumes it. Raises LeaseLost."""
    run = _held(lease)
    if line is not None:
        append_lines(run, [line])
    if pause:
        hold(run, reason)
    run.idle_reason = reason[:300]
    run.save(update_fields=["idle_reason", "is_paused", "log_offset"])
    return run


@transaction.atomic
def end(
    *, lease: Lease, status: RunStatus, error: str = "", report: dict[str, Any] | None = None, note: str = ""
) -> BotRun:
    """End the run, tell the others, and give the bot back to its owner. Raises LeaseLost."""
    run = _held(lease)
    run.status, run.end_time = status, utc_now()
    run.error_message, run.report = error, report
    run.idle_reason, run.is_paused, run.lease_until = "", False, None
    level = "error" if status == RunStatus.FAILED else "info"
    said = {"profit_loss": str(run.profit_loss), "trades": str(run.trades_executed)}
    said |= {name: text for name, text in (("error", error), ("note", note)) if text}
    append_lines(run, [Line(level, f"run.{status.value}", said)])
    run.save()
    bot_status = "error" if status == RunStatus.FAILED else "inactive"
    Bot.objects.filter(pk=run.bot_id).update(status=bot_status, updated_at=utc_now())
    publishes.run_ended(run)
    return run


# -- the parts of a step, in order of use ------------------------------------------------------------------------


def _held(lease: Lease) -> BotRun:
    return _must_be_held(BotRun.objects.select_for_update().filter(pk=lease.run_id).first(), lease)


def _must_be_held(run: BotRun | None, lease: Lease) -> BotRun:
    if run is None or run.lease_token != lease.token or run.status not in OPEN:
        raise LeaseLost(f"run {lease.run_id} is no longer ours under token {lease.token}")
    return run


def _forget_history(run: BotRun) -> None:
    with transaction.atomic(using=ALIAS):
        EquityPoint.objects.filter(run_id=run.pk).delete()
    Order.objects.filter(run=run).delete()
    Position.objects.filter(run=run).delete()
    run.trades_executed, run.profit_loss, run.equity, run.snapshot = 0, Decimal(0), None, None
    run.candles_done, run.last_candle_at = 0, None


def _fills(run: BotRun, fills: Iterable[domain.Fill]) -> list[Fill]:
    return [
        Fill(
            id=derived_id("fill", fill.order_id, fill.index),
            order_id=fill.order_id,
            run=run,
            candle_index=fill.index,
            filled_at=instant(fill.time),
            side=fill.side.value,
            price=fill.price,
            quantity=fill.quantity,
            fee=fill.fee,
            profit=fill.profit,
        )
        for fill in fills
    ]


def _write_orders(run: BotRun, found: Iterable[domain.Order]) -> None:
    rows = [
        Order(
            id=order.id,
            run=run,
            decided_at=instant(order.decided_at),
            candle_index=order.index,
            side=order.side.value,
            purpose=order.purpose.value,
            quantity=order.quantity,
            filled_quantity=order.filled,
            status=order.state.value,
            reason=order.reason.value if order.reason else "",
            note=order.note[:300],
        )
        for order in found
    ]
    changing = ["quantity", "filled_quantity", "status", "reason"]
    Order.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["id"], update_fields=changing, batch_size=2_000
    )


def _write_equity(run: BotRun, points: Iterable[Point]) -> None:
    rows = [
        EquityPoint(
            run_id=run.pk, time=instant(p.time), equity=money(p.equity), cash=money(p.cash), quantity=p.quantity
        )
        for p in points
    ]
    with transaction.atomic(using=ALIAS):
        EquityPoint.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2_000)


def _write_position(run: BotRun, book: Book) -> None:
    state = {
        "quantity": book.quantity,
        "average_price": money(book.average_price),
        "cash": money(book.cash),
        "realised": money(book.realised),
        "fees": money(book.fees),
    }
    Position.objects.bulk_create(
        [Position(run=run, **state)], update_conflicts=True, unique_fields=["run"], update_fields=list(state)
    )


def _line(note: Note) -> Line:
    return Line(note.level, note.event, note.fields, instant(note.time), note.order_id)


def _why_idle(book: Book) -> str:
    if book.halted is not None:
        return f"halted: {book.halted}"
    return f"paused around {book.paused_by}"[:300] if book.paused_by else ""
