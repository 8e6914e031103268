"""The calendar: importing files so that only what changed is written and told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from django.db import connection, transaction

from scheduler import publishes
from scheduler.commands.matching import Change, Matching
from scheduler.models import KINDS, CalendarSource, EconomicEvent, EconomicEventRevision
from scheduler.rules import calendar_csv, calendar_ical
from scheduler.rules.calendar_rows import Defaults, Row, must_not_shrink
from service_base.env import env
from service_base.errors import BadInput, Refusal
from shared_models.clock import utc_now

log = structlog.get_logger("scheduler.calendar")

MOST_BYTES = 10 * 1024 * 1024
# Number of the lock that imports take; the database releases it with the transaction.
_IMPORT_LOCK = 0x7CA1E9DA
_PARSERS: dict[str, Callable[[bytes, Defaults], list[Row]]] = {"csv": calendar_csv.parse, "ical": calendar_ical.parse}
_KEPT_ON_CONFLICT = frozenset({"id", "created_at"})
_WRITTEN = [f.name for f in EconomicEvent._meta.concrete_fields if f.name not in _KEPT_ON_CONFLICT]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    read: int
    new: int
    changed: int
    unchanged: int

    def as_json(self) -> dict[str, int]:
        """As the API and a run's result show it."""
        return asdict(self)


@transaction.atomic
def save_source(*, name: str, kind: str, **settings: Any) -> CalendarSource:
    """Make the source called `name`, or change it: timezone, country, currency, importance, path, enabled.

    Raises BadInput, and UnknownZone; a `path` must lie in the data directory's `calendars`.
    """
    tidy = name.strip()
    if not 1 <= len(tidy) <= 100 or "\0" in tidy:
        raise BadInput("A source has a name of 1 to 100 characters.", field="name")
    if kind not in KINDS:
        raise BadInput(f"A source is one of {', '.join(KINDS)}.", field="kind")
    if settings.get("path"):
        file_at(settings["path"])
    wanted = CalendarSource.objects.filter(name=tidy).first() or CalendarSource(name=tidy)
    for field, value in settings.items():
        setattr(wanted, field, value)
    _defaults(wanted).must_fit()
    source, _ = CalendarSource.objects.update_or_create(name=tidy, defaults={"kind": kind, **settings})
    return source


@transaction.atomic
def import_calendar(
    *, source: CalendarSource, content: bytes, allow_fewer: bool = False, now: datetime | None = None
) -> Imported:
    """Make the calendar say what the file says; all of it or, when a line does not fit, nothing.

    New and changed events are written by one statement, each change with a revision and an EconomicEventChanged;
    unchanged ones are not touched. An empty figure never erases a published one, and a source that meets another's
    event only fills in what that one left open. Raises BadCalendar naming the line, FeedShrunk.
    """
    rows = _parse(source, content)
    # One import at a time: two sources that bring the same new event at once would otherwise collide.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_IMPORT_LOCK])
    known = CalendarSource.objects.select_for_update().get(pk=source.pk)
    if not allow_fewer:
        must_not_shrink(now=len(rows), before=known.events_read)
    moment = now or utc_now()
    changes = Matching(known, rows).changes()
    _write(changes, known, moment)
    _note_success(known, len(rows), moment)
    new = sum(change.is_new for change in changes)
    done = Imported(len(rows), new, len(changes) - new, len(rows) - len(changes))
    log.info("calendar.imported", source=known.name, **done.as_json())
    return done


@transaction.atomic
def import_file(*, name: str, kind: str, content: bytes, allow_fewer: bool = False, **settings: Any) -> Imported:
    """As `import_calendar`, into the source of that name, made or changed as `settings` say; all or nothing."""
    source = save_source(name=name, kind=kind, **settings)
    return import_calendar(source=source, content=content, allow_fewer=allow_fewer)


def crawl(*, at: datetime) -> dict[str, Imported | str]:
    """Read every enabled source's file again; what came of each, or why it failed.

    A source that fails keeps its events and keeps no other from being read.
    """
    outcomes: dict[str, Imported | str] = {}
    for source in CalendarSource.objects.filter(enabled=True).exclude(path=""):
        try:
            with transaction.atomic():
                outcomes[source.name] = import_calendar(source=source, content=_content(source), now=at)
        except (Refusal, OSError) as error:
            outcomes[source.name] = error.detail if isinstance(error, Refusal) else f"{error.strerror}: {source.path}"
            CalendarSource.objects.filter(pk=source.pk).update(
                last_attempt_at=at, last_error=outcomes[source.name], updated_at=at
            )
            log.warning("calendar.source_failed", source=source.name, error=outcomes[source.name])
    return outcomes


def file_at(path: str) -> Path:
    """The file of that name in the data directory's `calendars`. Raises BadInput for a way out of there."""
    home = (env().data_dir / "calendars").resolve()
    found = (home / path.replace("\0", "")).resolve()
    if not found.is_relative_to(home) or found == home:
        raise BadInput(f"A path names a file below {home}.", field="path")
    return found


def _content(source: CalendarSource) -> bytes:
    with file_at(source.path).open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _parse(source: CalendarSource, content: bytes) -> list[Row]:
    if len(content) > MOST_BYTES:
        raise BadInput(f"A calendar file has at most {MOST_BYTES // 1024 // 1024} MiB.", field="file")
    return _PARSERS[source.kind](content, _defaults(source))


def _defaults(source: CalendarSource) -> Defaults:
    return Defaults(source.timezone, source.country, source.currency, source.importance)


def _write(changes: list[Change], source: CalendarSource, now: datetime) -> None:
    if not changes:
        return
    events = [change.event for change in changes]
    EconomicEvent.objects.bulk_create(events, update_conflicts=True, unique_fields=["id"], update_fields=_WRITTEN)
    EconomicEventRevision.objects.bulk_create(
        EconomicEventRevision(
            event=change.event, version=change.event.version, changed_at=now, source=source, changes=change.fields
        )
        for change in changes
        if not change.is_new
    )
    publishes.events_changed(events)


def _note_success(source: CalendarSource, events_read: int, now: datetime) -> None:
    source.events_read = events_read
    source.last_success_at = source.last_attempt_at = now
    source.last_error = ""
    source.save(update_fields=["events_read", "last_success_at", "last_attempt_at", "last_error", "updated_at"])
