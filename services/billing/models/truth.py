"""What the ledger is compared with: ml's counts of usage, what of it is awaited, and what each comparison found."""

from __future__ import annotations

from typing import Any

from django.db import models

from shared_models.fields import id_field, one_of

ASKED_BY = ["operator", "command line", "schedule"]


class UsageCount(models.Model):
    """How much usage of one hour ml said, by the newest version of its count that was received."""

    hour = models.DateTimeField(primary_key=True)
    version = models.IntegerField()
    events = models.BigIntegerField()
    lines = models.BigIntegerField()
    digest = models.CharField(max_length=16)
    first_at = models.DateTimeField()
    complete_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()

    class Meta:
        db_table = "usage_count"
        ordering = ["hour"]

    def __str__(self) -> str:
        return f"{self.hour}: {self.events}"


class AwaitedUsage(models.Model):
    """A usage event that ml counted and that had not arrived then: on its way, or missing."""

    event_id = models.UUIDField(primary_key=True)
    hour = models.DateTimeField(db_index=True)
    since = models.DateTimeField()

    class Meta:
        db_table = "awaited_usage"
        verbose_name_plural = "awaited usage"

    def __str__(self) -> str:
        return str(self.event_id)


class Verification(models.Model):
    """One verification of the whole ledger: when, how long, by whom, and the whole verdict. Never changed."""

    id = id_field()
    started_at = models.DateTimeField()
    milliseconds = models.IntegerField()
    is_ok = models.BooleanField()
    first_difference = models.TextField(blank=True)
    asked_by = models.CharField(max_length=20)
    by_id = models.UUIDField(null=True)
    verdict = models.JSONField()

    class Meta:
        db_table = "verification"
        ordering = ["-id"]
        constraints = [one_of("verification_asked_by_known", "asked_by", ASKED_BY)]

    def __str__(self) -> str:
        return f"{self.started_at}: {'holds' if self.is_ok else self.first_difference}"

    @property
    def as_json(self) -> dict[str, Any]:
        """The verdict for programs, with who asked for it and how long it took."""
        asked = {"id": str(self.pk), "asked_by": self.asked_by, "by": str(self.by_id) if self.by_id else None}
        return {**asked, **self.verdict}
