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
    shown = chosen.number(number, places=8).replace("\u202f", "").replace(chosen.decimal_separator, ".")
    assert Decimal(shown) == number


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
