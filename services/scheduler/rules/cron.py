"""Cron fields under APScheduler's names, and how they read as plain cron."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from service_base.errors import BadInput

# From the most to the least significant: what is left out above a given field is "every", below it is the smallest.
SIGNIFICANCE = ("month", "day", "day_of_week", "hour", "minute", "second")
_SMALLEST = {"month": "1", "day": "1", "day_of_week": "*", "hour": "0", "minute": "0", "second": "0"}
_BOUNDS = {"month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59), "second": (0, 59)}
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ORDINALS = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5}
_TERM = re.compile(r"(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:/([0-9]+))?")


class BadTrigger(BadInput):
    """A trigger that cannot be read, or would never fire; `field` names its part."""

    slug = "bad-trigger"
    title = "The trigger cannot be used"


@dataclass(frozen=True, slots=True)
class Cron:
    """A plain five-field cron expression, and the seconds of a matching minute at which it fires."""

    expression: str
    seconds: tuple[int, ...] = (0,)


def from_fields(fields: Mapping[str, object]) -> Cron:
    """The cron of APScheduler's fields, such as `{"day": "last", "hour": 23}`. Raises BadTrigger."""
    given = {name: str(value).strip().lower() for name, value in fields.items() if value is not None}
    full = _filled(given)
    day, weekday = _day(full["day"], full["day_of_week"])
    seconds = tuple(sorted(_numbers("second", full["second"])))
    parts = (_field("minute", full["minute"]), _field("hour", full["hour"]), day, _month(full["month"]), weekday)
    return Cron(" ".join(parts), seconds)


def from_text(expression: str) -> Cron:
    """Plain cron with five fields, or six of which the first is the second. Raises BadTrigger."""
    parts = expression.split()
    if len(parts) == 6:
        return Cron(" ".join(parts[1:]), tuple(sorted(_numbers("second", parts[0]))))
    if len(parts) != 5:
        raise BadTrigger(f"{expression!r} has {len(parts)} fields; cron has five: minute hour day month weekday.")
    return Cron(" ".join(parts))


def _filled(given: dict[str, str]) -> dict[str, str]:
    ranks = [SIGNIFICANCE.index(name) for name in given]
    least = max(ranks, default=-1)
    return {name: given.get(name, "*" if rank < least else _SMALLEST[name]) for rank, name in enumerate(SIGNIFICANCE)}


def _day(day: str, weekday: str) -> tuple[str, str]:
    """Both day fields of cron; "2nd fri" and "last fri" belong to cron's weekday."""
    words = day.split()
    if len(words) == 2 and words[1] in _WEEKDAYS and (words[0] in _ORDINALS or words[0] == "last"):
        if weekday != "*":
            raise BadTrigger(f"day={day!r} names a weekday already; leave day_of_week out.", field="day_of_week")
        number = _cron_weekday(words[1])
        return "*", f"{number}L" if words[0] == "last" else f"{number}#{_ORDINALS[words[0]]}"
    if day == "*" or weekday == "*":
        return ("L" if day == "last" else _field("day", day)), _weekdays(weekday)
    # Plain cron would fire on either, APScheduler only where both agree: refuse rather than surprise half the readers.
    raise BadTrigger("Give day or day_of_week, not both; for a weekday of the month write day='2nd fri'.", field="day")


def _field(name: str, value: str) -> str:
    if value == "*" or re.fullmatch(r"\*/[1-9][0-9]*", value):
        return value  # kept as it is, because cron treats a starred hour differently when the clocks change
    return ",".join(str(number) for number in sorted(_numbers(name, value)))


def _month(value: str) -> str:
    for number, word in enumerate(_MONTHS, start=1):
        value = value.replace(word, str(number))
    return _field("month", value)


def _weekdays(value: str) -> str:
    if value == "*":
        return "*"
    for number, word in enumerate(_WEEKDAYS):
        value = value.replace(word, str(number))
    days = {_cron_weekday(_WEEKDAYS[number]) for number in _numbers("day_of_week", value, bounds=(0, 6))}
    return ",".join(str(day) for day in sorted(days))


def _cron_weekday(word: str) -> int:
    # APScheduler counts from Monday = 0, cron from Sunday = 0.
    return (_WEEKDAYS.index(word) + 1) % 7


def _numbers(name: str, value: str, bounds: tuple[int, int] | None = None) -> set[int]:
    low, high = bounds or _BOUNDS[name]
    found: set[int] = set()
    for term in value.split(","):
        match = _TERM.fullmatch(term.strip())
        first, last, step = match.groups() if match else (None, None, None)
        if first is None or not _is_range(first, last):
            raise BadTrigger(f"{name}={value!r} cannot be read; write 5, 1-5, 1,3,5, * or */2.", field=name)
        start = low if first == "*" else int(first)
        end = high if first == "*" or (step and last is None) else int(last if last is not None else first)
        chosen = range(start, end + 1, int(step or 1)) if step != "0" else range(0)
        if not chosen or start < low or end > high:
            raise BadTrigger(f"{name}={value!r} must lie between {low} and {high} and count upwards.", field=name)
        found.update(chosen)
    return found


def _is_range(first: str, last: str | None) -> bool:
    if first == "*":
        return last is None
    return first.isdigit() and (last is None or last.isdigit())
