"""What charts draw: equity thinned to what a screen can show, and candles with a run's fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from trading.models import BotRun, EquityPoint, Fill
from trading.queries.calendar import pauses_for
from trading.queries.prices import candles, symbol_for
from trading.rules.candles import Candle, instant
from trading.rules.pauses import Window
from trading.rules.runspec import RunSpec

T = TypeVar("T")
POINTS = 400
CANDLES = 120


@dataclass(frozen=True, slots=True)
class Chart:
    """Candles of a run's last stretch, with what happened in them."""

    candles: list[Candle]
    fills: list[Fill]
    windows: list[Window]


def equity_of(run_id: UUID, *, points: int = POINTS) -> list[EquityPoint]:
    """The run's equity, thinned evenly; first and last are always there."""
    return thinned(list(EquityPoint.objects.filter(run_id=run_id).order_by("time")), points)


def chart_of(run: BotRun) -> Chart:
    """The candles the run saw last, its fills there, and the pauses."""
    spec = RunSpec.model_validate(run.run_parameters)
    symbol = symbol_for(run.user_id, spec.symbol_id)
    if run.last_candle_at is None:
        return Chart([], [], [])
    end = instant(int(run.last_candle_at.timestamp()) + 1)
    shown = candles(symbol, spec.timeframe, end=end, limit=CANDLES, newest=True)
    if not shown:
        return Chart([], [], [])
    fills = list(run.fills.filter(filled_at__gte=shown[0].opened_at).order_by("filled_at"))
    last = shown[-1].time + spec.timeframe.seconds
    windows = [w for w in pauses_for(spec.policy).windows if w.end > shown[0].time and w.start < last]
    return Chart(shown, fills, windows)


def thinned(rows: Sequence[T], points: int) -> list[T]:
    """At most `points` of `rows`, evenly, first and last included."""
    if len(rows) <= points:
        return list(rows)
    step = (len(rows) - 1) / (points - 1)
    return [rows[round(n * step)] for n in range(points)]
