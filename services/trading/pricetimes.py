"""Reads instants as price files write them: ISO, dates, epoch in any unit; without a zone they are UTC."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

EPOCH_DAY = date(1970, 1, 1).toordinal()
OTHER_FORMATS = (
    "%Y.%m.%d %H:%M:%S",
    "%Y.%m.%d %H:%M",
    "%Y.%m.%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
)


def instant_of(cells: Sequence[object]) -> int:
    """Seconds since the epoch of a time in one cell, or of a date and a time in two. Raises ValueError."""
    first = cells[0]
    if isinstance(first, datetime):
        return int((first if first.tzinfo else first.replace(tzinfo=UTC)).timestamp())
    if isinstance(first, date):
        return (first.toordinal() - EPOCH_DAY) * 86_400
    text = " ".join(str(cell).strip() for cell in cells)
    if len(text) == 10 and text[4] == "-":
        return (_date(text).toordinal() - EPOCH_DAY) * 86_400
    if text.replace(".", "", 1).isdigit() and "." not in text[:9]:
        return _epoch(text)
    return _written(text)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is no date; write 2026-01-31") from None


def _epoch(text: str) -> int:
    if len(text) == 8:
        return (_date(f"{text[:4]}-{text[4:6]}-{text[6:]}").toordinal() - EPOCH_DAY) * 86_400
    value = int(text.split(".")[0])
    for unit in (1_000_000_000, 1_000_000, 1_000):
        if value >= 100_000_000 * unit * 10:
            return value // unit
    return value


def _written(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        when = _otherwise_written(text)
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())


def _otherwise_written(text: str) -> datetime:
    for pattern in OTHER_FORMATS:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ValueError(f"{text or 'an empty cell'} is no time; write 2026-01-31T15:00:00Z or seconds since 1970")
