"""Runs: started, stopped, paused, resumed by their owner; an engine does the rest."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from service_base.errors import BadInput, Conflict, NotFound
from shared_models.clock import utc_now
from trading.commands.bots import checked_parameters, must_be_able_to_ask
from trading.commands.logs import Line, append_lines
from trading.models import Bot, BotRun, RunStatus
from trading.models.bots import OPEN
from trading.queries import bot_for, candles, run_for
from trading.rules.candles import Timeframe
from trading.rules.runspec import Feed, Mode, RunSpec


class RunIsOpen(Conflict):
    """A bot has one open run at most."""

    slug = "run-is-open"
    title = "The bot is running"


class RunHasEnded(Conflict):
    """The run is over."""

    slug = "run-has-ended"
    title = "The run has ended"


class LiveIsOff(Conflict):
    """Live trading is not in this version."""

    slug = "live-is-off"
    title = "Live trading is not there"


@transaction.atomic
def start_run(
    *,
    user_id: UUID,
    bot_id: UUID,
    mode: str | None = None,
    feed: str = Feed.STORED,
    start: datetime | None = None,
    end: datetime | None = None,
    candles_per_second: float = 10,
    notes: str = "",
) -> BotRun:
    """Open a run with the bot's settings frozen into it; an engine takes it within a second.

    Raises NotFound, RunIsOpen, LiveIsOff, BadInput when there are no candles for it.
    """
    bot_for(user_id, bot_id)
    bot = Bot.objects.select_for_update(of=("self",)).select_related("symbol", "exchange_key__exchange").get(pk=bot_id)
    chosen = _mode(mode or bot.mode)
    bot.parameters = checked_parameters(bot.strategy, bot.parameters)
    must_be_able_to_ask(bot)
    if start is not None and end is not None and start >= end:
        raise BadInput("The end must lie after the start.", field="end")
    spec = spec_of(bot, mode=chosen, feed=Feed(feed), start=start, end=end, candles_per_second=candles_per_second)
    _must_have_candles(bot, spec)
    run = BotRun(bot=bot, user_id=user_id, mode=chosen.value, notes=notes)
    run.run_parameters = spec.model_dump(mode="json")
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError as error:
        if "one_open_run_a_bot" not in str(error):
            raise
        raise RunIsOpen("Stop the open run first; a bot has one at a time.") from None
    Bot.objects.filter(pk=bot.pk).update(status="active", updated_at=utc_now())
    return run


@transaction.atomic
def stop_run(*, run_id: UUID, user_id: UUID | None = None) -> BotRun:
    """Ask for the end of a run; one that no engine took yet ends at once. Stopping twice changes nothing more."""
    run = _locked(run_id, user_id)
    if run.status == RunStatus.STOPPING:
        return run
    _must_be_open(run)
    # Also a run that nobody took yet: whoever takes it ends it and says so once.
    run.status, run.is_paused = RunStatus.STOPPING, False
    append_lines(run, [Line("info", "run.stop_requested")])
    run.save(update_fields=["status", "is_paused", "log_offset"])
    return run


@transaction.atomic
def pause_run(*, run_id: UUID, user_id: UUID | None = None, reason: str = "paused by its owner") -> BotRun:
    """Let no candle pass until the run is resumed; its position stays. Raises NotFound, RunHasEnded."""
    run = _locked(run_id, user_id)
    _must_be_open(run)
    if run.status != RunStatus.STOPPING and not run.is_paused:
        hold(run, reason)
        run.save(update_fields=["is_paused", "idle_reason", "log_offset"])
    return run


@transaction.atomic
def resume_run(*, run_id: UUID, user_id: UUID | None = None) -> BotRun:
    """Let candles pass again, from the one after the last that was seen. Raises NotFound, RunHasEnded."""
    run = _locked(run_id, user_id)
    _must_be_open(run)
    if run.is_paused:
        run.is_paused, run.idle_reason = False, ""
        append_lines(run, [Line("info", "run.resumed")])
        run.save(update_fields=["is_paused", "idle_reason", "log_offset"])
        Bot.objects.filter(pk=run.bot_id).update(status="active", updated_at=utc_now())
    return run


def hold(run: BotRun, reason: str) -> None:
    """Pause a run whose lock the caller holds and who saves it."""
    run.is_paused, run.idle_reason = True, reason[:300]
    append_lines(run, [Line("warning", "run.paused", {"reason": reason})])
    Bot.objects.filter(pk=run.bot_id).update(status="paused", updated_at=utc_now())


def spec_of(
    bot: Bot, *, mode: Mode, feed: Feed, start: datetime | None, end: datetime | None, candles_per_second: float
) -> RunSpec:
    """The bot's settings as a run freezes them."""
    shared = {name: getattr(bot, name) for name in RunSpec.model_fields if hasattr(bot, name)}
    market = {name: getattr(bot.symbol, name) for name in ("tick", "lot", "minimum_notional")}
    given = {"mode": mode, "feed": feed, "start": start, "end": end, "candles_per_second": candles_per_second}
    return RunSpec.model_validate(
        shared | market | given | {"cash": bot.starting_cash, "source": bot.symbol.price_source}
    )


def _mode(text: str) -> Mode:
    try:
        mode = Mode(text)
    except ValueError:
        raise BadInput("The mode is backtest or paper.", field="mode") from None
    if mode is Mode.LIVE:
        raise LiveIsOff("This version trades in backtest and on paper only; no order leaves TITAN.", field="mode")
    return mode


def _must_have_candles(bot: Bot, spec: RunSpec) -> None:
    if spec.mode is Mode.PAPER and spec.feed is Feed.INGESTED:
        return
    try:
        found = candles(bot.symbol, Timeframe(bot.timeframe), start=spec.start, end=spec.end, limit=1)
    except NotFound as error:
        raise BadInput(error.detail, field="timeframe") from None
    if not found:
        raise BadInput(f"{bot.pair} has no {bot.timeframe} candles in that period; load some.", field="start")


def _locked(run_id: UUID, user_id: UUID | None) -> BotRun:
    if user_id is not None:
        run_for(user_id, run_id)
    run = BotRun.objects.select_for_update().filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such run.")
    return run


def _must_be_open(run: BotRun) -> None:
    if run.status not in OPEN:
        raise RunHasEnded(f"This run is {run.status}; start a new one.")
