"""Calendars as iCalendar (RFC 5545): read strictly, since the format's readers forgive what changes an instant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Component
from icalendar.timezone import tzp

from scheduler.rules import zones
from scheduler.rules.calendar_rows import BadCalendar, Defaults, Row, checked, distinct

_RECURRENCE = ("RRULE", "RDATE", "EXRULE")
_BROKEN = (ValueError, LookupError, TypeError, AttributeError)
_reading = Lock()


def parse(content: bytes, defaults: Defaults) -> list[Row]:
    """The events of the file, in the source's zone. Raises BadCalendar naming the first line that does not fit.

    An event in a zone that is neither IANA's nor defined in the file is an error: icalendar would give a naive time.
    """
    begins = _event_lines(_text(content))
    calendar = _calendar(content.decode("utf-8-sig"))
    defined = {str(zone.get("TZID")) for zone in calendar.walk("VTIMEZONE")}
    floating = str(calendar.get("X-WR-TIMEZONE") or defaults.zone)
    events = zip(begins, calendar.walk("VEVENT"), strict=True)
    return distinct(checked(_row(line, event, defaults, defined, floating)) for line, event in events)


def _calendar(text: str) -> Calendar:
    # icalendar keeps the zones that files define in one table for the whole process and never replaces one: without
    # emptying it, a zone of somebody else's file would decide about the times in this one.
    with _reading:
        tzp.use_zoneinfo()
        try:
            return Calendar.from_ical(text)
        except _BROKEN as error:
            raise BadCalendar(1, f"This is no iCalendar file: {error}.") from None


def _text(content: bytes) -> list[str]:
    try:
        return content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadCalendar(content[: error.start].count(b"\n") + 1, "The file is not UTF-8.") from None


def _event_lines(lines: list[str]) -> list[int]:
    """The line of each BEGIN:VEVENT. Raises BadCalendar where components do not nest or a line is no property."""
    stack: list[tuple[str, int]] = []
    found: list[int] = []
    for number, line in _content_lines(lines):
        name, _, value = line.partition(":")
        if name.upper() == "BEGIN":
            stack.append((value.upper(), number))
            if value.upper() == "VEVENT":
                found.append(number)
        elif name.upper() == "END":
            if not stack or stack.pop()[0] != value.upper():
                raise BadCalendar(number, f"END:{value} ends nothing that is open.")
        elif not stack or ":" not in line:
            raise BadCalendar(number, f"{line[:40]!r} is no property of a calendar.")
    if stack:
        raise BadCalendar(stack[-1][1], f"{stack[-1][0]} is never ended: the file is cut off.")
    return found


def _content_lines(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.startswith((" ", "\t")):
            yield number, line.strip()


def _row(line: int, event: Component, defaults: Defaults, defined: set[str], floating: str) -> Row:
    if event.errors:
        name, why = event.errors[0]
        raise BadCalendar(line, f"{name} of this event cannot be read: {why}.")
    if any(name in event for name in _RECURRENCE):
        raise BadCalendar(line, "A repeating event cannot be imported; the source must list each date.")
    day, clock = _when(line, event, defaults, defined, floating)
    return Row(
        line=line,
        date=day,
        time=clock,
        zone=defaults.zone,
        event_name=str(event.get("SUMMARY", "")),
        country=defaults.country,
        currency=defaults.currency,
        importance=defaults.importance,
        external_id=_external_id(event),
    )


def _external_id(event: Component) -> str:
    instance = event.get("RECURRENCE-ID")
    suffix = f"/{instance.to_ical().decode()}" if instance is not None else ""
    return f"{event.get('UID', '')}{suffix}"


def _when(
    line: int, event: Component, defaults: Defaults, defined: set[str], floating: str
) -> tuple[date, time | None]:
    """Day and time of day in the source's zone; an all-day event keeps its date wherever it is read."""
    start: Any = event.get("DTSTART")
    if start is None:
        raise BadCalendar(line, "The event has no DTSTART.")
    if not isinstance(start.dt, datetime):
        return start.dt, None
    moment = start.dt
    zone = str(start.params.get("TZID", ""))
    if zone and zone not in defined and zone not in zones.names():
        raise BadCalendar(line, f"The time zone {zone!r} is neither IANA's nor defined in the file.")
    if moment.tzinfo is None:
        moment = _in_zone(line, moment, zone or floating)
    local = moment.astimezone(ZoneInfo(defaults.zone))
    return local.date(), local.time().replace(microsecond=0)


def _in_zone(line: int, moment: datetime, zone: str) -> datetime:
    if zone not in zones.names():
        raise BadCalendar(line, f"The time zone {zone!r} is not known, so the event has no certain time.")
    return moment.replace(tzinfo=ZoneInfo(zone))
