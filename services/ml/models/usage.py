"""What usage ml has said: each event until it has been counted and told, and the counts by hour."""

from __future__ import annotations

from django.db import models


class PublishedUsage(models.Model):
    """A usage event that was said; written by the transaction that said it. `version` is the count that has it."""

    event_id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    payer_id = models.UUIDField()
    lines = models.BigIntegerField()
    version = models.IntegerField(null=True)

    class Meta:
        db_table = "published_usage"
        verbose_name_plural = "published usage"
        indexes = [
            models.Index(fields=["at"], condition=models.Q(version=None), name="usage_not_counted"),
            models.Index(fields=["at"], name="usage_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id}: {self.lines} lines"


class UsageCount(models.Model):
    """The usage of one hour as counted so far: `digest` is order-free, `version` rises with what commits late."""

    hour = models.DateTimeField(primary_key=True)
    version = models.IntegerField(default=0)
    events = models.BigIntegerField(default=0)
    lines = models.BigIntegerField(default=0)
    # 64 bits without a sign, which PostgreSQL's integers do not hold.
    digest = models.DecimalField(max_digits=20, decimal_places=0, default=0)
    first_at = models.DateTimeField()

    class Meta:
        db_table = "usage_count"
        ordering = ["hour"]

    def __str__(self) -> str:
        return f"{self.hour}: {self.events}"
