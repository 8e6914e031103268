"""Prices: loaded from files or as JSON, read at any timeframe, and as a table to train a machine on."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any, BinaryIO, cast
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import File, Form, Router
from ninja.files import UploadedFile

from service_base.api import Request
from service_base.errors import BadInput
from service_base.idempotency.answers import answer_once
from service_base.moments import AnyMoment
from shared_models.clock import rfc3339
from trading import commands, queries, schemas
from trading.api.scopes import READ, WRITE
from trading.pricefiles import PriceFileError, PriceSeries, read_prices
from trading.rules.candles import Candle, Timeframe, faults, timeframe_of
from trading.training import write_table

router = Router(tags=["prices"])
MOST_SHOWN = 5_000
MOST_GAPS = 100


@router.post("/symbols/{symbol_id}/prices", auth=WRITE)
async def load_candles(request: Request, symbol_id: UUID, body: schemas.CandlesIn) -> HttpResponse:
    """Store candles given as JSON; one that differs from a stored one revises it."""

    def work() -> dict[str, Any]:
        series = _given(body.candles)
        return _ingest(request, symbol_id, series, body.timeframe, body.source)

    return await answer_once(request, body, work)


@router.post("/symbols/{symbol_id}/prices/file", auth=WRITE)
async def load_file(
    request: Request,
    symbol_id: UUID,
    file: File[UploadedFile],
    timeframe: Form[Timeframe | None] = None,
    ticker: Form[str] = "",
    source: Form[str] = "upload",
) -> dict[str, Any]:
    """Store the candles of a CSV or Parquet file, all of them or none; loading it again changes nothing.

    `ticker` chooses from a file that holds several; the timeframe is told from the file unless it is given.
    """

    def work() -> dict[str, Any]:
        try:
            series = read_prices(cast(BinaryIO, file.file), name=file.name or "", symbol=ticker or None)
        except PriceFileError as error:
            raise BadInput(str(error), field="file") from None
        rhythm = timeframe or timeframe_of(series.candles)
        if rhythm is None:
            raise BadInput("The timeframe cannot be told from the file; give it.", field="timeframe")
        return _ingest(request, symbol_id, series, rhythm, source)

    return await sync_to_async(work)()


@router.get("/symbols/{symbol_id}/prices", auth=READ)
async def read(
    request: Request,
    symbol_id: UUID,
    timeframe: Timeframe,
    start: AnyMoment | None = None,
    end: AnyMoment | None = None,
    limit: int = 500,
    newest: bool = False,
) -> dict[str, Any]:
    """Candles within [start, end), oldest first; a timeframe coarser than the stored one is derived from it."""

    def work() -> dict[str, Any]:
        symbol = queries.symbol_for(request.auth.id, symbol_id)
        size = max(1, min(limit, MOST_SHOWN))
        period = {"start": _aware(start), "end": _aware(end)}
        found = queries.candles(symbol, timeframe, **period, limit=size, newest=newest)
        following = rfc3339(found[-1].opened_at) if len(found) == size and not newest else None
        return {"items": list(map(schemas.show_candle, found)), "next_cursor": None, "last": following}

    return await sync_to_async(work)()


@router.get("/symbols/{symbol_id}/gaps", auth=READ)
async def gaps(request: Request, symbol_id: UUID, timeframe: Timeframe) -> dict[str, Any]:
    """Holes in the stored candles, oldest first, at most a hundred."""

    def work() -> dict[str, Any]:
        symbol = queries.symbol_for(request.auth.id, symbol_id)
        found = queries.gaps_in(symbol, timeframe, most=MOST_GAPS)
        return {"items": list(map(schemas.show_gap, found)), "next_cursor": None}

    return await sync_to_async(work)()


@router.get("/symbols/{symbol_id}/features.csv", auth=READ)
async def features(
    request: Request, symbol_id: UUID, timeframe: Timeframe, start: str | None = None, end: str | None = None
) -> HttpResponse:
    """The rows ml_signal asks about, each with what followed it: the table to train a machine on."""

    def work() -> HttpResponse:
        symbol = queries.symbol_for(request.auth.id, symbol_id)
        text = StringIO()
        try:
            write_table(text, queries.candles(symbol, timeframe), since=start, until=end)
        except ValueError as error:
            raise BadInput(str(error), field="start") from None
        answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{symbol.pk}-{timeframe}-features.csv"'
        return answer

    return await sync_to_async(work)()


def _ingest(
    request: Request, symbol_id: UUID, series: PriceSeries, timeframe: Timeframe, source: str
) -> dict[str, Any]:
    caller = request.auth
    done = commands.ingest(
        symbol_id=symbol_id,
        by=caller.id,
        series=series,
        timeframe=timeframe,
        source=source,
        is_operator=caller.is_operator and caller.scopes is None,
    )
    symbol = queries.symbol_for(caller.id, symbol_id)
    holes = queries.gaps_in(symbol, timeframe, most=MOST_GAPS)
    return {
        "candles": done.candles,
        "new": done.new,
        "revised": done.revised,
        "unchanged": done.unchanged,
        "timeframe": timeframe.value,
        "first": rfc3339(done.first),
        "last": rfc3339(done.last),
        "gaps": list(map(schemas.show_gap, holes)),
    }


def _given(rows: list[schemas.CandleIn]) -> PriceSeries:
    series = PriceSeries("")
    earlier: int | None = None
    for number, row in enumerate(rows):
        when = _aware(row.timestamp)
        assert when is not None
        candle = Candle(int(when.timestamp()), row.open, row.high, row.low, row.close, row.volume)
        for field, message in faults(candle):
            raise BadInput(message, field=f"candles.{number}.{field}")
        if earlier is not None and candle.time <= earlier:
            raise BadInput("candles come oldest first, each time once", field=f"candles.{number}.timestamp")
        earlier = candle.time
        series.candles.append(candle)
        series.adjusted.append(row.adjusted_close)
    return series


def _aware(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
