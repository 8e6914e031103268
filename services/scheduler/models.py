"""Scheduler's tables: the calendar with its history and sources, jobs with their runs, the platform's log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models

from scheduler.rules import triggers
from scheduler.rules.calendar_rows import FIGURE_LENGTH, IMPORTANCES, NAME_LENGTH
from scheduler.rules.catchup import COALESCE, OUTCOMES, Policy
from shared_models.clock import utc_now
from shared_models.fields import Timestamped, id_field, one_of
from shared_models.timeseries import TimescaleModel

KINDS = ["csv", "ical"]
LEVELS = ["WARNING", "ERROR", "CRITICAL"]


def _text() -> models.CharField[Any, Any]:
    return models.CharField(max_length=FIGURE_LENGTH, blank=True)


def _value() -> models.DecimalField[Any, Any]:
    return models.DecimalField(max_digits=24, decimal_places=8, null=True)


def _unit() -> models.CharField[Any, Any]:
    return models.CharField(max_length=12, blank=True)


class CalendarSource(Timestamped):
    """Where events come from, and what holds for all of them. With a `path` the crawl reads that file again."""

    id = id_field()
    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=[(k, k) for k in KINDS])
    timezone = models.CharField(max_length=60, default="UTC")
    country = models.CharField(max_length=2, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    importance = models.CharField(max_length=10, default="low", choices=[(i, i) for i in IMPORTANCES])
    path = models.CharField(max_length=200, blank=True)
    enabled = models.BooleanField(default=True)
    events_read = models.IntegerField(default=0)
    last_success_at = models.DateTimeField(null=True)
    last_attempt_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    class Meta:
        db_table = "calendar_source"
        ordering = ["name"]
        constraints = [
            one_of("calendar_source_kind", "kind", KINDS),
            one_of("calendar_source_importance", "importance", IMPORTANCES),
        ]

    def __str__(self) -> str:
        return self.name


class EconomicEvent(Timestamped):
    """An event of the calendar as it is now.

    `date` and `time` are wall-clock in `timezone`, as published; no time means all day or not yet known. `starts_at` is
    the same in UTC. `place` orders all events by time and is unique, so that lists can be cut anywhere.
    """

    id = id_field()
    version = models.IntegerField(default=1)
    date = models.DateField()
    time = models.TimeField(null=True)
    timezone = models.CharField(max_length=60, default="UTC")
    starts_at = models.DateTimeField(null=True, db_index=True)
    event_name = models.CharField(max_length=NAME_LENGTH)
    country = models.CharField(max_length=2)
    currency = models.CharField(max_length=3, blank=True)
    importance = models.CharField(max_length=10, choices=[(i, i) for i in IMPORTANCES])
    actual, actual_value, actual_unit = _text(), _value(), _unit()
    forecast, forecast_value, forecast_unit = _text(), _value(), _unit()
    previous, previous_value, previous_unit = _text(), _value(), _unit()
    revised, revised_value, revised_unit = _text(), _value(), _unit()
    note = models.CharField(max_length=NAME_LENGTH, blank=True)
    source = models.ForeignKey(CalendarSource, on_delete=models.PROTECT, related_name="events")
    # NULL where the source has no ids of its own: any number of such events may stand beside each other.
    external_id = models.CharField(max_length=NAME_LENGTH, null=True)
    place = models.CharField(max_length=60, unique=True)

    class Meta:
        db_table = "economic_event"
        ordering = ["place"]
        constraints = [
            # Checked at the end of a statement: events of a series may take each other's places in one import.
            models.UniqueConstraint(
                name="one_event_a_time_name_country",
                fields=["date", "time", "event_name", "country"],
                nulls_distinct=False,
                deferrable=models.Deferrable.IMMEDIATE,
            ),
            models.UniqueConstraint(
                name="one_event_an_external_id",
                fields=["source", "external_id"],
                deferrable=models.Deferrable.IMMEDIATE,
            ),
            one_of("economic_event_importance", "importance", IMPORTANCES),
        ]
        indexes = [
            models.Index(fields=["date"], name="economic_event_date"),
            models.Index(fields=["country", "date"], name="economic_event_country"),
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.country} {self.event_name}"


class EconomicEventRevision(models.Model):
    """What one import changed about an event: `changes` maps a field to its value before and after."""

    id = models.BigAutoField(primary_key=True)
    event = models.ForeignKey(EconomicEvent, on_delete=models.CASCADE, related_name="revisions")
    version = models.IntegerField()
    changed_at = models.DateTimeField(default=utc_now)
    source = models.ForeignKey(CalendarSource, on_delete=models.PROTECT, related_name="+")
    changes = models.JSONField()

    class Meta:
        db_table = "economic_event_revision"
        ordering = ["version"]
        constraints = [models.UniqueConstraint(fields=["event", "version"], name="one_revision_a_version")]

    def __str__(self) -> str:
        return f"{self.event_id} version {self.version}"


class ScheduledJob(Timestamped):
    """Something to be announced at given times. `next_run_at` is the next instant, `due_at` the same with its jitter.

    Both are empty while the job is paused or has no instants left.
    """

    id = id_field()
    name = models.CharField(max_length=100)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    topic = models.CharField(max_length=100)
    trigger = models.JSONField()
    timezone = models.CharField(max_length=60, default="UTC")
    payload = models.JSONField(default=dict)
    enabled = models.BooleanField(default=True)
    misfire_grace_seconds = models.IntegerField(default=60)
    coalesce = models.CharField(max_length=10, default="latest", choices=[(c, c) for c in COALESCE])
    catch_up_window_seconds = models.IntegerField(null=True)
    jitter_seconds = models.IntegerField(default=0)
    standard = models.BooleanField(default=False)
    next_run_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "scheduled_job"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(name="one_job_a_name", fields=["owner", "name"], nulls_distinct=False),
            one_of("scheduled_job_coalesce", "coalesce", COALESCE),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="scheduled_job_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def when(self) -> triggers.Trigger:
        """The trigger, ready to be asked."""
        return triggers.read(self.trigger, zone=self.timezone)

    @property
    def schedule(self) -> str:
        """The trigger in words."""
        return triggers.in_words(self.trigger)

    @property
    def jitter(self) -> timedelta:
        """The most that a firing is put off."""
        return timedelta(seconds=self.jitter_seconds)

    @property
    def policy(self) -> Policy:
        """What the job does about instants it could not fire in time."""
        window = self.catch_up_window_seconds
        return Policy(
            coalesce=self.coalesce,
            misfire_grace=timedelta(seconds=self.misfire_grace_seconds) + self.jitter,
            window=None if window is None else timedelta(seconds=window),
        )


class JobRun(models.Model):
    """What became of one instant of a job; its id is the id of the event that announces it."""

    id = models.UUIDField(primary_key=True, editable=False)
    job = models.ForeignKey(ScheduledJob, on_delete=models.CASCADE, related_name="runs")
    scheduled_for = models.DateTimeField()
    fired_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=[(o, o) for o in OUTCOMES])
    requested_by = models.UUIDField(null=True)
    attempt = models.IntegerField(default=0)
    duration = models.DurationField(null=True)
    error = models.TextField(blank=True)
    result = models.JSONField(default=dict)

    class Meta:
        db_table = "job_run"
        ordering = ["-scheduled_for"]
        constraints = [
            models.UniqueConstraint(fields=["job", "scheduled_for"], name="one_run_an_instant"),
            one_of("job_run_outcome", "outcome", OUTCOMES),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.scheduled_for} {self.outcome}"


class PlatformLog(TimescaleModel):
    """A warning or error of any process of the platform; the id is its sender's, so that a resent one is known."""

    pk = models.CompositePrimaryKey("timestamp", "id")
    timestamp = models.DateTimeField()
    id = models.UUIDField()
    level = models.CharField(max_length=10)
    service = models.CharField(max_length=40)
    logger = models.CharField(max_length=200)
    main_module = models.CharField(max_length=200, blank=True)
    main_function = models.CharField(max_length=200, blank=True)
    message = models.TextField()
    traceback = models.TextField(blank=True)
    host_name = models.CharField(max_length=200, blank=True)
    ip = models.CharField(max_length=45, blank=True)
    trace_id = models.CharField(max_length=32, blank=True)

    class Meta:
        db_table = "platform_log"
        # Ids sort by time: pages are cut by them.
        indexes = [
            models.Index(fields=["-id"], name="platform_log_newest"),
            models.Index(fields=["trace_id"], name="platform_log_trace", condition=~models.Q(trace_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.timestamp} {self.level} {self.service}: {self.message[:80]}"
