"""Prices, splits and funding: pure decisions, for every amount there is."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules import funding, pricing
from billing.rules.errors import AmountUnfit, LevelNotPriced, QuantityUnfit
from billing.rules.funding import FreeLot, Funds, Part
from billing.rules.wording import spreadsheet_safe
from shared_models.ids import new_id
from shared_models.money import LARGEST, SMALLEST, Currency

PRICES = pricing.Prices(
    version=1,
    training_cell_eaml=Decimal("0.0001"),
    solving_line_eaml=Decimal("0.001"),
    level_factors={"1": Decimal(1), "2": Decimal("2.5")},
    usd_per_eaml=Decimal("0.1"),
    marketplace_fee_basis_points=1000,
)

amounts = st.decimals(min_value=0, max_value=10**6, places=8)
rates = st.decimals(min_value=SMALLEST, max_value=1000, places=8)
funds = st.builds(
    Funds,
    lots=st.lists(st.builds(FreeLot, id=st.uuids(), free=amounts), max_size=3),
    eaml=amounts,
    usd=amounts,
)


def with_rate(rate: Decimal) -> pricing.Prices:
    return pricing.Prices(1, Decimal(1), Decimal(1), {"1": Decimal(1)}, rate, 0)


def test_training_costs_columns_times_lines_times_the_cell_price_times_the_level() -> None:
    assert PRICES.training(columns=10, lines=53_940, level=2) == Decimal("134.85")


def test_solving_costs_lines_times_the_line_price() -> None:
    assert PRICES.solving(lines=12_400) == Decimal("12.4")


def test_a_level_without_a_factor_has_no_price() -> None:
    with pytest.raises(LevelNotPriced, match="choose one of 1, 2"):
        PRICES.training(columns=1, lines=1, level=5)


@pytest.mark.parametrize("lines", [-1, 10**12 + 1, 10**40])
def test_a_count_that_is_no_table_has_no_price(lines: int) -> None:
    with pytest.raises(QuantityUnfit):
        PRICES.solving(lines=lines)


def test_a_price_beyond_what_an_account_can_hold_is_refused() -> None:
    with pytest.raises(QuantityUnfit, match="more than"):
        PRICES.training(columns=10**12, lines=10**12, level=1)


@given(eaml=amounts, rate=rates)
def test_dollars_are_never_nothing_for_something_and_at_most_half_a_step_off(eaml: Decimal, rate: Decimal) -> None:
    usd = with_rate(rate).in_usd(eaml)

    assert (usd > 0) == (eaml > 0)
    assert abs(usd - eaml * rate) <= SMALLEST / 2 or usd == SMALLEST


@given(usd=amounts, rate=rates)
def test_the_exchange_never_gives_more_tokens_than_the_dollars_are_worth(usd: Decimal, rate: Decimal) -> None:
    tokens = with_rate(rate).tokens_for(usd)

    assert tokens * rate <= usd
    assert (tokens + SMALLEST) * rate > usd


@given(
    lines=st.integers(0, 10**6),
    price=st.decimals(min_value=0, max_value=100, places=8),
    fee=st.integers(0, 10_000),
)
def test_the_parts_of_a_sale_sum_to_the_whole(lines: int, price: Decimal, fee: int) -> None:
    sold = pricing.sale(lines=lines, price_usd=price, fee_basis_points=fee)

    assert sold.net + sold.fee == sold.gross
    assert min(sold.net, sold.fee) >= 0
    assert abs(sold.fee - sold.gross * fee / 10_000) < SMALLEST


@given(price=amounts, available=funds, rate=rates)
def test_a_cover_pays_exactly_the_price(price: Decimal, available: Funds, rate: Decimal) -> None:
    in_usd = with_rate(rate).in_usd
    paid = funding.cover(price, available, in_usd)
    credit = funding.total(paid.parts, Currency.COUPON) + funding.total(paid.parts, Currency.EAML)

    assert funding.total(paid.parts, Currency.USD) + paid.missing_usd == in_usd(price - credit)


@given(price=amounts, available=funds, rate=rates)
def test_a_cover_never_takes_more_than_there_is(price: Decimal, available: Funds, rate: Decimal) -> None:
    paid = funding.cover(price, available, with_rate(rate).in_usd)
    left = funding.after(available, paid.parts)

    assert min([left.eaml, left.usd, *(lot.free for lot in left.lots)]) >= 0


@given(price=amounts, available=funds, rate=rates)
def test_dollars_are_touched_only_when_credit_is_used_up(price: Decimal, available: Funds, rate: Decimal) -> None:
    paid = funding.cover(price, available, with_rate(rate).in_usd)
    left = funding.after(available, paid.parts)

    if funding.total(paid.parts, Currency.USD) + paid.missing_usd > 0:
        assert left.eaml == sum(lot.free for lot in left.lots) == 0


@given(held=amounts, used=amounts, available=funds, rate=rates)
def test_a_capture_and_what_is_beyond_it_are_the_usage(
    held: Decimal, used: Decimal, available: Funds, rate: Decimal
) -> None:
    in_usd = with_rate(rate).in_usd
    reserved = funding.cover(held, Funds(available.lots, available.eaml, LARGEST), in_usd).parts
    taken = funding.capture(reserved, held_eaml=held, used_eaml=used, in_usd=in_usd)

    assert taken.beyond_eaml == max(used - held, Decimal(0))
    for currency in Currency:
        assert funding.total(taken.parts, currency) <= funding.total(reserved, currency)
    if used >= held:
        assert list(taken.parts) == list(reserved)


def test_a_capture_gives_dollars_back_before_tokens_and_coupons() -> None:
    lot = new_id()
    reserved = [Part(Currency.COUPON, Decimal(5), lot), Part(Currency.EAML, Decimal(5)), Part(Currency.USD, Decimal(1))]
    taken = funding.capture(reserved, held_eaml=Decimal(20), used_eaml=Decimal(12), in_usd=PRICES.in_usd)

    assert taken.parts == [*reserved[:2], Part(Currency.USD, Decimal("0.2"))]


@given(
    sources=st.lists(st.decimals(min_value=0, max_value=1000, places=8), min_size=1, max_size=4),
    shares=st.lists(st.integers(0, 100), min_size=1, max_size=4).filter(any),
)
def test_several_paying_several_pay_each_exactly(sources: list[Decimal], shares: list[int]) -> None:
    from shared_models.money import split

    wanted = split(sum(sources, Decimal(0)), [Decimal(share) for share in shares])
    flows = funding.allocate(list(enumerate(sources)), list(enumerate(wanted)))

    for i, amount in enumerate(sources):
        assert sum(paid for source, _, paid in flows if source == i) == amount
    for i, amount in enumerate(wanted):
        assert sum(paid for _, sink, paid in flows if sink == i) == amount
    assert all(paid > 0 for _, _, paid in flows)


@pytest.mark.parametrize("amount", [5.0, True, None, Decimal("NaN"), "1e30", "-1", "0", "1.123456789", "٣٫٥"])
def test_what_is_no_positive_amount_is_refused(amount: object) -> None:
    with pytest.raises(AmountUnfit):
        pricing.money_in(amount, field="amount")


@pytest.mark.parametrize(
    ("amount", "value"), [("0.00000001", SMALLEST), (str(LARGEST), LARGEST), ("1e3", Decimal(1000))]
)
def test_the_smallest_and_the_largest_amount_are_money(amount: str, value: Decimal) -> None:
    assert pricing.money_in(amount, field="amount") == value


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\ufeff=1"])
def test_a_formula_is_disarmed(text: str) -> None:
    assert spreadsheet_safe(text) == f"'{text}"


def test_ordinary_text_stays_as_it_is() -> None:
    assert spreadsheet_safe("wine = red") == "wine = red"
