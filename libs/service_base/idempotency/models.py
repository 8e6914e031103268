"""The table of stored answers."""

from django.db import models

from shared_models.clock import utc_now


class StoredAnswer(models.Model):
    """What was answered to a person's request under a key; written by the transaction that did the work."""

    id = models.BigAutoField(primary_key=True)
    owner_id = models.UUIDField()
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    status = models.IntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(default=utc_now)

    class Meta:
        db_table = "stored_answer"
        constraints = [models.UniqueConstraint(fields=["owner_id", "key"], name="answered_once")]

    def __str__(self) -> str:
        return f"{self.owner_id} {self.key}: {self.status}"
