"""The bots of a person: list, form, one bot with its runs."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST

from service_base.errors import BadInput, Refusal
from service_base.formats import Formats
from service_base.moments import midnight_in
from service_base.pages import PageRequest, show, signed_in
from trading import commands, queries
from trading.forms import fields_of, parameters_in
from trading.models import Bot
from trading.rules.candles import Timeframe
from trading.rules.pauses import Importance
from trading.rules.runspec import Feed
from trading.rules.strategies import STRATEGIES

PERCENTAGES = ("stop_loss_percentage", "take_profit_percentage", "max_drawdown_percentage", "daily_loss_percentage")
AMOUNTS = ("starting_cash", "risk_percentage", "fee_rate", "spread", "slippage")
MOST_SHOWN = 200


@signed_in
async def bots(request: PageRequest) -> HttpResponse:
    """All bots: what each does right now, or why it does nothing."""
    return await show(request, "trading/bots.html", await sync_to_async(_bots)(request.caller.id))


@signed_in
async def new_bot(request: PageRequest) -> HttpResponse:
    """The form of a new bot."""
    context = await sync_to_async(_form)(request.caller.id, request.POST or request.GET)
    if request.method != "POST":
        return await show(request, "trading/new_bot.html", context)
    try:
        made = await sync_to_async(_create)(request)
    except Refusal as refusal:
        return await show(request, "trading/new_bot.html", context | {"refusal": refusal}, status=refusal.status)
    messages.success(request, f"The bot {made.name} is made. Start a backtest to see what it would have done.")
    return HttpResponseRedirect(reverse("bot", args=[made.pk]))


@signed_in
async def parameters(request: PageRequest) -> HttpResponse:
    """The inputs of the chosen strategy."""
    kind = STRATEGIES.get(request.GET.get("strategy", ""), next(iter(STRATEGIES.values())))
    mine = await sync_to_async(lambda: list(queries.machines_of(request.caller.id)[:MOST_SHOWN]))()
    return await show(request, "trading/parameters.html", {"kind": kind, "fields": fields_of(kind), "machines": mine})


@signed_in
async def bot(request: PageRequest, bot_id: UUID) -> HttpResponse:
    """One bot: its settings, its runs, and the way to a new one."""
    return await show(request, "trading/bot.html", await sync_to_async(_bot)(request.caller.id, bot_id))


@require_POST
@signed_in
async def start(request: PageRequest, bot_id: UUID) -> HttpResponse:
    """Start a run and go to it."""
    try:
        run = await sync_to_async(_start)(request, bot_id)
    except Refusal as refusal:
        context = await sync_to_async(_bot)(request.caller.id, bot_id)
        return await show(request, "trading/bot.html", context | {"refusal": refusal}, status=refusal.status)
    return HttpResponseRedirect(reverse("run", args=[run.pk]))


@require_POST
@signed_in
async def delete(request: PageRequest, bot_id: UUID) -> HttpResponse:
    """Delete a bot; what its runs did stays."""
    await sync_to_async(commands.delete_bot)(user_id=request.caller.id, bot_id=bot_id)
    messages.success(request, "The bot is deleted. Its runs and trades are kept.")
    return HttpResponseRedirect(reverse("bots"))


def _bots(user_id: UUID) -> dict[str, Any]:
    rows = list(queries.bots_of(user_id).order_by("-created_at")[:MOST_SHOWN])
    newest = {run.bot_id: run for run in queries.runs_of(user_id).order_by("start_time").filter(bot__in=rows)}
    return {"bots": [{"bot": row, "run": newest.get(row.pk), "strategy": _title(row.strategy)} for row in rows]}


def _bot(user_id: UUID, bot_id: UUID) -> dict[str, Any]:
    found = queries.bot_for(user_id, bot_id)
    kind = STRATEGIES.get(found.strategy)
    runs = list(queries.runs_of(user_id).filter(bot=found).order_by("-start_time")[:50])
    return {
        "bot": found,
        "runs": runs,
        "open_run": next((run for run in runs if run.is_running), None),
        "fields": fields_of(kind, found.parameters) if kind else [],
        "kind": kind,
        "machine": _machine_of(user_id, found),
        "pauses": [(importance, minutes) for importance, minutes in found.pauses.items()],
    }


def _machine_of(user_id: UUID, bot: Bot) -> Any:
    """The machine whose answers the bot trades on, as far as its name is known here."""
    asked = bot.parameters.get("machine_id")
    return queries.machines_of(user_id).filter(pk=asked).first() if asked else None


def _title(strategy: str) -> str:
    kind = STRATEGIES.get(strategy)
    return kind.title if kind else strategy


def _form(user_id: UUID, given: QueryDict) -> dict[str, Any]:
    kind = STRATEGIES.get(given.get("strategy", ""), next(iter(STRATEGIES.values())))
    sent = {name.removeprefix("p."): value for name, value in given.items() if name.startswith("p.")}
    return {
        "strategies": list(STRATEGIES.values()),
        "kind": kind,
        "fields": fields_of(kind, sent or None),
        "symbols": list(queries.symbols_of(user_id)[:MOST_SHOWN]),
        "machines": list(queries.machines_of(user_id)[:MOST_SHOWN]),
        "keys": list(queries.keys_of(user_id).filter(exchange__kind="titan")[:MOST_SHOWN]),
        "timeframes": [timeframe.value for timeframe in Timeframe],
        "importances": [importance.value for importance in Importance],
        "given": given,
    }


def _create(request: PageRequest) -> Bot:
    given = request.POST
    kind = STRATEGIES.get(given.get("strategy", ""))
    if kind is None:
        raise BadInput("Choose a strategy.", field="strategy")
    fields: dict[str, Any] = {name: _number(request, name) for name in (*AMOUNTS, *PERCENTAGES) if given.get(name)}
    if given.get("max_daily_trades"):
        fields["max_daily_trades"] = _whole(request, "max_daily_trades")
    if given.get("exchange_key_id"):
        fields["exchange_key_id"] = _id(given, "exchange_key_id")
    try:
        return commands.create_bot(
            user_id=request.caller.id,
            name=given.get("name", ""),
            symbol_id=_id(given, "symbol_id"),
            strategy=kind.name,
            timeframe=given.get("timeframe", "1d"),
            parameters=parameters_in(kind, given),
            pauses=_pauses(request),
            pause_currencies=[c for c in given.get("pause_currencies", "").upper().replace(",", " ").split() if c],
            **fields,
        )
    except ValidationError as error:
        field, said = next(iter(error.message_dict.items()))
        raise BadInput(" ".join(said), field=field) from None


def _pauses(request: PageRequest) -> dict[str, Any]:
    found = {}
    for importance in Importance:
        if request.POST.get(f"pause.{importance}"):
            before, after = (_whole(request, f"pause.{importance}.{side}") for side in ("before", "after"))
            found[importance.value] = {"before": before, "after": after}
    return found


def _start(request: PageRequest, bot_id: UUID) -> Any:
    given = request.POST
    mode, _, feed = given.get("kind", "backtest").partition(":")
    # A double click sends the same form twice: the second finds the run open and is refused.
    return commands.start_run(
        user_id=request.caller.id,
        bot_id=bot_id,
        mode=mode,
        feed=Feed.INGESTED if feed == Feed.INGESTED else Feed.STORED,
        start=midnight_in(given, "start"),
        end=midnight_in(given, "end"),
        candles_per_second=float(_number(request, "candles_per_second")) if given.get("candles_per_second") else 10,
    )


def _number(request: PageRequest, name: str) -> Decimal:
    try:
        value = Decimal(Formats.of(request.caller.user).typed(request.POST.get(name, "")))
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite():
        raise BadInput("Give a number.", field=name)
    return value


def _whole(request: PageRequest, name: str) -> int:
    value = _number(request, name) if request.POST.get(name) else Decimal(0)
    if value != int(value):
        raise BadInput("Give a whole number.", field=name)
    return int(value)


def _id(given: QueryDict, name: str) -> UUID:
    try:
        return UUID(given.get(name, ""))
    except ValueError:
        raise BadInput("Choose one.", field=name) from None
