"""Coarser candles: from continuous aggregates where the database keeps them, else by the equal query."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections

from shared_models.timeseries import ALIAS
from trading.rules.candles import Candle, Timeframe, instant

MADE = Path(__file__).with_name("coarser_candles.sql").read_text()
AGGREGATED = Path(__file__).with_name("aggregated_candles.sql").read_text()


def coarser_candles(
    *,
    symbol_id: UUID,
    source: str,
    stored: Timeframe,
    timeframe: Timeframe,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    newest: bool = False,
) -> list[Candle]:
    """Candles of `timeframe` that open within [start, end), made of the `stored` ones, oldest first.

    Each is made of all its finer candles, also of those past `end`. Whether an aggregate or the candles themselves
    were asked cannot be told from the answer.
    """
    factor = timeframe.seconds // stored.seconds
    wanted: dict[str, Any] = {
        "symbol": symbol_id,
        "source": source,
        "stored": stored.value,
        "coarser": timeframe.value,
        "width": timedelta(seconds=timeframe.seconds),
        "start": _opening(start, timeframe) or "-infinity",
        "end": _opening(end, timeframe) or "infinity",
        "limit": limit,
        # The first may have lost candles to this limit; it is one too many and falls to the outer one.
        "fine_limit": limit and (limit + 1) * factor,
    }
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(_statement(timeframe, "DESC" if newest else "ASC"), wanted)
        found = [Candle(int(row[0].timestamp()), *row[1:]) for row in cursor.fetchall()]
    return found[::-1] if newest else found


def aggregates_exist() -> bool:
    """Whether the time series database keeps coarser candles as continuous aggregates; asked once an address."""
    place = connections[ALIAS].settings_dict
    return _has_aggregates(place["HOST"], place["PORT"], place["NAME"])


@cache
def _has_aggregates(*address: Any) -> bool:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT to_regclass('price_1h') IS NOT NULL")
        return bool(cursor.fetchone()[0])


def _opening(moment: datetime | None, timeframe: Timeframe) -> datetime | None:
    if moment is None:
        return None
    seconds = int(moment.timestamp()) + bool(moment.microsecond)
    return instant(timeframe.next_opening(seconds))


def _statement(timeframe: Timeframe, order: str) -> str:
    if not aggregates_exist():
        return MADE.format(order=order, start="%(start)s::timestamptz")
    start = "greatest(%(start)s::timestamptz, (SELECT sound_until FROM frontier))"
    made = MADE.format(order=order, start=start)
    return AGGREGATED.format(order=order, aggregate=f"price_{timeframe}", made=made)
