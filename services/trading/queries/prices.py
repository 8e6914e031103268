"""Symbols and their candles, at the stored timeframe or at one derived from it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max, Min, Q, QuerySet

from service_base.errors import NotFound
from shared_models.timeseries import ALIAS
from trading.models import Price, Symbol
from trading.queries.coarser import coarser_candles
from trading.rules.candles import Candle, Gap, Timeframe, gaps, instant

CHUNK = 5_000
COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")


class PriceRange(NamedTuple):
    """What is stored of a symbol at one timeframe from one source."""

    timeframe: Timeframe
    source: str
    candles: int
    first: datetime
    last: datetime


def symbols_of(user_id: UUID) -> QuerySet[Symbol]:
    """The symbols the person may use: everybody's and her own."""
    mine_or_shared = Q(owner=None) | Q(owner_id=user_id)
    return Symbol.objects.filter(mine_or_shared).select_related("exchange").order_by("ticker", "pk")


def symbol_for(user_id: UUID, symbol_id: UUID) -> Symbol:
    """A symbol the person may use. Raises NotFound."""
    found = symbols_of(user_id).filter(pk=symbol_id).first()
    if found is None:
        raise NotFound("There is no such symbol, or it is somebody else's.")
    return found


def stored_ranges(symbol: Symbol) -> list[PriceRange]:
    """What is stored of the symbol, finest timeframe first."""
    rows = (
        Price.objects.filter(symbol_id=symbol.pk)
        .values_list("timeframe", "source")
        .annotate(candles=Count("open"), first=Min("timestamp"), last=Max("timestamp"))
    )
    found = [PriceRange(Timeframe(timeframe), *rest) for timeframe, *rest in rows]
    return sorted(found, key=lambda one: (one.timeframe.seconds, one.source))


def candles(
    symbol: Symbol,
    timeframe: Timeframe,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    newest: bool = False,
) -> list[Candle]:
    """Candles within [start, end), oldest first; with `newest` the last `limit` of them.

    A candle is within when it opens there. A timeframe that is not stored is derived from the coarsest stored one
    that divides it. Raises NotFound when nothing finer is stored either.
    """
    stored = _finest_fit(symbol, timeframe)
    if stored is timeframe:
        return _read(symbol, stored, start=start, end=end, limit=limit, newest=newest)
    return coarser_candles(
        symbol_id=symbol.pk,
        source=symbol.price_source,
        stored=stored,
        timeframe=timeframe,
        start=start,
        end=end,
        limit=limit,
        newest=newest,
    )


def gaps_in(symbol: Symbol, timeframe: Timeframe, *, most: int = 100) -> list[Gap]:
    """The first holes in what is stored, oldest first."""
    times = _rows(symbol, timeframe).order_by("timestamp").values_list("timestamp", flat=True)
    seconds = (int(time.timestamp()) for time in times.iterator(chunk_size=CHUNK))
    with transaction.atomic(using=ALIAS):
        return list(islice(gaps(seconds, timeframe, sessions=symbol.has_sessions), most))


def _finest_fit(symbol: Symbol, wanted: Timeframe) -> Timeframe:
    # One look into the key's index each: to list what is stored would read every candle there is.
    for fitting in (wanted, *reversed(wanted.finer)):
        if _rows(symbol, fitting).exists():
            return fitting
    have = ", ".join(one for one in Timeframe if _rows(symbol, one).exists()) or "none"
    raise NotFound(f"{symbol} has no candles that {wanted} ones could be made of; stored: {have}.")


def _rows(symbol: Symbol, timeframe: Timeframe) -> QuerySet[Price]:
    return Price.objects.filter(symbol_id=symbol.pk, timeframe=timeframe.value, source=symbol.price_source)


def _read(
    symbol: Symbol,
    timeframe: Timeframe,
    *,
    start: datetime | None,
    end: datetime | None,
    limit: int | None,
    newest: bool,
) -> list[Candle]:
    rows = _rows(symbol, timeframe)
    if start is not None:
        rows = rows.filter(timestamp__gte=start)
    if end is not None:
        rows = rows.filter(timestamp__lt=end)
    ordered = rows.order_by("-timestamp" if newest else "timestamp").values_list(*COLUMNS)
    found = list(_streamed(ordered)) if limit is None else [_candle(row) for row in ordered[:limit]]
    return found[::-1] if newest else found


def _streamed(rows: Any) -> Iterator[Candle]:
    with transaction.atomic(using=ALIAS):
        yield from map(_candle, rows.iterator(chunk_size=CHUNK))


def _candle(row: tuple[Any, ...]) -> Candle:
    return Candle(int(row[0].timestamp()), *row[1:])


def closed_after(symbol: Symbol, timeframe: Timeframe, *, after: int | None, now: datetime, most: int) -> list[Candle]:
    """Candles newer than the one that opened at `after` and closed at `now`, oldest first; none is no error.

    A derived candle counts as closed only once a candle of the next one is there, since its last part may be late.
    """
    try:
        is_derived = _finest_fit(symbol, timeframe) is not timeframe
    except NotFound:
        return []
    start = None if after is None else instant(after + 1)
    found = candles(symbol, timeframe, start=start, limit=most + 1)
    if is_derived:
        found = found[:-1]
    latest = int((now - timedelta(seconds=timeframe.seconds)).timestamp())
    return [candle for candle in found[:most] if candle.time <= latest and (after is None or candle.time > after)]


def newest_closed(symbol: Symbol, timeframe: Timeframe, *, now: datetime) -> Candle | None:
    """The last closed candle there is."""
    try:
        found = candles(symbol, timeframe, limit=2, newest=True)
    except NotFound:
        return None
    latest = int((now - timedelta(seconds=timeframe.seconds)).timestamp())
    closed = [candle for candle in found if candle.time <= latest]
    return closed[-1] if closed else None
