"""Stored aggregates of coarser candles: unsettled by what is written, refreshed by the worker."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import F

from shared_models.timeseries import ALIAS
from trading.models import CandleFrontier
from trading.queries import aggregates_exist
from trading.rules.candles import Timeframe, instant

UNSETTLE = Path(__file__).with_name("unsettle_candles.sql").read_text()


def unsettle(
    cursor: Any, *, symbol_id: UUID, source: str, timeframe: Timeframe, first: datetime, last: datetime
) -> None:
    """Say, in the transaction that wrote them, that aggregates know nothing of the candles from `first` to `last`.

    Until the next refresh, readers take coarser candles from there on from the candles themselves.
    """
    targets = [one for one in Timeframe if timeframe in one.finer]
    if not targets or not aggregates_exist():
        return
    written = {"symbol": symbol_id, "source": source, "first": first, "last": last}
    widths = [timedelta(seconds=one.seconds) for one in targets]
    cursor.execute(UNSETTLE, written | {"timeframes": [one.value for one in targets], "widths": widths})


def refresh_candles() -> int:
    """Bring every aggregate up to the newest whole candle of each symbol; how many symbols' aggregates moved.

    Must run outside a transaction. Killed at any point, or overtaken by a writer, it leaves frontiers where they
    were, so that what readers see is right all the time. Without aggregates there is nothing to do.
    """
    if not aggregates_exist():
        return 0
    return sum(_refresh(timeframe) for timeframe in Timeframe if timeframe.finer)


def _refresh(timeframe: Timeframe) -> int:
    whole = timedelta(seconds=timeframe.seconds)
    behind = list(CandleFrontier.objects.filter(timeframe=timeframe.value, sound_until__lte=F("newest") - whole))
    if not behind:
        return 0
    targets = [instant(timeframe.opening(int(row.newest.timestamp()))) for row in behind]
    # One call: TimescaleDB itself knows what has changed in between and makes nothing else anew.
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(
            "CALL refresh_continuous_aggregate(%s::regclass, %s::timestamptz, %s::timestamptz)",
            [f"price_{timeframe}", min(row.sound_until for row in behind), max(targets)],
        )
    moved = 0
    for row, target in zip(behind, targets, strict=True):
        moved += CandleFrontier.objects.filter(pk=row.pk, writes=row.writes).update(sound_until=target)
    return moved
