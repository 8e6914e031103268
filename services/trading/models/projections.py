"""What other services told: economic events and trained machines, each as of the newest event about it."""

from __future__ import annotations

from django.db import models

from shared_models.fields import one_of
from trading.rules.pauses import Importance

IMPORTANCES = [importance.value for importance in Importance]


class CalendarEvent(models.Model):
    """An economic event as scheduler last told it; from `starts_at` up to `ends_at` where it has no time of day."""

    id = models.UUIDField(primary_key=True, editable=False)
    version = models.BigIntegerField()
    starts_at = models.DateTimeField(db_index=True)
    ends_at = models.DateTimeField()
    is_all_day = models.BooleanField(default=False)
    event_name = models.CharField(max_length=200)
    country = models.CharField(max_length=100, blank=True)
    currency = models.CharField(max_length=10, blank=True)
    importance = models.CharField(max_length=10, choices=[(name, name) for name in IMPORTANCES])
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "calendar_event"
        constraints = [one_of("importance_known", "importance", IMPORTANCES)]

    def __str__(self) -> str:
        return f"{self.event_name} {self.starts_at:%Y-%m-%d}"


class KnownMachine(models.Model):
    """A machine that finished training: what an ml_signal bot may ask."""

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=500)
    owner_id = models.UUIDField(db_index=True)
    input_columns = models.JSONField(default=list)
    output_columns = models.JSONField(default=list)
    scores = models.JSONField(default=dict)
    level = models.IntegerField(default=1)
    trained_at = models.DateTimeField()
    is_deleted = models.BooleanField(default=False)

    class Meta:
        db_table = "known_machine"

    def __str__(self) -> str:
        return self.name
