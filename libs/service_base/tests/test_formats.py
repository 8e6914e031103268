"""Everybody sees dates and numbers her way, and a number shown can be read back."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_base.env import Env
from service_base.formats import Formats

formats = st.builds(
    Formats,
    time_format=st.sampled_from(["12H", "24H"]),
    date_format=st.sampled_from(["DMY", "MDY", "YMD"]),
    date_separator=st.sampled_from(["/", "-", "."]),
    datetime_separator=st.sampled_from([" ", "T"]),
    decimal_separator=st.sampled_from([",", "."]),
)
PATTERN = {"DMY": "%d{0}%m{0}%Y", "MDY": "%m{0}%d{0}%Y", "YMD": "%Y{0}%m{0}%d"}


@given(formats, st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)))
def test_an_instant_shown_with_seconds_can_be_read_back(chosen, moment):
    clock = "%H:%M:%S" if chosen.time_format == "24H" else "%I:%M:%S %p"
    pattern = PATTERN[chosen.date_format].format(chosen.date_separator) + chosen.datetime_separator + clock
    shown = chosen.moment(moment, seconds=True)
    assert datetime.strptime(shown, pattern).replace(tzinfo=UTC) == moment.replace(microsecond=0)


@given(formats, st.decimals(min_value=-(10**12), max_value=10**12, places=8))
def test_a_number_shown_can_be_read_back(chosen, number):
    assert Decimal(chosen.typed(chosen.number(number, places=8))) == number
    assert Decimal(chosen.typed(f" {number:f} ")) == number


def test_a_comma_that_parts_thousands_is_not_read_as_a_decimal_sign():
    assert Formats(decimal_separator=",").typed("1,5") == "1.5"
    assert Formats(decimal_separator=".").typed("1,000") == "1,000"
    assert Formats(decimal_separator=",").typed("1,000.50") == "1,000.50"


def test_thousands_are_never_separated_by_a_decimal_sign():
    assert Formats(decimal_separator=",").number(Decimal("1234567.5"), places=2) == "1\u202f234\u202f567,50"


def test_a_missing_setting_is_named_with_the_way_out(monkeypatch):
    from service_base import env as module

    monkeypatch.delenv("TITAN_SECRET_KEY")
    module.env.cache_clear()
    with pytest.raises(SystemExit, match="TITAN_SECRET_KEY is not set"):
        module.env()
    monkeypatch.undo()
    module.env.cache_clear()
    assert isinstance(module.env(), Env)
