"""Counters are the truth; effects are what became of it on the other side of the bus."""

from django.db import models


class Counter(models.Model):
    """An aggregate: `number` events of it were committed, numbered from 1 without a gap."""

    name = models.CharField(max_length=40, primary_key=True)
    number = models.BigIntegerField(default=0)

    class Meta:
        app_label = "chaos"
        db_table = "counter"

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class Effect(models.Model):
    """One row an event that was handled. Nothing is unique here on purpose: a doubled effect shall show."""

    event_id = models.UUIDField(db_index=True)
    key = models.CharField(max_length=40)
    number = models.BigIntegerField()
    at = models.DateTimeField()
    member = models.CharField(max_length=40)
    # The newest number of this key that was there before; the database fills it in (see harness.database).
    newest = models.BigIntegerField(default=0)

    class Meta:
        app_label = "chaos"
        db_table = "effect"

    def __str__(self) -> str:
        return f"{self.key} {self.number}"
