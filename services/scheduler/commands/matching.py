"""Which known event a line of a calendar file means, and what it changes about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from scheduler.models import CalendarSource, EconomicEvent
from scheduler.rules import zones
from scheduler.rules.calendar_rows import FIGURES, BadCalendar, NaturalKey, Row
from scheduler.rules.figures import figure

_OWN_FIELDS = ("date", "time", "event_name", "country", "importance")
_OPEN_FIELDS = (*FIGURES, "currency", "note")


@dataclass(slots=True)
class Change:
    """An event as it is to be written; `fields` has the values before and after of what changed, empty when new."""

    event: EconomicEvent
    is_new: bool
    fields: dict[str, list[Any]] = field(default_factory=dict)


class Matching:
    """Finds, for the rows of one source, the events they mean: by the source's own id first, then by what they say."""

    def __init__(self, source: CalendarSource, rows: list[Row]) -> None:
        self._source = source
        self._rows = rows
        near = list(self._near(rows))
        self._by_key = {_key(event): event for event in near}
        self._by_id = {e.external_id: e for e in near if e.external_id and e.source_id == source.pk}

    def changes(self) -> list[Change]:
        """What is new or different, in the file's order. Raises BadCalendar where a line moves onto another event."""
        matched = [(row, self._event_of(row)) for row in self._rows]
        self._must_not_collide(matched)
        found = [self._new(row) if event is None else self._changed(row, event) for row, event in matched]
        return [change for change in found if change is not None]

    def _near(self, rows: list[Row]) -> Iterable[EconomicEvent]:
        dates = [row.date for row in rows]
        ids = [row.external_id for row in rows if row.external_id]
        known = EconomicEvent.objects.select_related("source")
        yield from known.filter(date__gte=min(dates), date__lte=max(dates))
        if ids:
            outside = known.filter(source=self._source, external_id__in=ids)
            yield from outside.exclude(date__gte=min(dates), date__lte=max(dates))

    def _event_of(self, row: Row) -> EconomicEvent | None:
        return self._by_id.get(row.external_id) or self._by_key.get(row.natural_key)

    def _must_not_collide(self, matched: list[tuple[Row, EconomicEvent | None]]) -> None:
        moving = {event.pk for _, event in matched if event is not None}
        for row, event in matched:
            there = self._by_key.get(row.natural_key)
            if there is not None and there is not event and there.pk not in moving:
                raise BadCalendar(row.line, f"The event moves onto another one, {there}.")

    def _new(self, row: Row) -> Change:
        event = EconomicEvent(source=self._source, external_id=row.external_id or None)
        for name in (*_OWN_FIELDS, *_OPEN_FIELDS):
            setattr(event, name, getattr(row, name))
        _derive(event, row)
        return Change(event, is_new=True)

    def _changed(self, row: Row, event: EconomicEvent) -> Change | None:
        ours = event.source_id == self._source.pk
        wanted = self._as_ours(row, event) if ours else _as_guest(row, event)
        fields = {
            name: [_plain(getattr(event, name)), _plain(value)]
            for name, value in wanted.items()
            if getattr(event, name) != value
        }
        if not fields:
            return None
        for name, value in wanted.items():
            setattr(event, name, value)
        event.version += 1
        _derive(event, row if ours else None)
        return Change(event, is_new=False, fields=fields)

    def _as_ours(self, row: Row, event: EconomicEvent) -> dict[str, Any]:
        wanted: dict[str, Any] = {name: getattr(row, name) for name in _OWN_FIELDS}
        wanted["timezone"] = row.zone
        wanted["external_id"] = row.external_id or event.external_id
        # A feed that has no figure yet must not take back the one that another file brought.
        return wanted | {name: getattr(row, name) or getattr(event, name) for name in _OPEN_FIELDS}


def _as_guest(row: Row, event: EconomicEvent) -> dict[str, Any]:
    """What another source's event takes from this row: only what it lacks."""
    return {name: getattr(event, name) or getattr(row, name) for name in _OPEN_FIELDS}


def _derive(event: EconomicEvent, row: Row | None) -> None:
    """Set what follows from the published fields."""
    if row is not None:
        event.timezone = row.zone
        event.starts_at = row.starts_at
        where = zones.zone(row.zone)
        begins = event.starts_at or datetime.combine(event.date, time(), where).astimezone(UTC)
        event.place = f"{begins:%Y%m%dT%H%M%S}-{event.pk.hex}"
    for name in FIGURES:
        known = figure(getattr(event, name))
        setattr(event, f"{name}_value", known.value)
        setattr(event, f"{name}_unit", known.unit)


def _key(event: EconomicEvent) -> NaturalKey:
    return event.date, event.time, event.event_name, event.country


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date | time) else value
