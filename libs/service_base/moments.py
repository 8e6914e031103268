"""Days and moments that people and programs ask for: none so far off that reckoning with it leaves the calendar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AwareDatetime

from service_base.errors import BadInput

FIRST_YEAR, LAST_YEAR = 1970, 9000
_SAID = f"Give a year from {FIRST_YEAR} to {LAST_YEAR}."
D = TypeVar("D", bound=date)


def day_in(asked: Mapping[str, str], field: str) -> date | None:
    """The day that a page's field holds; None when it is left empty. Raises BadInput."""
    return _typed(date.fromisoformat, asked, field, "Give a day such as 2026-01-31.")


def midnight_in(asked: Mapping[str, str], field: str) -> datetime | None:
    """The same as the moment at which that day begins, in UTC."""
    day = day_in(asked, field)
    return datetime.combine(day, time.min, UTC) if day else None


def moment_in(asked: Mapping[str, str], field: str) -> datetime | None:
    """The moment that a page's field holds, in UTC where it names no zone; None when it is empty. Raises BadInput."""
    said = "Give a day and a time in UTC, such as 2026-01-31T18:30."
    moment = _typed(datetime.fromisoformat, asked, field, said)
    return moment.replace(tzinfo=UTC) if moment and not moment.tzinfo else moment


def _typed(parse: Callable[[str], D], asked: Mapping[str, str], field: str, said: str) -> D | None:
    text = asked.get(field)
    if not text:
        return None
    try:
        found = parse(text)
    except ValueError:
        raise BadInput(said, field=field) from None
    try:
        return _checked(found)
    except ValueError as error:
        raise BadInput(str(error), field=field) from None


def _checked(value: D) -> D:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(_SAID)
    return value


# As schemas have them; a moment without a zone means another one on each machine.
Day = Annotated[date, AfterValidator(_checked)]
Moment = Annotated[AwareDatetime, AfterValidator(_checked)]
# Where what lacks a zone is refused, or given one, by who reads it.
AnyMoment = Annotated[datetime, AfterValidator(_checked)]
