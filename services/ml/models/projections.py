"""What billing told (each as of its newest version), and who solved how many lines."""

from __future__ import annotations

from django.db import models

from shared_models.fields import money_field


class PriceList(models.Model):
    """Billing's published prices."""

    list_name = models.CharField(max_length=40, primary_key=True)
    version = models.IntegerField()
    training_cell_eaml = money_field()
    solving_line_eaml = money_field()
    level_factors = models.JSONField(default=dict)
    usd_per_eaml = money_field()
    marketplace_fee_basis_points = models.IntegerField()
    effective_at = models.DateTimeField()

    class Meta:
        db_table = "price_list"

    def __str__(self) -> str:
        return f"{self.list_name} {self.version}"


class Funds(models.Model):
    """What a person can spend."""

    owner_id = models.UUIDField(primary_key=True)
    version = models.BigIntegerField()
    usd_available = money_field(default=0)
    eaml_available = money_field(default=0)
    coupon_available = money_field(default=0)
    credit_available = money_field(default=0)

    class Meta:
        db_table = "funds"

    def __str__(self) -> str:
        return str(self.owner_id)


class SolvedLines(models.Model):
    """Lines a person solved with a machine on a day, by channel: shown beside the machine, never charged by."""

    id = models.BigAutoField(primary_key=True)
    machine_id = models.UUIDField()
    caller_id = models.UUIDField()
    channel = models.CharField(max_length=10)
    day = models.DateField()
    lines = models.BigIntegerField(default=0)
    requests = models.BigIntegerField(default=0)

    class Meta:
        db_table = "solved_lines"
        constraints = [
            models.UniqueConstraint(fields=["machine_id", "caller_id", "channel", "day"], name="solved_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.machine_id} {self.day}: {self.lines}"
