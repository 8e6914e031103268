"""Symbols and prices: made, changed, loaded in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connections, transaction

from service_base.errors import BadInput, Conflict, NotFound
from shared_models.money import LARGEST
from shared_models.timeseries import ALIAS
from trading import publishes
from trading.commands.candles import unsettle
from trading.models import Exchange, Price, Symbol
from trading.pricefiles import PriceSeries
from trading.rules.candles import Timeframe, instant

WRITE = Path(__file__).with_name("upsert_prices.sql").read_text()
COLUMNS = "timestamp, open, high, low, close, volume, adjusted_close"
MAX_CANDLES = 5_000_000


class SymbolExists(Conflict):
    """The person has that symbol already."""

    slug = "symbol-exists"
    title = "This symbol exists"


class FinerPricesStored(Conflict):
    """Coarser candles are derived from the finer ones that are there, never stored beside them."""

    slug = "finer-prices-stored"
    title = "Finer candles are stored"


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a load of candles."""

    candles: int
    new: int
    revised: int
    unchanged: int
    first: datetime
    last: datetime


@transaction.atomic
def create_symbol(*, owner_id: UUID | None, exchange: str, ticker: str, asset_type: str, **fields: Any) -> Symbol:
    """Make a symbol that its owner alone sees; without owner, everybody. Raises BadInput, SymbolExists."""
    place = Exchange.objects.filter(name__iexact=exchange).exclude(kind="titan").first()
    if place is None:
        known = ", ".join(Exchange.objects.exclude(kind="titan").values_list("name", flat=True))
        raise BadInput(f"There is no exchange {exchange}; known are {known}.", field="exchange")
    symbol = Symbol(owner_id=owner_id, exchange=place, ticker=ticker.strip(), asset_type=asset_type, **fields)
    symbol.full_clean(validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            symbol.save(force_insert=True)
    except IntegrityError as error:
        if "symbol_once" not in str(error):
            raise
        raise SymbolExists(f"You have {ticker} at {place} already.", field="ticker") from None
    return symbol


@transaction.atomic
def change_symbol(*, symbol: Symbol, by: UUID, is_operator: bool = False, **fields: Any) -> Symbol:
    """Change what a symbol is called and how it is traded. Raises NotFound unless it is the person's to change."""
    row = _own(symbol.pk, by=by, is_operator=is_operator)
    for name, value in fields.items():
        setattr(row, name, value)
    row.full_clean(validate_unique=False, validate_constraints=False)
    row.save()
    return row


@transaction.atomic
def ingest(
    *, symbol_id: UUID, by: UUID, series: PriceSeries, timeframe: Timeframe, source: str, is_operator: bool = False
) -> Ingested:
    """Store candles; one that differs from what is stored replaces it and is counted as revised.

    All candles of the call are stored or none. Loading the same candles again changes nothing. Raises NotFound
    (not the person's symbol), FinerPricesStored, BadInput.
    """
    symbol = _own(symbol_id, by=by, is_operator=is_operator)
    source = source.strip()[:40] or "upload"
    _refuse_coarser(symbol, timeframe, source)
    _refuse_oversized(series)
    with transaction.atomic(using=ALIAS):
        new, revised = _upsert(symbol, series, timeframe, source)
    if not symbol.price_source:
        symbol.price_source = source
        symbol.save(update_fields=["price_source", "updated_at"])
    total = len(series.candles)
    first, last = series.candles[0].opened_at, series.candles[-1].opened_at
    publishes.prices_ingested(symbol, timeframe=timeframe.value, candles=total, revised=revised, first=first, last=last)
    return Ingested(total, new, revised, total - new - revised, first, last)


def _own(symbol_id: UUID, *, by: UUID, is_operator: bool) -> Symbol:
    symbol = Symbol.objects.select_for_update().filter(pk=symbol_id).first()
    if symbol is None or not (symbol.owner_id == by or (symbol.owner_id is None and is_operator)):
        raise NotFound("There is no such symbol of yours; prices of a shared symbol are loaded by operators.")
    return symbol


def _refuse_coarser(symbol: Symbol, timeframe: Timeframe, source: str) -> None:
    stored = Price.objects.filter(symbol_id=symbol.pk, source=source).values_list("timeframe", flat=True).distinct()
    finer = [name for name in stored if Timeframe(name).seconds < timeframe.seconds]
    if finer:
        message = f"{symbol} has {', '.join(finer)} candles from {source}; {timeframe} ones are derived from those."
        raise FinerPricesStored(message, field="timeframe")


def _refuse_oversized(series: PriceSeries) -> None:
    if not series.candles:
        raise BadInput("There is no candle in it.", field="prices")
    if len(series.candles) > MAX_CANDLES:
        raise BadInput(f"Load at most {MAX_CANDLES} candles at once.", field="prices")
    for candle in series.candles:
        if candle.high > LARGEST or candle.volume >= Decimal(10) ** 20:
            raise BadInput(f"The candle of {instant(candle.time):%Y-%m-%dT%H:%MZ} is too large.", field="prices")


def _upsert(symbol: Symbol, series: PriceSeries, timeframe: Timeframe, source: str) -> tuple[int, int]:
    """COPY into a temporary table, then one statement that inserts and revises."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE incoming_price (timestamp timestamptz, open numeric, high numeric, low numeric,"
            " close numeric, volume numeric, adjusted_close numeric) ON COMMIT DROP"
        )
        with cursor.copy(f"COPY incoming_price ({COLUMNS}) FROM STDIN") as copy:
            for candle, adjusted in _pairs(series):
                copy.write_row((instant(candle.time), *candle[1:], adjusted))
        cursor.execute(WRITE, {"symbol": symbol.pk, "timeframe": timeframe.value, "source": source})
        new, revised, first, last = cursor.fetchone()
        cursor.execute("DROP TABLE incoming_price")
        if first is not None:
            unsettle(cursor, symbol_id=symbol.pk, source=source, timeframe=timeframe, first=first, last=last)
    return new, revised


def _pairs(series: PriceSeries) -> Sequence[tuple[Any, Decimal | None]]:
    adjusted = series.adjusted or [None] * len(series.candles)
    return list(zip(series.candles, adjusted, strict=True))
