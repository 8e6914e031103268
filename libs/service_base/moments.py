"""Days and moments that people and programs ask for: none so far off that reckoning with it leaves the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AwareDatetime

from service_base.errors import BadInput

FIRST_YEAR, LAST_YEAR = 1970, 9000
_SAID = f"Give a year from {FIRST_YEAR} to {LAST_YEAR}."
D = TypeVar("D", bound=date)


def within_reach(value: D, *, field: str) -> D:
    """The day or moment, as it was typed on a page. Raises BadInput."""
    try:
        return _checked(value)
    except ValueError as error:
        raise BadInput(str(error), field=field) from None


def day_in(asked: Mapping[str, str], field: str) -> date | None:
    """The day that a page's field holds; None when it is left empty. Raises BadInput."""
    text = asked.get(field)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadInput("Give a day such as 2026-01-31.", field=field) from None
    return within_reach(day, field=field)


def _checked(value: D) -> D:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(_SAID)
    return value


# As schemas have them; a moment without a zone means another one on each machine.
Day = Annotated[date, AfterValidator(_checked)]
Moment = Annotated[AwareDatetime, AfterValidator(_checked)]
# Where what lacks a zone is refused, or given one, by who reads it.
AnyMoment = Annotated[datetime, AfterValidator(_checked)]
