"""Candles, the timeframes they come in, coarser ones derived from them, and the gaps between them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

DAY = 86_400
MONDAY_OFFSET = 4 * DAY  # the epoch was a Thursday; weeks open on Monday


class Timeframe(StrEnum):
    """How long one candle lasts."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"
    W1 = "1w"

    @property
    def seconds(self) -> int:
        return _SECONDS[self]

    def opening(self, time: int) -> int:
        """The opening instant of the candle of this timeframe that holds `time`."""
        offset = MONDAY_OFFSET if self is Timeframe.W1 else 0
        return (time - offset) // self.seconds * self.seconds + offset

    def next_opening(self, time: int) -> int:
        """The first opening instant of this timeframe at `time` or after it."""
        return self.opening(time + self.seconds - 1)

    @property
    def finer(self) -> "tuple[Timeframe, ...]":
        """The timeframes whose candles make whole candles of this one."""
        return tuple(one for one in Timeframe if one.seconds < self.seconds and self.seconds % one.seconds == 0)


_SECONDS = {
    Timeframe.M1: 60,
    Timeframe.M5: 300,
    Timeframe.M15: 900,
    Timeframe.M30: 1800,
    Timeframe.H1: 3600,
    Timeframe.H4: 14_400,
    Timeframe.D1: DAY,
    Timeframe.W1: 7 * DAY,
}


class Candle(NamedTuple):
    """One candle; `time` is its opening instant in seconds since the epoch, UTC."""

    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    @property
    def opened_at(self) -> datetime:
        return instant(self.time)


class Gap(NamedTuple):
    """Candles that should lie between two that exist."""

    after: int
    before: int
    missing: int


def instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def faults(candle: Candle) -> list[tuple[str, str]]:
    """What cannot be true of a candle, as (field, sentence)."""
    found = [
        (name, f"{name} must be above zero, not {value}")
        for name, value in zip(("open", "high", "low", "close"), candle[1:5], strict=True)
        if value <= 0
    ]
    if candle.volume < 0:
        found.append(("volume", f"volume must not be negative, not {candle.volume}"))
    if candle.high < max(candle.open, candle.close, candle.low):
        found.append(("high", f"high {candle.high} lies below open, low or close"))
    elif candle.low > min(candle.open, candle.close):
        found.append(("low", f"low {candle.low} lies above open or close"))
    return found


def timeframe_of(candles: Sequence[Candle]) -> Timeframe | None:
    """The timeframe that most steps between candles have, or None when no known one fits."""
    steps: dict[int, int] = {}
    for earlier, later in pairwise(candles):
        step = later.time - earlier.time
        steps[step] = steps.get(step, 0) + 1
    if not steps:
        return None
    commonest = max(steps, key=lambda step: (steps[step], -step))
    return next((timeframe for timeframe in Timeframe if timeframe.seconds == commonest), None)


def gaps(times: Iterable[int], timeframe: Timeframe, *, sessions: bool) -> Iterator[Gap]:
    """Holes in a series of opening instants.

    With `sessions` (exchange hours) weekends of daily candles and the nights between days are no holes;
    a public holiday still shows as one, since no exchange calendar is asked.
    """
    earlier: int | None = None
    for time in times:
        if earlier is not None:
            missing = _missing(earlier, time, timeframe, sessions=sessions)
            if missing:
                yield Gap(after=earlier, before=time, missing=missing)
        earlier = time


def _missing(earlier: int, later: int, timeframe: Timeframe, *, sessions: bool) -> int:
    step = timeframe.seconds
    if later - earlier <= step:
        return 0
    if not sessions or timeframe is Timeframe.W1:
        return (later - earlier) // step - 1
    if timeframe is Timeframe.D1:
        days = range(earlier + DAY, later, DAY)
        return sum(1 for day in days if instant(day).weekday() < 5)
    return (later - earlier) // step - 1 if earlier // DAY == later // DAY else 0
