"""What one cell means as a number, a label or a moment; the same for a whole column and for a single row."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from ml.learning.tables.batch import Cell

# Words that spreadsheets and statistics packages write where they have nothing; "none" is not among them, because
# people mean it as an answer.
MISSING_WORDS = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "null", "?", "#null!", "\\n"})
# What stands among numbers for one that is not known; elsewhere it may well be an answer.
NO_NUMBERS = frozenset({"-", ".", *(f"{sign}{word}" for sign in ("", "+", "-") for word in ("inf", "infinity"))})
# Beyond this a square overflows; no measurement is that large.
LARGEST = 1e150

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - moments are compared as wall-clock times, zones are converted first
_CLOCK = r"(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?: ?([AaPp])\.?[Mm]\.?)?)?"
_DATE = re.compile(r"(\d{1,4})([/.\- ])(\d{1,2})\2(\d{1,4})" + _CLOCK)
_NAMED_DATE = re.compile(r"(\d{1,2})([/\- ])([A-Za-z]{3,9})\2(\d{4}|\d{2})" + _CLOCK)
_MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTHS = {short: month for month, name in enumerate(_MONTH_NAMES, start=1) for short in (name[:3], name)}
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?: ?([AaPp])\.?[Mm]\.?)?")
_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_POINT_GROUPS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+")
# Thousands apart by one and the same sign: 5'11 is no number, nor is a list written as 1 2 0.
_SPACED = re.compile(r"([+-]?) ?(\d+|\d{1,3}([ '\u2019\u00a0\u202f])\d{3}(?:\3\d{3})*)(\.\d*)?")
TRUTHS = {"true": 1.0, "false": 0.0}


def is_missing(cell: Cell) -> bool:
    if cell is None:
        return True
    if isinstance(cell, str):
        return not cell or (len(cell) < 8 and cell.strip().casefold() in MISSING_WORDS)
    return isinstance(cell, float) and math.isnan(cell)


def number_of(cell: Cell, decimal: str = ".") -> float | None:
    """The number a cell holds, or None: never infinite, never too large to square.

    >>> number_of("1.234,5", decimal=","), number_of("1,234.5"), number_of(True), number_of("twelve")
    (1234.5, 1234.5, 1.0, None)

    A truth is 1 or 0, as a text too: Parquet's becomes the text True in a CSV file of the same table.
    """
    if isinstance(cell, str):
        return _number_of_text(cell, decimal)
    if isinstance(cell, (int, float, Decimal)):
        try:
            number = float(cell)
        except OverflowError:
            return None
        return number if -LARGEST < number < LARGEST else None
    return None


def _number_of_text(text: str, decimal: str) -> float | None:
    if decimal == "," and ("," in text or _POINT_GROUPS.fullmatch(text.strip())):
        text = text.replace(".", "").replace(",", ".")
    try:
        # float() takes digits grouped by underscores, which no table means.
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        number = _number_in_words(text, decimal)
    return number if -LARGEST < number < LARGEST else None


def _number_in_words(text: str, decimal: str) -> float:
    text = text.strip()
    if (truth := TRUTHS.get(text.casefold())) is not None:
        return truth
    if match := _SPACED.fullmatch(text):
        sign, digits, blank, rest = match.groups("")
        return float(f"{sign}{digits.replace(blank, '')}{rest}")
    if decimal == "." and _COMMA_GROUPS.fullmatch(text):
        return float(text.replace(",", ""))
    return math.nan


def label_of(cell: Cell) -> str | None:
    """The label a cell stands for; a whole float reads as its integer, as JSON and Parquet disagree on those."""
    if isinstance(cell, str):
        return None if is_missing(cell) else cell.strip()
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (float, Decimal)):
        if not math.isfinite(cell):
            return None
        return str(int(cell)) if cell == int(cell) else str(cell)
    if isinstance(cell, (datetime, date, time)):
        return cell.isoformat()
    return str(cell)


def other_spellings(label: str) -> list[str]:
    """How the same label may have been written in the table it was learnt from: 3 and 3.0, true and True."""
    spellings = [label.lower(), label.upper(), label.title()]
    number = number_of(label)
    if number is not None:
        spellings += [repr(number), str(int(number))] if number == int(number) else [repr(number)]
    return [*spellings, *{"true": ("1",), "false": ("0",)}.get(label, ())]


def moment_of(cell: Cell, order: str = "YMD") -> float | None:
    """Seconds since 1970 of a date or a date with a time; `order` tells 3/4/2025 apart (DMY, MDY or YMD)."""
    if isinstance(cell, str):
        return _moment_of_text(cell.strip(), order)
    if isinstance(cell, datetime):
        return _seconds(cell)
    if isinstance(cell, date):
        return float((cell - _EPOCH.date()).days * 86400)
    return None


def _moment_of_text(text: str, order: str) -> float | None:
    if len(text) < 6 or not text[0].isdigit():
        return None
    if match := _DATE.fullmatch(text):
        return _moment_of_parts(match, order)
    if match := _NAMED_DATE.fullmatch(text):
        return _moment_of_names(match)
    if len(text) < 10 or text[4] != "-":
        return None
    try:
        return _seconds(datetime.fromisoformat(text))
    except ValueError:
        return None


def _moment_of_parts(match: re.Match[str], order: str) -> float | None:
    first, _, second, third, *clock = match.groups()
    if len(first) == 4 or (order == "YMD" and len(third) < 4):
        year, month, day = first, second, third
    elif order == "MDY":
        month, day, year = first, second, third
    else:
        day, month, year = first, second, third
    return _moment_at(year, int(month), int(day), clock)


def _moment_of_names(match: re.Match[str]) -> float | None:
    day, _, name, year, *clock = match.groups()
    month = _MONTHS.get(name.lower())
    return None if month is None else _moment_at(year, month, int(day), clock)


def _moment_at(written: str, month: int, day: int, clock: Sequence[str | None]) -> float | None:
    """Of a year as it is `written`, of two digits in our times.

    `clock` is hour, minute, second, and a or p for the half of the day; each as far as it is written.
    """
    year = int(written)
    if len(written) < 4 and year < 100:
        year += 2000 if year < 70 else 1900
    hour, minute, second = (int(part or 0) for part in clock[:3])
    try:
        return _seconds(datetime(year, month, day, _hour(hour, clock[3]), minute, second))  # noqa: DTZ001
    except ValueError:
        return None


def _hour(hour: int, half: str | None) -> int:
    """Of the day; `half` is the a or p of AM and PM. Raises ValueError for an hour that no such clock shows."""
    if not half:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half in "pP" else 0)


def _seconds(moment: datetime) -> float | None:
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            moment = moment.replace(tzinfo=None)  # at the edge of time, "for ever" as many write it, zones end
    # Whole seconds before the difference is a float: far from 1970 its last digits would round up.
    return (moment.replace(microsecond=0) - _EPOCH).total_seconds()


def time_of(cell: Cell) -> float | None:
    """Seconds since midnight of a time of day."""
    if isinstance(cell, time):
        return float(cell.hour * 3600 + cell.minute * 60 + cell.second)
    if not isinstance(cell, str) or not (match := _TIME.fullmatch(cell.strip())):
        return None
    try:
        hour, minute, second = _hour(int(match[1]), match[4]), int(match[2]), int(match[3] or 0)
    except ValueError:
        return None
    return float(hour * 3600 + minute * 60 + second) if hour < 24 and minute < 60 and second < 60 else None
