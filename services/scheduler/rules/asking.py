"""What people ask the calendar for: dates, zones and lists as text, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from scheduler.rules import zones
from scheduler.rules.calendar_rows import IMPORTANCES
from service_base.errors import Refusal


class BadQuestion(Refusal):
    """A filter that cannot be read."""

    status = 400
    slug = "bad-filter"
    title = "The filter cannot be read"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; what is empty does not limit.

    Days are the published ones; with a `zone` they are that zone's days, and timed events count by their instant.
    """

    countries: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    importances: tuple[str, ...] = ()
    source: str = ""
    search: str = ""
    first_day: date | None = None
    last_day: date | None = None
    zone: ZoneInfo | None = None

    @classmethod
    def read(cls, asked: Mapping[str, str | None]) -> EventFilter:
        """The filter of an address: country, currency, importance (each may list several), source, q, date, from, to,
        timezone. Raises BadQuestion naming the part that cannot be read.
        """
        for name, value in asked.items():
            if "\0" in (value or ""):
                raise BadQuestion(f"{name} holds a NUL, which no text has.", field=name)
        first, last = _day(asked, "from"), _day(asked, "to")
        day = _day(asked, "date")
        if day is not None and (first or last):
            raise BadQuestion("Give date, or from and to, not both.", field="date")
        if first and last and last < first:
            raise BadQuestion("to lies before from.", field="to")
        return cls(
            countries=_codes(asked, "country"),
            currencies=_codes(asked, "currency"),
            importances=_importances(asked),
            source=(asked.get("source") or "").strip(),
            search=(asked.get("q") or "").strip(),
            first_day=day or first,
            last_day=day or last,
            zone=_zone(asked),
        )


def _day(asked: Mapping[str, str | None], name: str) -> date | None:
    text = (asked.get(name) or "").strip()
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise BadQuestion(f"{name}={text[:40]} is no date; write 2026-01-31.", field=name) from None
    if not 2 <= found.year <= 9998:
        raise BadQuestion(f"{name}={text} lies outside of any calendar.", field=name)
    return found


def _codes(asked: Mapping[str, str | None], name: str) -> tuple[str, ...]:
    return tuple(code.strip().upper() for code in (asked.get(name) or "").split(",") if code.strip())


def _importances(asked: Mapping[str, str | None]) -> tuple[str, ...]:
    wanted = tuple(code.lower() for code in _codes(asked, "importance"))
    for one in wanted:
        if one not in IMPORTANCES:
            raise BadQuestion(f"importance is one of {', '.join(IMPORTANCES)}.", field="importance")
    return wanted


def _zone(asked: Mapping[str, str | None]) -> ZoneInfo | None:
    name = (asked.get("timezone") or "").strip()
    if not name:
        return None
    try:
        return zones.zone(name)
    except zones.UnknownZone as refusal:
        raise BadQuestion(refusal.detail, field="timezone") from None
