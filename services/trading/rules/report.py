"""What a run came to: return, drawdown, ratios, trades, against simply holding."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import pairwise
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from trading.rules.book import EquityPoint, Trade
from trading.rules.candles import DAY, Candle, instant
from trading.rules.market import EIGHT_PLACES, NOTHING, ONE, Costs, money, plain
from trading.rules.orders import Fill, fills_digest

YEAR_DAYS = 365.25
BASIS = (
    "Returns run from one UTC day's last equity to the next; a year has as many of them as the span had. "
    "Drawdown is measured at candle closes. Profit is by average cost, all fees inside."
)


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of one run; a ratio that the data cannot support is None, never zero."""

    candles: int
    started: str
    ended: str
    starting_cash: Decimal
    final_equity: Decimal
    profit_loss: Decimal
    return_percent: float
    annual_return_percent: float | None
    max_drawdown_percent: float
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    profit_factor: float | None
    win_rate_percent: float | None
    exposure_percent: float
    trades: int
    fills: int
    fees: Decimal
    open_quantity: Decimal
    hold_final_equity: Decimal
    hold_return_percent: float
    hold_max_drawdown_percent: float
    fills_sha256: str
    basis: str = BASIS

    def as_json(self) -> dict[str, Any]:
        return {name: plain(value) if isinstance(value, Decimal) else value for name, value in asdict(self).items()}


def report(
    *,
    candles: Sequence[Candle],
    equity: Sequence[EquityPoint],
    fills: Sequence[Fill],
    trades: Sequence[Trade],
    starting_cash: Decimal,
    costs: Costs,
) -> Report:
    values = [point.equity for point in equity]
    final = values[-1] if values else starting_cash
    years = _years(equity)
    daily = _daily_returns(equity, starting_cash)
    drawdown = max_drawdown([starting_cash, *values])
    annual = _annual(final / starting_cash, years)
    return Report(
        candles=len(candles),
        started=_text(candles[0].time) if candles else "",
        ended=_text(candles[-1].time) if candles else "",
        starting_cash=starting_cash,
        final_equity=final.quantize(EIGHT_PLACES),
        profit_loss=(final - starting_cash).quantize(EIGHT_PLACES),
        return_percent=_percent(final, starting_cash),
        annual_return_percent=None if annual is None else annual * 100,
        max_drawdown_percent=drawdown,
        sharpe=_sharpe(daily, years),
        sortino=_sortino(daily, years),
        calmar=annual * 100 / drawdown if annual is not None and drawdown else None,
        profit_factor=profit_factor(trades),
        win_rate_percent=_win_rate(trades),
        exposure_percent=_exposure(equity),
        trades=len(trades),
        fills=len(fills),
        fees=sum((fill.fee for fill in fills), NOTHING),
        open_quantity=equity[-1].quantity if equity else NOTHING,
        **_held(holding(candles, starting_cash, costs), starting_cash),
        fills_sha256=fills_digest(fills),
    )


def max_drawdown(values: Sequence[Decimal]) -> float:
    """The deepest fall from a peak before it, in percent."""
    peak = deepest = NOTHING
    for value in values:
        if value > peak:
            peak = value
        elif peak and (fall := (peak - value) / peak) > deepest:
            deepest = fall
    return float(deepest) * 100


def holding(candles: Sequence[Candle], cash: Decimal, costs: Costs) -> list[Decimal]:
    """Equity of buying with all cash at the first open, one fee, and doing nothing after."""
    if not candles:
        return []
    quantity = cash / (candles[0].open * (ONE + costs.fee_rate))
    return [money(quantity * candle.close) for candle in candles]


def _held(values: Sequence[Decimal], start: Decimal) -> dict[str, Any]:
    last = values[-1] if values else start
    return {
        "hold_final_equity": last.quantize(EIGHT_PLACES),
        "hold_return_percent": _percent(last, start),
        "hold_max_drawdown_percent": max_drawdown([start, *values]),
    }


def profit_factor(trades: Sequence[Trade]) -> float | None:
    won = sum((trade.profit for trade in trades if trade.profit > 0), NOTHING)
    lost = sum((-trade.profit for trade in trades if trade.profit < 0), NOTHING)
    return float(won / lost) if lost else None


def _win_rate(trades: Sequence[Trade]) -> float | None:
    return 100 * sum(trade.profit > 0 for trade in trades) / len(trades) if trades else None


def _exposure(equity: Sequence[EquityPoint]) -> float:
    return 100 * sum(bool(point.quantity) for point in equity) / len(equity) if equity else 0.0


def _years(equity: Sequence[EquityPoint]) -> float:
    return (equity[-1].time - equity[0].time) / DAY / YEAR_DAYS if len(equity) > 1 else 0.0


def _daily_returns(equity: Sequence[EquityPoint], start: Decimal) -> list[float]:
    closing: dict[int, Decimal] = {}
    for point in equity:
        closing[point.time // DAY] = point.equity
    values = [float(start), *map(float, closing.values())]
    return [later / earlier - 1 for earlier, later in pairwise(values) if earlier > 0]


def _annual(growth: Decimal, years: float) -> float | None:
    return float(growth) ** (1 / years) - 1 if years >= 1 / 12 and growth > 0 else None


def _sharpe(daily: list[float], years: float) -> float | None:
    if len(daily) < 20 or not years:
        return None
    spread = stdev(daily)
    return fmean(daily) / spread * sqrt(len(daily) / years) if spread else None


def _sortino(daily: list[float], years: float) -> float | None:
    if len(daily) < 20 or not years:
        return None
    downside = sqrt(fmean(min(value, 0.0) ** 2 for value in daily))
    return fmean(daily) / downside * sqrt(len(daily) / years) if downside else None


def _percent(value: Decimal, start: Decimal) -> float:
    return float((value / start - 1) * 100)


def _text(time: int) -> str:
    return instant(time).strftime("%Y-%m-%dT%H:%M:%SZ")
