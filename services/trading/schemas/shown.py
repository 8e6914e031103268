"""What the API and the dashboards answer: amounts as text, times with a Z, nothing secret."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from shared_models.clock import rfc3339
from shared_models.money import plain
from trading.models import (
    Bot,
    BotRun,
    BotRunLog,
    EquityPoint,
    Exchange,
    Fill,
    KnownMachine,
    Order,
    Position,
    Symbol,
    UserAPIKey,
)
from trading.queries import PriceRange
from trading.rules.book import said
from trading.rules.candles import Candle, Gap, instant


def show_exchange(row: Exchange) -> dict[str, Any]:
    """An exchange."""
    return {"id": str(row.pk), "name": row.name, "kind": row.kind}


def show_symbol(row: Symbol) -> dict[str, Any]:
    """A symbol and how it is traded."""
    return {
        "id": str(row.pk),
        "ticker": row.ticker,
        "exchange": row.exchange.name,
        "name": row.name,
        "sector": row.sector,
        "asset_type": row.asset_type,
        "base": row.base,
        "quote": row.quote,
        "tick": plain(row.tick),
        "lot": plain(row.lot),
        "minimum_notional": plain(row.minimum_notional),
        "is_active": row.is_active,
        "is_shared": row.owner_id is None,
        "price_source": row.price_source,
    }


def show_range(row: PriceRange) -> dict[str, Any]:
    """What is stored of a symbol at one timeframe."""
    first, last = rfc3339(row.first), rfc3339(row.last)
    return {
        "timeframe": row.timeframe.value,
        "source": row.source,
        "candles": row.candles,
        "first": first,
        "last": last,
    }


def show_gap(gap: Gap) -> dict[str, Any]:
    """A hole between two candles."""
    return {"after": rfc3339(instant(gap.after)), "before": rfc3339(instant(gap.before)), "missing": gap.missing}


def show_candle(candle: Candle) -> dict[str, Any]:
    """A candle."""
    prices = zip(("open", "high", "low", "close", "volume"), candle[1:], strict=True)
    return {"timestamp": rfc3339(candle.opened_at)} | {name: plain(value) for name, value in prices}


def show_key(row: UserAPIKey) -> dict[str, Any]:
    """A key without anything secret."""
    return {
        "id": str(row.pk),
        "exchange": row.exchange.name,
        "name": row.name,
        "api_key_public_part": row.api_key_public_part,
        "is_active": row.is_active,
        "last_tested_at": _moment(row.last_tested_at),
        "test_result": row.test_result,
        "created_at": rfc3339(row.created_at),
    }


def show_machine(row: KnownMachine) -> dict[str, Any]:
    """A machine a bot may ask."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "input_columns": row.input_columns,
        "output_columns": row.output_columns,
        "scores": row.scores,
        "trained_at": rfc3339(row.trained_at),
    }


def show_bot(row: Bot) -> dict[str, Any]:
    """A bot with its settings and its record."""
    run = row.get_current_run()
    amounts = ("starting_cash", "fee_rate", "spread", "slippage", "risk_percentage")
    limits = (
        "stop_loss_percentage",
        "take_profit_percentage",
        "max_drawdown_percentage",
        "daily_loss_percentage",
    )
    return {
        "id": str(row.pk),
        "name": row.name,
        "strategy": row.strategy,
        "symbol_id": str(row.symbol_id),
        "pair": row.pair,
        "timeframe": row.timeframe,
        "parameters": row.parameters,
        "mode": row.mode,
        "status": row.status,
        "is_active": row.is_active,
        "exchange_key_id": str(row.exchange_key_id) if row.exchange_key_id else None,
        "max_daily_trades": row.max_daily_trades,
        "pauses": row.pauses,
        "pause_currencies": row.pause_currencies,
        **{name: plain(getattr(row, name)) for name in amounts},
        **{name: _amount(getattr(row, name)) for name in limits},
        "current_run_id": str(run.pk) if run else None,
        "total_runs": row.get_total_runs(),
        "successful_runs": row.get_successful_runs(),
        "success_rate": row.get_success_rate(),
        "created_at": rfc3339(row.created_at),
    }


def show_run(row: BotRun) -> dict[str, Any]:
    """A run with everything that decided it."""
    return {
        "id": str(row.pk),
        "bot_id": str(row.bot_id),
        "mode": row.mode,
        "status": row.status,
        "is_running": row.is_running,
        "is_paused": row.is_paused,
        "idle_reason": row.idle_reason,
        "start_time": rfc3339(row.start_time),
        "end_time": _moment(row.end_time),
        "duration_seconds": round(row.duration.total_seconds(), 3),
        "progress": row.progress,
        "candles_done": row.candles_done,
        "candles_total": row.candles_total,
        "last_candle_at": _moment(row.last_candle_at),
        "trades_executed": row.trades_executed,
        "equity": _amount(row.equity),
        "profit_loss": plain(row.profit_loss),
        "error_message": row.error_message,
        "run_parameters": row.run_parameters,
        "notes": row.notes,
        "report": row.report,
        "log_offset": row.log_offset,
    }


def show_state(row: BotRun) -> dict[str, Any]:
    """What a dashboard's strip shows of a run."""
    names = ("status", "is_running", "is_paused", "idle_reason", "progress", "candles_done", "candles_total")
    amounts = {"equity": _amount(row.equity), "profit_loss": plain(row.profit_loss), "trades": row.trades_executed}
    return {name: getattr(row, name) for name in names} | amounts | {"last_candle_at": _moment(row.last_candle_at)}


def show_position(run: BotRun) -> dict[str, Any] | None:
    """What the run holds; None before its first step."""
    row = Position.objects.filter(run=run).first()
    if row is None:
        return None
    names = ("quantity", "average_price", "cash", "realised", "fees")
    return {name: plain(getattr(row, name)) for name in names}


def show_line(row: BotRunLog) -> dict[str, Any]:
    """A log line."""
    return {
        "offset": row.offset,
        "timestamp": rfc3339(row.timestamp),
        "level": row.level,
        "event": row.event,
        "fields": row.fields,
        "message": said(row.event, row.fields),
        "candle_at": _moment(row.candle_at),
        "order_id": str(row.order_id) if row.order_id else None,
    }


def show_order(row: Order) -> dict[str, Any]:
    """An order, and why it was denied."""
    return {
        "id": str(row.pk),
        "run_id": str(row.run_id),
        "decided_at": rfc3339(row.decided_at),
        "side": row.side,
        "purpose": row.purpose,
        "quantity": plain(row.quantity),
        "filled_quantity": plain(row.filled_quantity),
        "status": row.status,
        "reason": row.reason or None,
        "note": row.note,
    }


def show_fill(row: Fill) -> dict[str, Any]:
    """A fill."""
    return {
        "id": str(row.pk),
        "order_id": str(row.order_id),
        "run_id": str(row.run_id),
        "index": row.candle_index,
        "filled_at": rfc3339(row.filled_at),
        "side": row.side,
        "price": plain(row.price),
        "quantity": plain(row.quantity),
        "fee": plain(row.fee),
        "profit": plain(row.profit),
    }


def show_equity(row: EquityPoint) -> dict[str, Any]:
    """The account at a candle."""
    amounts = {"equity": plain(row.equity), "cash": plain(row.cash), "quantity": plain(row.quantity)}
    return {"time": rfc3339(row.time)} | amounts


def _amount(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _moment(value: datetime | None) -> str | None:
    return None if value is None else rfc3339(value)
