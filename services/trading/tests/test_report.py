"""Report figures against hand-made cases."""

from decimal import Decimal

import pytest

from trading.rules.book import EquityPoint, Trade
from trading.rules.candles import Candle, Gap, Timeframe, gaps, timeframe_of
from trading.rules.market import Costs
from trading.rules.report import max_drawdown, profit_factor, report
from trading.tests.stories import START, candle, closing

DAY = 86_400


def decimals(*values: str) -> list[Decimal]:
    return [Decimal(value) for value in values]


def test_drawdown_is_the_deepest_fall_from_a_peak_before_it():
    assert max_drawdown(decimals("100", "120", "90", "110", "130", "120")) == 25.0


def test_profit_factor_is_won_over_lost_and_unknown_without_a_loss():
    won, lost = (Trade(0, Decimal(1), Decimal(1), Decimal(0), profit=Decimal(p)) for p in ("30", "-10"))
    assert profit_factor([won, lost]) == 3.0
    assert profit_factor([won]) is None


def test_ratios_of_a_steady_rise_are_told_only_where_data_supports_them():
    points = [EquityPoint(START + n * DAY, Decimal(100) + n, Decimal(0), Decimal(1)) for n in range(40)]
    candles = [candle(n, str(100 + n), step=DAY) for n in range(40)]
    figures = report(candles=candles, equity=points, fills=[], trades=[], starting_cash=Decimal(100), costs=Costs())
    assert figures.max_drawdown_percent == 0
    assert (figures.sortino, figures.calmar) == (None, None)
    assert figures.sharpe is not None
    assert figures.exposure_percent == 100


def test_holding_buys_at_the_first_open_with_the_fee():
    figures = report(
        candles=closing("100", "110"),
        equity=[],
        fills=[],
        trades=[],
        starting_cash=Decimal(1000),
        costs=Costs(fee_rate=Decimal("0.01")),
    )
    assert figures.hold_final_equity == Decimal("1089.10891089")


def test_weeks_open_on_monday():
    monday = 1_577_664_000 + 604_800  # 2020-01-06
    assert Timeframe.W1.opening(monday + 3 * DAY + 5) == monday


@pytest.mark.parametrize(("sessions", "found"), [(True, []), (False, [Gap(4 * DAY + DAY, 8 * DAY, 2)])])
def test_a_weekend_is_a_gap_only_where_markets_never_close(sessions, found):
    thursday = 0
    times = [thursday + n * DAY for n in (4, 5, 8, 9)]  # Monday, Tuesday, Friday, Saturday
    friday, monday = DAY, 4 * DAY
    weekend = list(gaps([friday, monday], Timeframe.D1, sessions=sessions))
    assert weekend == ([] if sessions else [Gap(friday, monday, 2)])
    assert list(gaps(times, Timeframe.D1, sessions=False)) == [Gap(5 * DAY, 8 * DAY, 2)]


def test_the_commonest_step_names_the_timeframe():
    series = [Candle(n * 3600 + (7200 if n > 5 else 0), *[Decimal(1)] * 5) for n in range(10)]
    assert timeframe_of(series) is Timeframe.H1
    assert timeframe_of(series[:1]) is None
