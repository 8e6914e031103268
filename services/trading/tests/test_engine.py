"""The event loop: when orders are filled, at what price, and which rule denies them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.rules.limits import Limits
from trading.rules.market import Costs, FillAt, Instrument
from trading.rules.orders import MOVES, IllegalMove, Order, OrderState, Purpose, Reason, order_id
from trading.rules.pauses import Around, Event, Importance, PausePolicy, pauses
from trading.tests.stories import HOUR, RUN, START, buy, candle, closing, engine, lived, sell


def only_order(run) -> Order:
    (order,) = run.batch.orders.values()
    return order


def test_an_order_decided_at_a_close_is_filled_at_the_next_open():
    run = lived(engine({0: buy("2")}), [candle(0, "10"), candle(1, "12", open="11")])
    (fill,) = run.batch.fills
    assert (fill.index, fill.price, fill.quantity) == (1, Decimal(11), Decimal(2))


def test_an_order_may_be_filled_at_the_close_that_decided_it():
    run = lived(engine({0: buy("2")}, costs=Costs(fill_at=FillAt.CLOSE)), [candle(0, "10")])
    assert [(fill.index, fill.price) for fill in run.batch.fills] == [(0, Decimal(10))]


def test_what_the_last_candle_decided_expires():
    run = lived(engine({0: buy()}), [candle(0, "10")])
    run.finish()
    assert (only_order(run).state, only_order(run).reason) == (OrderState.EXPIRED, Reason.RUN_ENDED)


def test_spread_slippage_and_tick_all_count_against_us():
    costs = Costs(spread=Decimal("0.002"), slippage=Decimal("0.001"))
    run = engine({0: buy(), 1: sell()}, costs=costs, instrument=Instrument(tick=Decimal("0.05")))
    lived(run, closing("100", "100", "100"))
    bought, sold = run.batch.fills
    assert (bought.price, sold.price) == (Decimal("100.20"), Decimal("99.80"))


def test_profit_holds_the_fees_of_both_sides():
    run = engine({0: buy("2"), 1: sell()}, costs=Costs(fee_rate=Decimal("0.01")))
    lived(run, [candle(0, "10"), candle(1, "10"), candle(2, "15", open="15")])
    assert run.batch.fills[1].profit == Decimal(30) - Decimal("0.3") - Decimal(20) - Decimal("0.2")
    assert run.book.cash == Decimal(1000) + run.book.realised


def test_a_candle_shown_twice_or_late_changes_nothing():
    run = lived(engine({0: buy()}), closing("10", "11"))
    before = (run.book.cash, run.book.index, len(run.batch.equity))
    assert not run.step(candle(1, "99"))
    assert not run.step(candle(0, "99"))
    assert (run.book.cash, run.book.index, len(run.batch.equity)) == before


def test_a_stop_loss_fills_at_its_price_in_the_candle_that_reaches_it():
    run = engine({0: buy()}, limits=Limits(stop_loss_percentage=Decimal(10)))
    lived(run, [candle(0, "100"), candle(1, "100"), candle(2, "95", open="98", low="85")])
    assert [(f.purpose, f.price) for f in run.batch.fills[1:]] == [(Purpose.STOP_LOSS, Decimal(90))]


def test_a_market_that_opens_below_the_stop_fills_it_at_the_open():
    run = engine({0: buy()}, limits=Limits(stop_loss_percentage=Decimal(10)))
    lived(run, [candle(0, "100"), candle(1, "100"), candle(2, "70", open="80")])
    assert run.batch.fills[-1].price == Decimal(80)


def test_a_candle_that_reaches_stop_and_target_counts_as_stopped():
    limits = Limits(stop_loss_percentage=Decimal(10), take_profit_percentage=Decimal(10))
    run = engine({0: buy()}, limits=limits)
    lived(run, [candle(0, "100"), candle(1, "100"), candle(2, "100", high="120", low="80")])
    assert run.batch.fills[-1].purpose is Purpose.STOP_LOSS


def test_a_take_profit_fills_at_its_price():
    run = engine({0: buy()}, limits=Limits(take_profit_percentage=Decimal(10)))
    lived(run, [candle(0, "100"), candle(1, "100"), candle(2, "105", open="101", high="120", low="101")])
    assert (run.batch.fills[-1].purpose, run.batch.fills[-1].price) == (Purpose.TAKE_PROFIT, Decimal(110))


def test_the_kill_switch_sells_at_the_next_open_and_ends_all_trading():
    run = engine({0: buy("10"), 5: buy("1")}, limits=Limits(max_drawdown_percentage=Decimal(20)))
    lived(run, closing("100", "100", "75", "74", "74", "74", "74"))
    assert [(f.purpose, f.index) for f in run.batch.fills] == [(Purpose.ENTRY, 1), (Purpose.KILL_SWITCH, 3)]
    assert run.book.halted is Reason.MAX_DRAWDOWN


def test_after_the_daily_loss_entries_wait_for_the_next_utc_day():
    limits = Limits(daily_loss_percentage=Decimal(10))
    run = engine({0: buy("5"), 2: sell(), 4: buy("1"), 23: buy("1"), 24: buy("1")}, limits=limits)
    lived(run, [candle(n, "100" if n < 2 else "70") for n in range(27)])
    denied = [order.index for order in run.batch.orders.values() if order.reason is Reason.DAILY_LOSS_LIMIT]
    assert denied == [4, 23]
    assert run.batch.fills[-1].index == 25


def test_entries_of_a_utc_day_are_counted_and_the_next_day_starts_at_none():
    script = {n: buy("1") if n % 2 == 0 else sell() for n in range(26)}
    run = lived(engine(script, limits=Limits(max_daily_trades=2)), [candle(n, "100") for n in range(27)])
    entered = [fill.index - 1 for fill in run.batch.fills if fill.purpose is Purpose.ENTRY]
    assert entered == [0, 2, 24]
    assert {o.reason for o in run.batch.orders.values() if o.state is OrderState.DENIED} == {Reason.MAX_DAILY_TRADES}


def test_size_follows_from_the_risk_and_the_distance_of_the_stop():
    limits = Limits(risk_percentage=Decimal(1), stop_loss_percentage=Decimal(5))
    run = lived(engine({0: buy(None)}, cash="10000", limits=limits), closing("50", "50"))
    assert run.book.quantity == Decimal(10000) * Decimal("0.01") / Decimal("0.05") / 50


def test_a_sized_order_shrinks_to_the_cash_and_a_fixed_one_is_rejected():
    limits = Limits(risk_percentage=Decimal(100))
    candles = [candle(0, "10"), candle(1, "12", open="12")]
    sized = lived(engine({0: buy(None)}, limits=limits, instrument=Instrument(lot=Decimal(1))), candles)
    fixed = lived(engine({0: buy("100")}), candles)
    assert sized.book.quantity == Decimal(83)
    assert only_order(fixed).reason is Reason.INSUFFICIENT_FUNDS


@pytest.mark.parametrize(
    ("instrument", "quantity", "reason"),
    [
        (Instrument(lot=Decimal(1)), "0.5", Reason.BELOW_ONE_LOT),
        (Instrument(minimum_notional=Decimal(50)), "4", Reason.BELOW_MIN_NOTIONAL),
    ],
)
def test_an_entry_too_small_for_the_exchange_is_denied_with_its_reason(instrument, quantity, reason):
    run = lived(engine({0: buy(quantity)}, instrument=instrument), closing("10", "10"))
    assert (only_order(run).state, only_order(run).reason) == (OrderState.DENIED, reason)


def test_an_order_larger_than_its_share_of_the_volume_is_filled_over_several_candles():
    costs = Costs(max_volume_share=Decimal("0.1"))
    run = lived(engine({0: buy("25")}, costs=costs), [candle(n, "10", volume="100") for n in range(5)])
    assert [(f.index, f.quantity) for f in run.batch.fills] == [(1, 10), (2, 10), (3, 5)]
    assert only_order(run).state is OrderState.FILLED


def around_noon(run_candle: int, **policy) -> object:
    event = Event("Rate decision", "USD", Importance.HIGH, START + run_candle * HOUR, START + run_candle * HOUR)
    rule = PausePolicy({Importance.HIGH: Around(60, 60)}, **policy)
    return pauses([event], rule, known_from=START, known_until=START + 100 * HOUR)


def test_entries_around_an_event_are_denied_and_exits_are_not():
    run = engine({0: buy("1"), 9: sell(), 10: buy("1"), 13: buy("1")}, pauses=around_noon(11))
    lived(run, [candle(n, "100") for n in range(15)])
    assert [o.reason for o in run.batch.orders.values() if o.state is OrderState.DENIED] == [Reason.CALENDAR_PAUSE]
    assert [f.index for f in run.batch.fills] == [1, 10, 14]


def test_the_log_says_when_a_pause_begins_and_ends():
    run = lived(engine({}, pauses=around_noon(11)), [candle(n, "100") for n in range(15)])
    said = [(note.event, (note.time - START) // HOUR) for note in run.batch.notes]
    assert said == [("calendar.paused", 9), ("calendar.resumed", 11)]


def test_where_the_calendar_is_silent_entries_are_denied_as_unverified():
    rule = PausePolicy({Importance.HIGH: Around(60, 60)})
    unknown = pauses([], rule, known_from=None, known_until=None)
    run = lived(engine({0: buy("1")}, pauses=unknown), closing("10", "10"))
    assert only_order(run).reason is Reason.CALENDAR_UNVERIFIED


def test_the_same_run_candle_and_purpose_have_the_same_order_id():
    assert order_id(RUN, START, Purpose.ENTRY) == order_id(RUN, START, Purpose.ENTRY)
    others = {order_id(RUN, START, purpose) for purpose in Purpose} | {order_id(RUN, START + 1, Purpose.ENTRY)}
    assert len(others) == len(Purpose) + 1


@given(st.lists(st.sampled_from(OrderState), max_size=8))
def test_an_order_never_leaves_a_final_state(path):
    order = Order(RUN, 0, START, buy().side, Purpose.ENTRY, Decimal(1), False)
    for state in path:
        came_from = order.state
        try:
            order.move(state)
        except IllegalMove:
            assert state not in MOVES[came_from]
            assert order.state is came_from
        else:
            assert state is came_from or state in MOVES[came_from]
