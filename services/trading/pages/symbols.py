"""Symbols and their prices: what is stored, how it looks, loading more."""

from __future__ import annotations

from typing import Any, BinaryIO, cast
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST

from service_base.errors import BadInput, NotFound, Refusal
from service_base.pages import PageRequest, show, signed_in
from trading import commands, queries
from trading.models import Exchange, Symbol
from trading.models.market import ASSET_TYPES
from trading.pricefiles import PriceFileError, read_prices
from trading.rules.candles import Timeframe, timeframe_of

SHOWN = 120
MOST_SHOWN = 200


@signed_in
async def symbols(request: PageRequest) -> HttpResponse:
    """The symbols, and the form of a new one."""
    context = await sync_to_async(_symbols)(request.caller.id)
    if request.method != "POST":
        return await show(request, "trading/symbols.html", context)
    try:
        made = await sync_to_async(_create)(request.caller.id, request.POST)
    except Refusal as refusal:
        problem = {"refusal": refusal, "given": request.POST}
        return await show(request, "trading/symbols.html", context | problem, status=refusal.status)
    messages.success(request, f"{made.ticker} is made. Load its prices next.")
    return HttpResponseRedirect(reverse("symbol", args=[made.pk]))


@signed_in
async def symbol(request: PageRequest, symbol_id: UUID) -> HttpResponse:
    """One symbol: last price, candles, what is stored, holes in it, the bots that trade it."""
    timeframe = request.GET.get("timeframe", "")
    context = await sync_to_async(_symbol)(request.caller.id, symbol_id, timeframe)
    return await show(request, "trading/symbol.html", context)


@require_POST
@signed_in
async def load(request: PageRequest, symbol_id: UUID) -> HttpResponse:
    """Load a file of candles."""
    try:
        done = await sync_to_async(_load)(request, symbol_id)
    except Refusal as refusal:
        context = await sync_to_async(_symbol)(request.caller.id, symbol_id, "")
        return await show(request, "trading/symbol.html", context | {"refusal": refusal}, status=refusal.status)
    said = f"{done.candles} candles read: {done.new} new, {done.revised} revised, {done.unchanged} as they were."
    messages.success(request, said)
    return HttpResponseRedirect(reverse("symbol", args=[symbol_id]))


def _symbols(user_id: UUID) -> dict[str, Any]:
    rows = list(queries.symbols_of(user_id)[:MOST_SHOWN])
    exchanges = list(Exchange.objects.exclude(kind="titan").order_by("name"))
    return {"symbols": rows, "exchanges": exchanges, "asset_types": ASSET_TYPES}


def _create(user_id: UUID, given: QueryDict) -> Symbol:
    names = ("exchange", "ticker", "asset_type")
    try:
        return commands.create_symbol(
            owner_id=user_id, name=given.get("name", ""), **{name: given.get(name, "") for name in names}
        )
    except ValidationError as error:
        field, said = next(iter(error.message_dict.items()))
        raise BadInput(" ".join(said), field=field) from None


def _symbol(user_id: UUID, symbol_id: UUID, wanted: str) -> dict[str, Any]:
    found = queries.symbol_for(user_id, symbol_id)
    stored = queries.stored_ranges(found)
    offered = _offered([one.timeframe for one in stored])
    timeframe = next((one for one in offered if one.value == wanted), offered[0] if offered else None)
    candles = queries.candles(found, timeframe, limit=SHOWN, newest=True) if timeframe else []
    gaps = queries.gaps_in(found, stored[0].timeframe, most=20) if stored else []
    return {
        "symbol": found,
        "stored": stored,
        "offered": offered,
        "timeframe": timeframe,
        "candles": candles,
        "last": candles[-1] if candles else None,
        "change": _change(candles),
        "gaps": gaps,
        "missing": sum(gap.missing for gap in gaps),
        "bots": list(queries.bots_of(user_id).filter(symbol=found)[:50]),
        "is_mine": found.owner_id == user_id,
        "timeframes": list(Timeframe),
    }


def _offered(stored: list[Timeframe]) -> list[Timeframe]:
    """What can be shown: what is stored, and what can be derived from it."""
    return [one for one in Timeframe if any(one.seconds % have.seconds == 0 for have in stored)]


def _change(candles: list[Any]) -> float | None:
    return float(candles[-1].close / candles[-2].close - 1) * 100 if len(candles) > 1 else None


def _load(request: PageRequest, symbol_id: UUID) -> commands.Ingested:
    upload = request.FILES.get("file")
    if upload is None:
        raise BadInput("Choose a CSV or Parquet file.", field="file")
    found = queries.symbol_for(request.caller.id, symbol_id)
    if found.owner_id != request.caller.id:
        raise NotFound("Prices of a shared symbol are loaded by operators.")
    try:
        series = read_prices(
            cast(BinaryIO, upload.file), name=upload.name or "", symbol=request.POST.get("ticker") or None
        )
    except PriceFileError as error:
        raise BadInput(str(error), field="file") from None
    chosen = request.POST.get("timeframe", "")
    rhythm = Timeframe(chosen) if chosen in list(Timeframe) else timeframe_of(series.candles)
    if rhythm is None:
        raise BadInput("The timeframe cannot be told from the file; choose it.", field="timeframe")
    return commands.ingest(symbol_id=symbol_id, by=request.caller.id, series=series, timeframe=rhythm, source="upload")
