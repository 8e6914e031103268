"""Coarser candles are made of all their finer ones; tests/timescale holds the same on every kind of database."""

from datetime import timedelta

import pytest

from trading.queries import candles
from trading.rules.candles import Timeframe
from trading.tests.stories import wandering

pytestmark = pytest.mark.django_db(databases=["default", "timeseries"])


def test_days_are_made_of_their_hours(market):
    hours = wandering(50)
    days = candles(market(hours), Timeframe.D1)
    assert [len(days), days[0].open, days[0].close] == [3, hours[0].open, hours[23].close]
    assert days[0].high == max(hour.high for hour in hours[:24])
    assert sum(day.volume for day in days) == sum(hour.volume for hour in hours)


def test_a_day_is_whole_wherever_the_window_cuts(market):
    symbol = market(wandering(96))
    all_days = candles(symbol, Timeframe.D1)
    noon = timedelta(hours=12)
    cut = candles(symbol, Timeframe.D1, start=all_days[0].opened_at + noon, end=all_days[2].opened_at + noon)
    assert cut == all_days[1:3]


@pytest.mark.parametrize(("newest", "wanted"), [(False, slice(0, 2)), (True, slice(-2, None))])
def test_a_limit_counts_whole_days_from_either_end(market, newest, wanted):
    symbol = market(wandering(100))
    assert candles(symbol, Timeframe.D1, limit=2, newest=newest) == candles(symbol, Timeframe.D1)[wanted]
