"""Time zones by their IANA names, and wall-clock times that exist in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from service_base.errors import BadInput


class UnknownZone(BadInput):
    """A time zone that the IANA database does not have."""

    slug = "unknown-zone"
    title = "Unknown time zone"


@cache
def names() -> frozenset[str]:
    """Every zone name that is accepted."""
    return frozenset(available_timezones())


def zone(name: str, *, field: str = "timezone") -> ZoneInfo:
    """The zone called `name`. Raises UnknownZone."""
    # Asking the list first: ZoneInfo treats a name as a path and would look at files of that name.
    if name not in names():
        raise UnknownZone(f"{name!r} is no IANA time zone; write it as Europe/Berlin or UTC.", field=field)
    return ZoneInfo(name)


def exists(day: date, clock: time, where: ZoneInfo) -> bool:
    """Whether the wall clocks of the zone show that time on that day; they skip some when they go forward."""
    local = datetime.combine(day, clock, where)
    return local.astimezone(UTC).astimezone(where).replace(tzinfo=None) == local.replace(tzinfo=None)


def instant(day: date, clock: time, where: ZoneInfo) -> datetime:
    """The UTC instant of a wall-clock time; the first of the two where the clocks go back."""
    return datetime.combine(day, clock, where).astimezone(UTC)
