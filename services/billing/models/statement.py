"""What statements read beside the ledger: long accounts summed up and findable, and the view that adds the rest."""

from __future__ import annotations

from django.db import models

from shared_models.fields import money_field


class StatementMark(models.Model):
    """Up to which posting an account is summed up. What is newer is read from the ledger itself, so nothing is late."""

    account_id = models.UUIDField(primary_key=True)
    until_posting = models.BigIntegerField()

    class Meta:
        db_table = "statement_mark"

    def __str__(self) -> str:
        return f"{self.account_id} until {self.until_posting}"


class StatementProgress(models.Model):
    """How far along the chain of seals somebody looked for accounts that have become long: one row."""

    position = models.BigIntegerField(default=0)

    class Meta:
        db_table = "statement_progress"

    def __str__(self) -> str:
        return str(self.position)


class StatementLine(models.Model):
    """By what an entry of a long account is found: the kind of its journal, and the machine it was for."""

    id = models.BigIntegerField(primary_key=True)
    account_id = models.UUIDField()
    kind = models.CharField(max_length=30)
    machine_id = models.UUIDField(null=True)

    class Meta:
        db_table = "statement_line"
        indexes = [
            models.Index(fields=["account_id", "kind", "id"], name="line_by_kind"),
            models.Index(fields=["account_id", "machine_id", "id"], name="line_by_machine"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class _Moved(models.Model):
    """What an account moved in a day for one kind, machine and other party; a party or machine of zeros is none."""

    account_id = models.UUIDField()
    day = models.DateField()
    kind = models.CharField(max_length=30)
    machine_id = models.UUIDField()
    other_id = models.UUIDField()
    machine_name = models.CharField(max_length=500, blank=True)
    came_in = money_field()
    went_out = money_field()
    count = models.BigIntegerField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.kind} on {self.day}"


class StatementSum(_Moved):
    """What is summed up of a long account."""

    class Meta:
        db_table = "statement_sum"
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "day", "kind", "machine_id", "other_id"], name="summed_up_once"
            )
        ]


class Turnover(_Moved):
    """A view: the sums, and every entry since as a sum of its own, so that it is right at every moment."""

    account_id = models.UUIDField(primary_key=True)

    class Meta:
        managed = False
        db_table = "turnover"
