"""Reading scheduler: the calendar and its filters, jobs and what becomes of them, the platform's log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Max, Min, Q, QuerySet

from scheduler.models import CalendarSource, EconomicEvent, JobRun, PlatformLog, ScheduledJob
from scheduler.rules.asking import EventFilter
from service_base.callers import Caller
from service_base.errors import NotFound

ONE_DAY = timedelta(days=1)


def events(wanted: EventFilter) -> QuerySet[EconomicEvent]:
    """The events that `wanted` describes, with their sources."""
    found = EconomicEvent.objects.select_related("source")
    for column, values in (
        ("country", wanted.countries),
        ("currency", wanted.currencies),
        ("importance", wanted.importances),
    ):
        if values:
            found = found.filter(**{f"{column}__in": values})
    if wanted.source:
        found = found.filter(source__name=wanted.source)
    if wanted.search:
        found = found.filter(Q(event_name__icontains=wanted.search) | Q(note__icontains=wanted.search))
    return found.filter(_days(wanted))


def event(event_id: UUID | str) -> EconomicEvent:
    """The event with that id. Raises NotFound."""
    found = EconomicEvent.objects.select_related("source").filter(pk=event_id).first()
    if found is None:
        raise NotFound("There is no such event.")
    return found


def next_event(wanted: EventFilter, now: datetime) -> EconomicEvent | None:
    """The first event with a time of day after `now`."""
    return events(wanted).filter(starts_at__gt=now).order_by("starts_at", "place").first()


def calendar_span() -> tuple[date | None, date | None]:
    """The first and the last day of the calendar."""
    found = EconomicEvent.objects.aggregate(first=Min("date"), last=Max("date"))
    return found["first"], found["last"]


def countries() -> list[str]:
    """The countries that have events."""
    return list(EconomicEvent.objects.order_by("country").values_list("country", flat=True).distinct())


def sources() -> QuerySet[CalendarSource]:
    """Where events come from."""
    return CalendarSource.objects.all()


def source(name: str) -> CalendarSource:
    """The source called `name`. Raises NotFound."""
    found = CalendarSource.objects.filter(name=name).first()
    if found is None:
        raise NotFound("There is no such source.")
    return found


def jobs(caller: Caller) -> QuerySet[ScheduledJob]:
    """The jobs that the caller may see: her own; operators see all."""
    found = ScheduledJob.objects.select_related("owner")
    return found if _runs_the_place(caller) else found.filter(owner_id=caller.id)


def job(caller: Caller, job_id: UUID | str) -> ScheduledJob:
    """One of them. Raises NotFound for any other, existing or not."""
    found = jobs(caller).filter(pk=job_id).first()
    if found is None:
        raise NotFound("There is no such job, or it is not yours.")
    return found


def runs(found: ScheduledJob) -> QuerySet[JobRun]:
    """What became of the job's instants."""
    return JobRun.objects.filter(job=found)


def last_outcomes(found: Iterable[ScheduledJob], count: int = 20) -> dict[UUID, list[JobRun]]:
    """For each job its last runs, oldest first."""
    return {each.pk: list(runs(each).order_by("-scheduled_for")[:count])[::-1] for each in found}


def log_lines(
    *,
    level: str = "",
    service: str = "",
    search: str = "",
    trace_id: str = "",
    first: datetime | None = None,
    last: datetime | None = None,
) -> QuerySet[PlatformLog]:
    """Lines of the platform's log; what is left out does not limit."""
    exact: dict[str, Any] = {"level": level, "service": service, "trace_id": trace_id}
    found = PlatformLog.objects.filter(**{name: value for name, value in exact.items() if value})
    if search:
        found = found.filter(Q(message__icontains=search) | Q(logger__icontains=search))
    if first is not None:
        found = found.filter(timestamp__gte=first)
    return found if last is None else found.filter(timestamp__lt=last)


def _runs_the_place(caller: Caller) -> bool:
    return caller.is_operator and caller.scopes is None


def _days(wanted: EventFilter) -> Q:
    if wanted.zone is None:
        return _between("date", wanted.first_day, wanted.last_day)
    first = _midnight(wanted.first_day, wanted.zone)
    end = _midnight(wanted.last_day + ONE_DAY, wanted.zone) if wanted.last_day else None
    timed = Q(starts_at__isnull=False)
    timed &= Q(starts_at__gte=first) if first else Q()
    timed &= Q(starts_at__lt=end) if end else Q()
    # A day without a time of day is that day everywhere: it never shifts with the reader's zone.
    return timed | (Q(starts_at__isnull=True) & _between("date", wanted.first_day, wanted.last_day))


def _between(column: str, first: date | None, last: date | None) -> Q:
    found = Q(**{f"{column}__gte": first}) if first else Q()
    return found & (Q(**{f"{column}__lte": last}) if last else Q())


def _midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), zone).astimezone(UTC)
