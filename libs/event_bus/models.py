"""The three tables that carry delivery: what is to be sent, what was handled, what could not be."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from shared_models.clock import utc_now


class OutboxEvent(models.Model):
    """An event that its transaction has committed to and the relay has yet to send; deleted once acknowledged."""

    seq = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(unique=True)
    topic = models.CharField(max_length=100)
    key = models.CharField(max_length=200)
    type = models.CharField(max_length=200)
    headers = models.JSONField(default=dict)
    payload = models.TextField()
    occurred_at = models.DateTimeField(default=utc_now)

    class Meta:
        db_table = "outbox"
        ordering = ["seq"]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class PublishedCount(models.Model):
    """How many events of a type this service has handed to the broker since its database was made."""

    type = models.CharField(max_length=200, primary_key=True)
    count = models.BigIntegerField(default=0)

    class Meta:
        db_table = "published_count"

    def __str__(self) -> str:
        return f"{self.type}: {self.count}"


class InboxEntry(models.Model):
    """Proof that a consumer's effects of an event are committed: the same transaction wrote both."""

    pk = models.CompositePrimaryKey("consumer", "event_id")
    consumer = models.CharField(max_length=60)
    event_id = models.UUIDField()
    type = models.CharField(max_length=200)
    received_at = models.DateTimeField(default=utc_now)

    class Meta:
        db_table = "inbox"
        # Rows come in the order of this column, so a few bytes a hundred rows find the old ones.
        indexes = [BrinIndex(fields=["received_at"], name="inbox_received_brin")]

    def __str__(self) -> str:
        return f"{self.consumer} {self.event_id}"


class OffsetFence(models.Model):
    """How far a consumer's effects reach in one partition of one cluster; written by the transaction of the effects."""

    pk = models.CompositePrimaryKey("consumer", "cluster", "topic", "partition")
    consumer = models.CharField(max_length=60)
    cluster = models.CharField(max_length=100)
    topic = models.CharField(max_length=100)
    partition = models.IntegerField()
    next_offset = models.BigIntegerField()
    event_id = models.UUIDField(null=True)

    class Meta:
        db_table = "offset_fence"

    def __str__(self) -> str:
        return f"{self.consumer} {self.topic}/{self.partition}: {self.next_offset}"


class ParkedEvent(models.Model):
    """An event set aside with the reason; later events of its key wait behind it until it is replayed."""

    id = models.BigAutoField(primary_key=True)
    consumer = models.CharField(max_length=60)
    event_id = models.UUIDField(null=True)
    topic = models.CharField(max_length=100)
    partition = models.IntegerField()
    offset = models.BigIntegerField()
    key = models.CharField(max_length=200)
    type = models.CharField(max_length=200)
    headers = models.JSONField(default=dict)
    payload = models.BinaryField()
    error = models.TextField()
    attempts = models.IntegerField(default=1)
    parked_at = models.DateTimeField(default=utc_now)

    class Meta:
        db_table = "parked_event"
        ordering = ["id"]
        constraints = [
            # The same record delivered again must not be parked twice.
            models.UniqueConstraint(fields=["consumer", "topic", "partition", "offset"], name="parked_once"),
        ]
        indexes = [models.Index(fields=["consumer", "key"], name="parked_by_key")]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}: {self.error[:80]}"
