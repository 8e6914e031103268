"""Where a paper run's candles come from: what is new is waited for, what was before is only looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trading import commands
from trading.engine.job import Job
from trading.models import BotRunLog, Fill
from trading.pricefiles import PriceSeries
from trading.rules.candles import Timeframe
from trading.tests.stories import wandering

pytestmark = pytest.mark.django_db(databases=["default", "timeseries"])
CANDLES = wandering(150)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What happens while the run waits, one thing each time."""

    def these(*happenings: Callable[[], Any]) -> None:
        left = list(happenings)
        monkeypatch.setattr(Job, "wait", lambda self, seconds: left.pop(0)())

    return these


def load(symbol: Any, candles: list[Any]) -> None:
    series = PriceSeries("ACME", candles)
    commands.ingest(symbol_id=symbol.pk, by=symbol.owner_id, series=series, timeframe=Timeframe.H1, source="test")


def fills_of(run: Any) -> list[tuple[object, ...]]:
    rows = Fill.objects.filter(run=run).order_by("filled_at")
    return list(rows.values_list("candle_index", "filled_at", "side", "price", "quantity", "fee"))


def test_a_paper_run_trades_new_candles_only_and_like_a_backtest_that_begins_there(ada, bot, market, drive, meanwhile):
    symbol = market(CANDLES[:60])
    mine = bot(symbol=symbol)
    run = commands.start_run(user_id=ada.pk, bot_id=mine.pk, mode="paper", feed="ingested")
    meanwhile(
        lambda: load(symbol, CANDLES[60:100]),
        lambda: load(symbol, CANDLES[100:]),
        lambda: commands.stop_run(run_id=run.pk),
    )
    drive()
    run.refresh_from_db()
    assert (run.status, run.candles_done) == ("completed", 90)

    same = commands.start_run(user_id=ada.pk, bot_id=mine.pk, mode="backtest", start=CANDLES[60].opened_at)
    drive()
    assert fills_of(run) == fills_of(same) != []


def test_a_paper_run_without_candles_says_what_it_waits_for(ada, bot, market, drive, meanwhile):
    mine = bot(symbol=market([]))
    run = commands.start_run(user_id=ada.pk, bot_id=mine.pk, mode="paper", feed="ingested")
    reasons = []

    def stop() -> None:
        run.refresh_from_db()
        reasons.append(run.idle_reason)
        commands.stop_run(run_id=run.pk)

    meanwhile(stop)
    drive()
    assert reasons == ["waiting for candles of ACME 1h: the first"]


def test_a_replay_says_that_it_is_one(ada, bot, drive):
    run = commands.start_run(user_id=ada.pk, bot_id=bot().pk, mode="paper", candles_per_second=1000)
    drive()
    opened = BotRunLog.objects.get(run_id=run.pk, event="feed.opened")
    assert opened.fields["feed"] == "stored candles, played again"


def test_a_derived_candle_counts_only_once_the_next_one_has_begun(ada, bot, market, drive, meanwhile):
    symbol = market(CANDLES[:48])
    mine = bot(symbol=symbol, timeframe="1d")
    run = commands.start_run(user_id=ada.pk, bot_id=mine.pk, mode="paper", feed="ingested")
    seen = []

    def look_and_load(candles: list[Any]) -> None:
        run.refresh_from_db()
        seen.append(run.candles_done)
        load(symbol, candles)

    meanwhile(
        lambda: look_and_load(CANDLES[48:72]),
        lambda: look_and_load(CANDLES[72:73]),
        lambda: (look_and_load(CANDLES[73:74]), commands.stop_run(run_id=run.pk)),
    )
    drive()
    run.refresh_from_db()
    assert (seen, run.candles_done) == ([0, 0, 1], 1)
