"""Price files as people have them: names, separators, times, order, and errors that name the line."""

from datetime import date, datetime
from decimal import Decimal
from io import BytesIO

import pyarrow as pa
import pytest
from pyarrow import parquet

from trading.pricefiles import PriceFileError, read_prices
from trading.pricetimes import instant_of

DAY = 86_400


def read(text: str, **options: str):
    return read_prices(BytesIO(text.encode()), **options)


@pytest.mark.parametrize(
    "text",
    [
        "timestamp,open,high,low,close,volume\n2020-01-01,1,2,0.5,1.5,10\n",
        "Date;Open;High;Low;Close;Vol\n2020-01-01;1,0;2,0;0,5;1,5;10\n",
        "\ufeffopen_time\tO\tH\tL\tC\tV\n1577836800000\t1\t2\t0.5\t1.5\t10\n",
        "Close,Low,High,Open,Date,Volume\n1.5,0.5,2,1,20200101,10\n\n",
        "date,time,open,high,low,close,volume\n2020.01.01,00:00,1,2,0.5,1.5,10\n",
    ],
    ids=["plain", "semicolon and comma", "bom, tabs, milliseconds", "shuffled", "date and time apart"],
)
def test_the_same_candle_is_read_from_every_usual_form(text: str):
    (candle,) = read(text).candles
    assert candle == (1_577_836_800, 1, 2, Decimal("0.5"), Decimal("1.5"), 10)


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("1970-01-02", DAY),
        ("19700102", DAY),
        ("1970-01-02T00:00:00Z", DAY),
        ("1970-01-02 01:00:00+01:00", DAY),
        ("1577836800", 1_577_836_800),
        ("1577836800000000", 1_577_836_800),
        (1_577_836_800_000, 1_577_836_800),
        (date(1970, 1, 2), DAY),
        (datetime(1970, 1, 2), DAY),
    ],
)
def test_times_are_understood(cell: object, seconds: int):
    assert instant_of([cell]) == seconds


def test_adjusted_closes_are_kept_beside_the_candles():
    series = read("date,open,high,low,close,volume,Adj Close\n2020-01-01,1,2,1,1,1,0.25\n2020-01-02,1,2,1,1,1,\n")
    assert series.adjusted == [Decimal("0.25"), None]


def test_a_file_from_new_to_old_is_turned():
    series = read("date,open,high,low,close\n2020-01-02,2,2,2,2\n2020-01-01,1,1,1,1\n")
    assert [candle.close for candle in series.candles] == [1, 2]


def test_parquet_floats_become_the_decimals_people_see():
    table = pa.table({"ts": [datetime(2020, 1, 1)], "o": [0.1], "h": [0.3], "l": [0.1], "c": [0.3]})
    stream = BytesIO()
    parquet.write_table(table, stream)
    stream.seek(0)
    (candle,) = read_prices(stream).candles
    assert candle == (1_577_836_800, Decimal("0.1"), Decimal("0.3"), Decimal("0.1"), Decimal("0.3"), 0)


def test_one_symbol_of_several_must_be_chosen():
    text = "ticker,date,open,high,low,close\nA,2020-01-01,1,1,1,1\nB,2020-01-01,2,2,2,2\n"
    assert read(text, symbol="B").candles[0].close == 2
    with pytest.raises(PriceFileError, match="several symbols, say which one: A, B"):
        read(text)
    with pytest.raises(PriceFileError, match="no symbol C"):
        read(text, symbol="C")


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        ("date,open,high,low,close\n2020-01-01,1,1,1,1\n2020-01-02,1,1,1,abc\n", 3, "close"),
        ("date,open,high,low,close\n31.12.2020,1,1,1,1\n", 2, "time"),
        ("date,open,high,low,close\n2020-01-01,1,0.9,0.8,1\n", 2, "high"),
        ("date,open,high,low,close\n2020-01-01,1,1,1,-1\n", 2, "close"),
        ("date,open,high,low,close\n2020-01-01,1,1,1,nan\n", 2, "close"),
        ("date,open,high,low,close\n2020-01-01,1,1,1\n", 2, "line"),
        ("date,open,high,low,close\n2020-01-01,1,1,1,1\n2020-01-03,1,1,1,1\n2020-01-03,1,1,1,1\n", 4, "time"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_field(text: str, line: int, field: str):
    with pytest.raises(PriceFileError) as caught:
        read(text)
    assert (line, field) in [(fault.line, fault.field) for fault in caught.value.found]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe", "neither UTF-8 text nor Parquet"),
        (b"date,price\n2020-01-01,1\n", "no column for open, high, low, close"),
        (b"date,open,high,low,close\n", "no candles"),
        (b"PAR1 but not really", "cannot be read"),
    ],
)
def test_a_file_that_is_no_price_file_is_refused_in_a_sentence(content: bytes, said: str):
    with pytest.raises(PriceFileError, match=said):
        read_prices(BytesIO(content), name="prices.csv")


def test_at_most_twenty_faults_are_gathered():
    lines = "".join(f"2020-01-01,1,1,1,bad{n}\n" for n in range(100))
    with pytest.raises(PriceFileError) as caught:
        read("date,open,high,low,close\n" + lines)
    assert len(caught.value.found) == 20
