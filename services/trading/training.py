"""Writes feature rows with what followed them, as the table a machine for ml_signal is trained on."""

import csv
from collections.abc import Sequence
from typing import TextIO

from trading.pricefiles import PriceFileError
from trading.pricetimes import instant_of
from trading.rules.candles import Candle, instant
from trading.rules.features import COLUMNS, training_rows

UP, DOWN = "up", "down"
HEADER = ("time", *COLUMNS, "next_return", "direction")


def write_table(
    stream: TextIO, candles: Sequence[Candle], *, since: str | None = None, until: str | None = None
) -> int:
    """Write the rows of candles within [since, until) and return how many; earlier candles count as past.

    Raises PriceFileError for a bound that is no time.
    """
    first, end = _bound(since), _bound(until)
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    count = 0
    for row, following in training_rows(candles):
        if (first is None or row.time >= first) and (end is None or row.time < end):
            direction = UP if following > 0 else DOWN
            time = instant(row.time).strftime("%Y-%m-%dT%H:%M:%SZ")
            writer.writerow((time, *(repr(value) for value in row.values), repr(following), direction))
            count += 1
    return count


def _bound(text: str | None) -> int | None:
    try:
        return instant_of([text]) if text else None
    except ValueError as error:
        raise PriceFileError(str(error)) from None
