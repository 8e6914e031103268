"""Money is exact, or it is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_models.money import LARGEST, SMALLEST, Money, MoneyError, eaml, exact, plain, rounded, split, usd

amounts = st.decimals(min_value=-LARGEST, max_value=LARGEST, places=8)


@pytest.mark.parametrize("wrong", [1.5, True, None, "NaN", "Infinity", "1e40", "0.000000001", "abc", "1" * 40])
def test_what_is_not_an_exact_amount_is_refused(wrong):
    with pytest.raises(MoneyError):
        exact(wrong)


def test_the_largest_and_the_smallest_amount_are_kept():
    assert exact(LARGEST) - SMALLEST + SMALLEST == LARGEST
    assert exact("0.00000001") == SMALLEST
    assert exact("1000000000000") > 0 if LARGEST >= 10**12 else exact("999999999999") > 0


@given(amounts)
def test_an_amount_survives_being_written_and_read(amount):
    assert exact(plain(exact(amount))) == amount


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_an_amount_is_written_without_an_exponent_or_superfluous_zeros(amount):
    written = format(amount, "f")

    assert plain(amount) == (written.rstrip("0").rstrip(".") if "." in written else written)


@given(amounts.filter(lambda a: a >= 0), st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any))
def test_the_parts_of_a_split_sum_to_the_whole(total, weights):
    parts = split(total, [Decimal(w) for w in weights])
    assert sum(parts) == total
    assert all(part >= 0 for part in parts)


@given(st.integers(1, 50), st.integers(1, 12))
def test_equal_weights_differ_by_at_most_the_smallest_amount(cents, people):
    parts = split(Decimal(cents).scaleb(-8), [Decimal(1)] * people)
    assert max(parts) - min(parts) <= SMALLEST


def test_a_split_without_weights_is_refused():
    with pytest.raises(MoneyError):
        split(Decimal(1), [Decimal(0)])


def test_currencies_do_not_mix():
    with pytest.raises(MoneyError):
        usd(1) + eaml(1)


def test_money_reads_as_people_write_it():
    assert str(usd("1.50") - usd("0.25")) == "1.25 USD"
    assert str(-eaml(3)) == "-3 EAML"
    assert Money(Decimal("-0"), usd(0).currency).amount.is_signed() is False


def test_rounding_is_half_to_even_at_eight_places():
    assert rounded(Decimal("0.000000005")) == Decimal("0")
    assert rounded(Decimal("0.000000015")) == Decimal("0.00000002")
