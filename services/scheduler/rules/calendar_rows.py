"""One event of a calendar file, whatever the format, and what such an event must satisfy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from scheduler.rules import zones
from service_base.errors import BadInput

IMPORTANCES = ["low", "medium", "high"]
FIGURES = ("actual", "forecast", "previous", "revised")
NAME_LENGTH = 200
FIGURE_LENGTH = 60
_COUNTRY = re.compile(r"[A-Z]{2}")
_CURRENCY = re.compile(r"[A-Z]{3}")
NaturalKey = tuple[date, time | None, str, str]


class BadCalendar(BadInput):
    """A calendar file that cannot be used; nothing of it is imported. `line` is where it breaks."""

    slug = "bad-calendar"
    title = "The calendar file cannot be used"

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"Line {line}: {what} Nothing of the file was imported.", field="file", line=line)
        self.line = line


class FeedShrunk(BadInput):
    """A source that suddenly has far fewer events, which is how broken feeds look."""

    slug = "feed-shrunk"
    title = "The source has lost events"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a source says for all its events: used where a line leaves it open."""

    zone: str = "UTC"
    country: str = ""
    currency: str = ""
    importance: str = "low"

    def must_fit(self) -> None:
        """Raise BadInput naming the part that no event could have, or UnknownZone."""
        zones.zone(self.zone)
        if self.country and not _COUNTRY.fullmatch(self.country):
            raise BadInput("A country is a two-letter code such as US.", field="country")
        if self.currency and not _CURRENCY.fullmatch(self.currency):
            raise BadInput("A currency is a three-letter code such as USD.", field="currency")
        if self.importance not in IMPORTANCES:
            raise BadInput(f"importance is one of {', '.join(IMPORTANCES)}.", field="importance")


@dataclass(frozen=True, slots=True)
class Row:
    """An event as a file has it. `date` and `time` are wall-clock in `zone`; no time means all day or not yet known."""

    line: int
    date: date
    time: time | None
    zone: str
    event_name: str
    country: str
    currency: str
    importance: str
    actual: str = ""
    forecast: str = ""
    previous: str = ""
    revised: str = ""
    note: str = ""
    external_id: str = ""

    @property
    def natural_key(self) -> NaturalKey:
        """What makes two lines the same event."""
        return self.date, self.time, self.event_name, self.country

    @property
    def starts_at(self) -> datetime | None:
        """The instant, where a time of day is known."""
        return None if self.time is None else zones.instant(self.date, self.time, zones.zone(self.zone))


def checked(row: Row) -> Row:
    """`row` if it is a possible event, tidied up. Raises BadCalendar naming its line."""
    tidy = replace(
        row,
        event_name=" ".join(row.event_name.split()),
        country=row.country.strip().upper(),
        currency=row.currency.strip().upper(),
        importance=row.importance.strip().lower(),
    )
    wrong = _wrong(tidy)
    if wrong:
        raise BadCalendar(row.line, wrong)
    return tidy


def distinct(rows: Iterable[Row]) -> list[Row]:
    """The rows in order. Raises BadCalendar when two are the same event, and for a file with none."""
    kept: dict[object, Row] = {}
    for row in rows:
        for key in (row.natural_key, row.external_id):
            if key and key in kept:
                raise BadCalendar(row.line, f"This is the same event as in line {kept[key].line}.")
            kept[key] = row
    found = list(dict.fromkeys(kept.values()))
    if not found:
        raise BadCalendar(1, "The file has no events.")
    return found


def must_not_shrink(*, now: int, before: int) -> None:
    """Raise FeedShrunk when a source comes with less than half of what it had: better old data than half of it."""
    if now * 2 < before:
        raise FeedShrunk(
            f"The file has {now} events where the last one had {before}; import it with allow_fewer if that is meant.",
            field="file",
        )


def _wrong(row: Row) -> str:
    if not 1 <= len(row.event_name) <= NAME_LENGTH:
        return f"event_name must have 1 to {NAME_LENGTH} characters."
    if not _COUNTRY.fullmatch(row.country):
        return f"country {row.country!r} is no two-letter code; write US, GB, or EU for the European Union."
    if row.currency and not _CURRENCY.fullmatch(row.currency):
        return f"currency {row.currency!r} is no three-letter code."
    if row.importance not in IMPORTANCES:
        return f"importance {row.importance!r} is none of {', '.join(IMPORTANCES)}."
    if any(len(getattr(row, name)) > FIGURE_LENGTH for name in FIGURES) or len(row.note) > NAME_LENGTH:
        return f"a figure has at most {FIGURE_LENGTH} characters, a note {NAME_LENGTH}."
    if len(row.external_id) > NAME_LENGTH:
        return f"an external id has at most {NAME_LENGTH} characters."
    if "\0" in f"{row.event_name}{row.note}{row.external_id}":
        return "a text holds a NUL."
    return _wrong_time(row)


def _wrong_time(row: Row) -> str:
    if row.zone not in zones.names():
        return f"{row.zone!r} is no IANA time zone."
    if row.time is not None and not zones.exists(row.date, row.time, zones.zone(row.zone)):
        return f"{row.date} {row.time} does not exist in {row.zone}: the clocks skip it."
    return ""
