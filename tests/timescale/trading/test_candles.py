"""Coarser candles are the same whether an aggregate or the candles themselves are asked, at every moment."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from django.db import connections
from tests.timescale.trading.markets import BEGIN, COARSER, minutes

from shared_models import operations
from shared_models.operations import Tier
from shared_models.timeseries import ALIAS
from trading import commands
from trading.models import CandleFrontier, Price
from trading.queries import aggregates_exist, coarser
from trading.rules.candles import Timeframe

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "timeseries"])


def aggregated(ask, market, timeframe):
    """How many of the symbol's candles the aggregate itself holds, where there is one."""
    if not aggregates_exist():
        return 0
    ((count,),) = ask(f'SELECT count(*) FROM "price_{timeframe}" WHERE symbol_id = %s', market.symbol.pk)
    return count


@pytest.mark.parametrize("timeframe", COARSER)
def test_coarser_candles_are_what_the_clock_says_before_and_after_a_refresh(market, ask, timeframe):
    market.load(minutes(BEGIN, 3_000))
    assert market.read(timeframe) == market.expected(timeframe)
    assert aggregated(ask, market, timeframe) == 0
    commands.refresh_candles()
    assert market.read(timeframe) == market.expected(timeframe)
    # All but the newest, which is still forming, now come from the aggregate.
    whole = len(market.expected(timeframe)) - 1 if market.tier is Tier.COMMUNITY else 0
    assert aggregated(ask, market, timeframe) == whole


def test_weeks_made_of_days_are_what_the_clock_says(market):
    market.load(minutes(BEGIN.replace(hour=0, minute=0), 400, every=86_400), timeframe=Timeframe.D1)
    commands.refresh_candles()
    assert market.read(Timeframe.W1) == market.expected(Timeframe.W1)


def test_any_window_from_either_end_is_cut_out_of_the_same_candles(market):
    loaded = minutes(BEGIN, 2_000)
    market.load(loaded[:1_500])
    commands.refresh_candles()
    market.load(loaded[1_500:])  # a part of it is in no aggregate yet
    rng = Random(4)
    for _ in range(60):
        timeframe = rng.choice(COARSER)
        start, end = sorted(
            datetime.fromtimestamp(rng.randint(loaded[0].time - 9_000, loaded[-1].time + 9_000), UTC) for _ in range(2)
        )
        limit, newest = rng.choice([None, 1, 3, 50]), rng.random() < 0.5
        within = [one for one in market.expected(timeframe) if start <= one.opened_at < end]
        wanted = within if limit is None else within[-limit:] if newest else within[:limit]
        assert market.read(timeframe, start=start, end=end, limit=limit, newest=newest) == wanted


def test_the_newest_candles_are_seen_at_once(market):
    loaded = minutes(BEGIN, 600)
    market.load(loaded[:500])
    commands.refresh_candles()
    for more in loaded[500:510]:
        market.load([more])
        for timeframe in COARSER:
            assert market.read(timeframe, limit=5, newest=True) == market.expected(timeframe)[-5:]


def test_a_late_correction_is_seen_at_once_and_stays_after_the_next_refresh(market):
    loaded = minutes(BEGIN, 2_000)
    market.load(loaded)
    commands.refresh_candles()
    wrong = loaded[100]
    right = wrong._replace(high=wrong.high + 500, close=wrong.high + 400, volume=wrong.volume + 1)
    assert market.load([right]).revised == 1
    for timeframe in COARSER:
        assert market.read(timeframe) == market.expected(timeframe)
    commands.refresh_candles()
    for timeframe in COARSER:
        assert market.read(timeframe) == market.expected(timeframe)


def test_a_candle_older_than_all_others_is_seen_at_once(market):
    loaded = minutes(BEGIN, 1_000)
    market.load(loaded[500:])
    commands.refresh_candles()
    market.load(loaded[:500])
    for timeframe in COARSER:
        assert market.read(timeframe) == market.expected(timeframe)


def test_a_refresh_that_a_correction_overtakes_moves_nothing(market):
    loaded = minutes(BEGIN, 1_000)
    market.load(loaded)
    corrected = loaded[10]._replace(volume=Decimal("123456"))
    overtaken = []

    def overtake(execute, sql, params, many, context):
        done = execute(sql, params, many, context)
        if sql.startswith("CALL refresh") and not overtaken:
            overtaken.append(sql)
            market.load([corrected])
        return done

    with connections[ALIAS].execute_wrapper(overtake):
        commands.refresh_candles()
    assert bool(overtaken) == (market.tier is Tier.COMMUNITY)
    if not overtaken:
        market.load([corrected])
    for timeframe in COARSER:
        assert market.read(timeframe) == market.expected(timeframe)


def test_one_symbol_s_refresh_does_not_hide_another_s_older_candles(markets):
    early, late = markets(), markets()
    late.load(minutes(BEGIN + timedelta(days=60), 500, seed=2))
    commands.refresh_candles()
    early.load(minutes(BEGIN, 500, seed=3))
    for timeframe in COARSER:
        assert early.read(timeframe) == early.expected(timeframe)
        assert late.read(timeframe) == late.expected(timeframe)
    commands.refresh_candles()
    for timeframe in COARSER:
        assert early.read(timeframe) == early.expected(timeframe)


def test_candles_of_another_source_stay_out(market):
    market.load(minutes(BEGIN, 500), source="first")
    market.load(minutes(BEGIN, 500, seed=9), source="second")
    market.load(minutes(BEGIN.replace(hour=0, minute=0), 30, every=86_400), timeframe=Timeframe.D1, source="third")
    commands.refresh_candles()
    for timeframe in COARSER:
        assert market.read(timeframe) == market.expected(timeframe)


def test_prices_that_were_there_before_aggregates_came_are_in_them_after(market, migrating, ask):
    market.load(minutes(BEGIN, 1_000))
    kept = list(Price.objects.order_by("pk").values_list())
    migrating("trading", "0004")
    migrating()
    assert list(Price.objects.order_by("pk").values_list()) == kept
    assert CandleFrontier.objects.count() == len(COARSER)
    commands.refresh_candles()
    for timeframe in COARSER:
        assert market.read(timeframe) == market.expected(timeframe)
        assert aggregated(ask, market, timeframe) == (len(market.expected(timeframe)) - 1 if aggregates_exist() else 0)


def test_prices_outlive_their_table_s_way_to_an_ordinary_one_and_back(market, migrating):
    market.load(minutes(BEGIN, 1_000))
    kept = list(Price.objects.order_by("pk").values_list())
    migrating("trading", "0002")
    assert list(Price.objects.order_by("pk").values_list()) == kept
    migrating()
    assert list(Price.objects.order_by("pk").values_list()) == kept


def test_a_database_that_got_timescaledb_after_its_tables_keeps_ordinary_ones(market, migrating, monkeypatch):
    migrating("trading", "zero")
    with monkeypatch.context() as before:
        before.setattr(operations, "tier_of", lambda connection: Tier.PLAIN)
        migrating("trading", "0004")
    migrating()
    monkeypatch.setattr(coarser, "_has_aggregates", coarser._has_aggregates.__wrapped__)
    try:
        assert not aggregates_exist()
        market.load(minutes(BEGIN, 500))
        assert commands.refresh_candles() == 0
        for timeframe in COARSER:
            assert market.read(timeframe) == market.expected(timeframe)
    finally:
        migrating("trading", "zero")


def test_every_tier_but_the_community_edition_keeps_no_aggregate(tier):
    assert aggregates_exist() == (tier is Tier.COMMUNITY)
