"""Runs from start to end: what is written, told, and left behind."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from event_bus.testing import said
from shared_models.events import trading as events
from trading import commands, queries
from trading.models import Bot, BotRun, BotRunLog, EquityPoint, Fill, Order
from trading.rules.backtest import backtest
from trading.rules.candles import Timeframe
from trading.rules.market import Costs
from trading.rules.strategies import build, strategy_named
from trading.tests.stories import wandering

pytestmark = pytest.mark.django_db(databases=["default", "timeseries"])


def test_a_backtest_leaves_orders_fills_equity_log_report_and_events(ada, bot, drive):
    run = commands.start_run(user_id=ada.pk, bot_id=bot().pk, mode="backtest")
    drive()
    run.refresh_from_db()

    assert (run.status, run.error_message, run.candles_done) == ("completed", "", 150)
    assert run.report["fills"] == run.trades_executed == Fill.objects.filter(run=run).count() > 3
    assert EquityPoint.objects.filter(run_id=run.pk).count() == 150
    assert [line.offset for line in queries.lines_after(run, -1, limit=1000)] == list(range(run.log_offset))
    assert [event.run_id for event in said(events.RunStarted)] == [run.pk]
    assert [(event.run_id, event.profit_loss) for event in said(events.RunFinished)] == [(run.pk, run.profit_loss)]
    assert said(events.TradeExecuted) == []
    assert Bot.objects.get().status == "inactive"


def test_the_service_and_the_file_backtest_make_the_same_fills(ada, bot, drive):
    run = commands.start_run(user_id=ada.pk, bot_id=bot().pk, mode="backtest")
    drive()
    run.refresh_from_db()
    alone = backtest(
        wandering(150),
        run_id=run.pk,
        strategy=build(strategy_named("momentum"), {"fast": 3, "slow": 8, "quantity": "2"}),
        timeframe=Timeframe.H1,
        cash=Decimal(10_000),
        costs=Costs(fee_rate=Decimal("0.001")),
    )
    assert run.report["fills_sha256"] == alone.report.fills_sha256
    assert run.report["final_equity"] == alone.report.as_json()["final_equity"]


def test_paper_over_the_stored_candles_equals_the_backtest_and_tells_each_trade(ada, bot, drive):
    one = bot()
    first = commands.start_run(user_id=ada.pk, bot_id=one.pk, mode="backtest")
    drive()
    second = commands.start_run(user_id=ada.pk, bot_id=one.pk, mode="paper", candles_per_second=1000)
    drive()

    def history(run: BotRun) -> list[tuple[object, ...]]:
        rows = Fill.objects.filter(run=run).order_by("filled_at")
        return list(rows.values_list("candle_index", "filled_at", "side", "price", "quantity", "fee", "profit"))

    assert history(first) == history(second) != []
    first.refresh_from_db()
    second.refresh_from_db()
    assert (second.status, second.profit_loss) == ("completed", first.profit_loss)
    assert len(said(events.TradeExecuted)) == second.trades_executed


def test_a_bot_has_one_open_run_even_when_two_ask_at_once(ada, bot):
    one = bot()
    run = commands.start_run(user_id=ada.pk, bot_id=one.pk, mode="backtest")
    with pytest.raises(commands.runs.RunIsOpen):
        commands.start_run(user_id=ada.pk, bot_id=one.pk, mode="paper")
    with pytest.raises(IntegrityError), transaction.atomic():
        BotRun.objects.create(bot=one, user=ada, mode="paper", run_parameters=run.run_parameters)


def test_live_is_refused_in_a_sentence(ada, bot):
    with pytest.raises(commands.runs.LiveIsOff):
        commands.start_run(user_id=ada.pk, bot_id=bot().pk, mode="live")


def test_a_stopped_run_ends_before_its_first_candle_and_frees_the_bot(ada, bot, drive):
    one = bot()
    run = commands.start_run(user_id=ada.pk, bot_id=one.pk, mode="backtest")
    commands.stop_run(run_id=run.pk, user_id=ada.pk)
    drive()
    run.refresh_from_db()
    assert (run.status, run.candles_done) == ("cancelled", 0)
    assert commands.start_run(user_id=ada.pk, bot_id=one.pk, mode="backtest").is_running


def test_a_run_whose_candles_are_gone_fails_with_the_reason(ada, bot, drive):
    from trading.models import Price

    run = commands.start_run(user_id=ada.pk, bot_id=bot().pk, mode="backtest")
    Price.objects.all().delete()
    drive()
    run.refresh_from_db()
    assert run.status == "failed"
    assert "no candles" in run.error_message
    assert [event.error for event in said(events.RunFailed)] == [run.error_message]
    assert Bot.objects.get().status == "error"


def test_what_a_run_does_is_written_with_links_from_fill_to_log_line(ada, bot, drive):
    run = commands.start_run(user_id=ada.pk, bot_id=bot().pk, mode="backtest")
    drive()
    for order in Order.objects.filter(run=run, status="filled"):
        events_of = set(BotRunLog.objects.filter(run_id=run.pk, order_id=order.pk).values_list("event", flat=True))
        assert "order.filled" in events_of
