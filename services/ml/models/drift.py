"""What solved rows looked like, by hour: how many fell into each bin of each input."""

from __future__ import annotations

from django.db import models

from ml.models.machines import Machine


class DriftCount(models.Model):
    """An hour's rows of a machine's model; `counts` is an object from column to the counts of its bins.

    Kept apart by model, since each has bins of its own.
    """

    id = models.BigAutoField(primary_key=True)
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="drift_counts")
    model_id = models.UUIDField()
    hour = models.DateTimeField()
    lines = models.BigIntegerField(default=0)
    counts = models.JSONField(default=dict)

    class Meta:
        db_table = "drift_count"
        constraints = [
            models.UniqueConstraint(fields=["machine", "model_id", "hour"], name="drift_counted_once_an_hour")
        ]

    def __str__(self) -> str:
        return f"{self.machine_id} {self.hour}: {self.lines}"
