"""Admin pages of scheduler, to look at; changes go through commands. The platform log has a page of its own."""

from __future__ import annotations

from django.contrib import admin

from scheduler.models import CalendarSource, EconomicEvent, EconomicEventRevision, JobRun, ScheduledJob
from service_base.admin import ReadOnlyAdmin


@admin.register(CalendarSource)
class CalendarSourceAdmin(ReadOnlyAdmin):
    """Where events come from, and when that last worked."""

    list_display = ("name", "kind", "events_read", "last_success_at", "last_error")


@admin.register(EconomicEvent)
class EconomicEventAdmin(ReadOnlyAdmin):
    """The calendar."""

    list_display = ("date", "time", "country", "event_name", "importance", "actual", "forecast", "previous")
    list_filter = ("importance", "country", "source")
    search_fields = ("event_name", "note")
    date_hierarchy = "date"


@admin.register(EconomicEventRevision)
class EconomicEventRevisionAdmin(ReadOnlyAdmin):
    """What imports changed."""

    list_display = ("event", "version", "changed_at", "source")


@admin.register(ScheduledJob)
class ScheduledJobAdmin(ReadOnlyAdmin):
    """Jobs."""

    list_display = ("name", "topic", "schedule", "timezone", "enabled", "next_run_at", "owner")
    list_filter = ("enabled", "standard")
    search_fields = ("name", "topic")


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    """What became of the jobs' instants."""

    list_display = ("job", "scheduled_for", "outcome", "fired_at", "attempt", "duration", "error")
    list_filter = ("outcome",)
