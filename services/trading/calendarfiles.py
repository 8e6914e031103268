"""Reads events of an economic calendar from CSV, for backtests that run on files alone."""

import csv
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trading.rules.pauses import Event, Importance


class CalendarFileError(ValueError):
    """A calendar file that cannot be used; names the line."""


def read_events(path: Path) -> list[Event]:
    """Events of a CSV with date, time, timezone, event_name, currency, importance; no time means all day."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = {"date", "event_name", "importance"} - set(reader.fieldnames or ())
        if missing:
            raise CalendarFileError(f"{path.name} has no column {', '.join(sorted(missing))}")
        return [_event(row, line) for line, row in enumerate(reader, start=2)]


def _event(row: dict[str, str | None], line: int) -> Event:
    try:
        zone = ZoneInfo(row.get("timezone") or "UTC")
        day = date.fromisoformat((row["date"] or "").strip())
        importance = Importance((row["importance"] or "").strip().lower())
        at = (row.get("time") or "").strip()
        clock = time.fromisoformat(at) if at else time()
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise CalendarFileError(f"line {line}: {error}") from None
    start = datetime.combine(day, clock, zone)
    end = start if at else datetime.combine(day + timedelta(days=1), time(), zone)
    return Event(
        name=(row["event_name"] or "").strip(),
        currency=(row.get("currency") or "").strip().upper(),
        importance=importance,
        start=int(start.timestamp()),
        end=int(end.timestamp()),
    )
