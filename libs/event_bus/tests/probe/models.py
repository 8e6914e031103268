"""The effects that handled events had."""

from django.db import models


class Effect(models.Model):
    """One row an event that was handled: a second row would be a doubled effect."""

    event_id = models.UUIDField()
    key = models.CharField(max_length=100)
    number = models.IntegerField()

    class Meta:
        app_label = "probe"

    def __str__(self) -> str:
        return f"{self.key} {self.number}"
