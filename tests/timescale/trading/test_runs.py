"""A run on coarser candles, with its equity and log lines, is the same on each kind of database."""

import threading

import pytest
from tests.timescale.trading.markets import BEGIN, minutes

from trading import commands, queries
from trading.engine.driver import drive
from trading.models import EquityPoint
from trading.rules.candles import Timeframe

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "timeseries"])


def finished(market, bot):
    """A backtest of the bot, driven to its end."""
    run = commands.start_run(user_id=market.symbol.owner_id, bot_id=bot.pk, mode="backtest")
    for lease in commands.claim(owner="test", limit=1):
        drive(lease, cancel=threading.Event(), notify=lambda run_id: None)
        commands.release(lease=lease)
    run.refresh_from_db()
    assert (run.status, run.error_message) == ("completed", "")
    return run


def test_a_backtest_trades_the_same_before_and_after_a_refresh_and_leaves_its_whole_history(market):
    market.load(minutes(BEGIN.replace(hour=0, minute=0), 1_000, every=3_600), timeframe=Timeframe.H1)
    bot = commands.create_bot(
        user_id=market.symbol.owner_id,
        symbol_id=market.symbol.pk,
        name="fast and slow",
        strategy="momentum",
        timeframe="4h",
        parameters={"fast": 3, "slow": 8, "quantity": "2"},
        max_daily_trades=50,
    )
    before = finished(market, bot)
    commands.refresh_candles()
    after = finished(market, bot)
    assert before.report["fills_sha256"] == after.report["fills_sha256"]
    assert before.trades_executed > 3
    for run in (before, after):
        assert EquityPoint.objects.filter(run_id=run.pk).count() == len(market.read(Timeframe.H4))
        assert [line.offset for line in queries.lines_after(run, -1, limit=1000)] == list(range(run.log_offset))
