"""Calendars as CSV: UTF-8, commas, a header; every line must fit, or nothing is taken."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, time
from io import StringIO

from scheduler.rules.calendar_rows import FIGURES, BadCalendar, Defaults, Row, checked, distinct

REQUIRED = ("date", "event_name")
OPTIONAL = ("time", "timezone", "country", "currency", "importance", *FIGURES, "note", "external_id")


def parse(content: bytes, defaults: Defaults) -> list[Row]:
    """The events of the file. Raises BadCalendar naming the first line that does not fit."""
    # "\0" has no place in a calendar, and would make the reader stop half way without a word.
    text = _text(content)
    if "\0" in text:
        raise BadCalendar(text[: text.index("\0")].count("\n") + 1, "This is a binary file, not a CSV.")
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    return distinct(checked(row) for row in _rows(reader, defaults))


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadCalendar(line, "The file is not UTF-8; save it as UTF-8 and try again.") from None


def _rows(reader: Iterator[list[str]], defaults: Defaults) -> Iterator[Row]:
    header: list[str] = []
    for line, cells in _lines(reader):
        if not header:
            header = _header([cell.strip() for cell in cells])
        elif any(cell.strip() for cell in cells):
            yield _row(line, header, cells, defaults)


def _lines(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it begins on; a quoted cell may span several."""
    line = 0
    while True:
        begins, line = line + 1, line
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadCalendar(begins, f"The line cannot be read: {error}.") from None
        line = reader.line_num  # type: ignore[attr-defined]
        yield begins, cells


def _header(names: list[str]) -> list[str]:
    missing = [name for name in REQUIRED if name not in names]
    stray = [name for name in names if name not in REQUIRED + OPTIONAL]
    if missing:
        raise BadCalendar(1, f"The header lacks {', '.join(missing)}.")
    if stray or len(set(names)) < len(names):
        raise BadCalendar(1, f"The header has a column twice or one that is not known: {', '.join(stray or names)}.")
    return names


def _row(line: int, header: list[str], cells: list[str], defaults: Defaults) -> Row:
    if len(cells) != len(header):
        raise BadCalendar(line, f"There are {len(cells)} cells where the header has {len(header)}.")
    given = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    return Row(
        line=line,
        date=_date(line, given["date"]),
        time=_time(line, given.get("time", "")),
        zone=given.get("timezone") or defaults.zone,
        event_name=given["event_name"],
        country=given.get("country") or defaults.country,
        currency=given.get("currency") or defaults.currency,
        importance=given.get("importance") or defaults.importance,
        note=given.get("note", ""),
        external_id=given.get("external_id", ""),
        **{name: given.get(name, "") for name in FIGURES},
    )


def _date(line: int, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadCalendar(line, f"date {text!r} is no date; write 2026-01-31.") from None


def _time(line: int, text: str) -> time | None:
    """The time of day; empty is a real case, a time that cannot be read is not."""
    if not text:
        return None
    try:
        found = time.fromisoformat(text)
    except ValueError:
        raise BadCalendar(line, f"time {text!r} is no time of day; write 14:15, or leave it empty.") from None
    if found.tzinfo is not None or found.microsecond:
        raise BadCalendar(line, f"time {text!r} must be wall-clock time to the second, without an offset.")
    return found
