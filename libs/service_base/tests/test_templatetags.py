"""Numbers on pages: enough digits, no exponent, somebody's own table untouched."""

from decimal import Decimal

import pytest

from service_base.formats import Formats
from service_base.templatetags.titan import amount, short, trimmed, words

PLAIN = {"formats": Formats(decimal_separator=".")}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (9683.692418, "9\u202f683.7"),
        (10000.0, "10\u202f000"),
        (0.00054480043, "0.0005448"),
        (-0.25, "−0.25"),
        (0, "0"),
        ("red", "red"),
        (float("nan"), "nan"),
        (None, "–"),
    ],
)
def test_a_number_keeps_its_telling_digits_and_has_no_exponent(value, shown):
    assert short(PLAIN, value) == shown


@pytest.mark.parametrize(
    ("cell", "shown"),
    [("-0.028461959496442257", "-0.0284620"), ("20230115123456", "20230115123456"), ("2.50", "2.50"), ("a.b", "a.b")],
)
def test_only_a_long_fraction_of_a_table_is_cut(cell, shown):
    assert trimmed(cell) == shown


def test_a_small_charge_never_reads_as_nothing():
    assert "−0.0001 USD" in amount(PLAIN, Decimal("-0.0001"), "USD")


def test_the_name_of_an_action_reads_as_words():
    assert words("api_key.created") == "API key created"
