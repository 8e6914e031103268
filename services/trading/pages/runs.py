"""A run: verdict, charts, live log, orders, what it cost."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from service_base.errors import NotFound
from service_base.pages import PageRequest, show, signed_in
from trading import commands, queries
from trading.models import BotRun, Order, Position
from trading.rules.runspec import RunSpec

ASKS = {"stop": commands.stop_run, "pause": commands.pause_run, "resume": commands.resume_run}
LINES = 200
ROWS = 100


@signed_in
async def run(request: PageRequest, run_id: UUID) -> HttpResponse:
    """The whole page; without JavaScript it is complete up to the moment it was made."""
    return await show(request, "trading/run.html", await sync_to_async(_run)(request.caller.id, run_id))


@signed_in
async def strip(request: PageRequest, run_id: UUID) -> HttpResponse:
    """How the run stands, for the part of the page that keeps itself current."""
    return await show(request, "trading/run_strip.html", await sync_to_async(_strip)(request.caller.id, run_id))


@signed_in
async def charts(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Charts, orders and fills as they are now."""
    return await show(request, "trading/run_charts.html", await sync_to_async(_charts)(request.caller.id, run_id))


@require_POST
@signed_in
async def ask(request: PageRequest, run_id: UUID, what: str) -> HttpResponse:
    """Stop, pause or resume."""
    command = ASKS.get(what)
    if command is None:
        raise NotFound("A run can be stopped, paused and resumed.")
    await sync_to_async(command)(run_id=run_id, user_id=request.caller.id)
    return HttpResponseRedirect(reverse("run", args=[run_id]))


def _run(user_id: UUID, run_id: UUID) -> dict[str, Any]:
    found = queries.run_for(user_id, run_id)
    lines = queries.newest_lines(found, limit=LINES)
    last = lines[-1].offset if lines else -1
    about = {"lines": lines, "last_offset": last, "first_offset": lines[0].offset if lines else 0}
    return _standing(found) | _drawn(found) | about


def _strip(user_id: UUID, run_id: UUID) -> dict[str, Any]:
    return _standing(queries.run_for(user_id, run_id))


def _charts(user_id: UUID, run_id: UUID) -> dict[str, Any]:
    return _drawn(queries.run_for(user_id, run_id))


def _standing(found: BotRun) -> dict[str, Any]:
    spec = RunSpec.model_validate(found.run_parameters)
    percent = 100 * found.progress if found.progress is not None else None
    return {
        "run": found,
        "bot": found.bot,
        "spec": spec,
        "position": Position.objects.filter(run=found).first(),
        "percent": percent,
        "why": _why(found, spec),
    }


def _drawn(found: BotRun) -> dict[str, Any]:
    points = queries.equity_of(found.pk)
    orders = list(Order.objects.filter(run=found).order_by("-candle_index", "-pk")[:ROWS])
    fills = list(found.fills.order_by("-candle_index", "-pk")[:ROWS])
    return {
        "run": found,
        "equity": [[float(point.equity) for point in points]],
        "equity_at": [point.time for point in points],
        "chart": queries.chart_of(found),
        "orders": orders,
        "fills": fills,
        "order_count": Order.objects.filter(run=found).count(),
        "denied": Order.objects.filter(run=found, status="denied").count(),
        "asks_machine": found.run_parameters.get("strategy") == "ml_signal",
    }


def _why(found: BotRun, spec: RunSpec) -> str:
    """One sentence: what it does, or why it does nothing."""
    if not found.is_running:
        return found.error_message or ""
    if found.status == "stopping":
        return "stopping after the candle in hand"
    if found.is_paused or found.idle_reason:
        return found.idle_reason or "paused"
    if found.status == "starting":
        return "waiting for an engine to take it"
    if found.mode == "paper" and spec.feed == "stored":
        return "playing stored candles again: these are past prices, not the market of now"
    return "going through its candles"
