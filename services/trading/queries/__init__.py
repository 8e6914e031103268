"""Reading trading: each function sees only what its person may see."""

from trading.queries.bots import bot_for, bots_of, key_for, keys_of, machine_for, machines_of, run_for, runs_of
from trading.queries.calendar import pauses_for
from trading.queries.charts import chart_of, equity_of
from trading.queries.coarser import aggregates_exist, coarser_candles
from trading.queries.logs import lines_after, lines_before, newest_lines
from trading.queries.prices import (
    PriceRange,
    candles,
    closed_after,
    gaps_in,
    newest_closed,
    stored_ranges,
    symbol_for,
    symbols_of,
)

__all__ = [
    "PriceRange",
    "aggregates_exist",
    "bot_for",
    "bots_of",
    "candles",
    "chart_of",
    "closed_after",
    "coarser_candles",
    "equity_of",
    "gaps_in",
    "key_for",
    "keys_of",
    "lines_after",
    "lines_before",
    "machine_for",
    "machines_of",
    "newest_closed",
    "newest_lines",
    "pauses_for",
    "run_for",
    "runs_of",
    "stored_ranges",
    "symbol_for",
    "symbols_of",
]
