"""The first design's names for money, as read-only models over views of the ledger."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from billing.models.ledger import Journal
from billing.models.operations import Operation
from shared_models.fields import money_field


class _Leg(models.Model):
    """One movement of one of a person's balances; the amount is positive whichever way it went."""

    uuid = models.UUIDField(primary_key=True)
    # Grows with every booking of an account, so that its list has an order that no two rows share.
    entry_id = models.BigIntegerField()
    account_id = models.UUIDField()
    user_id = models.UUIDField()
    date_time = models.DateTimeField()
    amount = money_field()
    journal = models.ForeignKey(Journal, on_delete=models.DO_NOTHING, related_name="+")
    operation = models.ForeignKey(Operation, on_delete=models.DO_NOTHING, null=True, related_name="+")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.amount} at {self.date_time}"


class Credit(_Leg):
    """Dollars that came into a wallet."""

    class Meta:
        managed = False
        db_table = "credit"


class Debit(_Leg):
    """Dollars that went out of a wallet."""

    class Meta:
        managed = False
        db_table = "debit"


class CreditIXIOO(_Leg):
    """Tokens that came into a wallet."""

    class Meta:
        managed = False
        db_table = "credit_ixioo"
        verbose_name = "credit IXIOO"


class DebitIXIOO(_Leg):
    """Tokens that went out of a wallet."""

    class Meta:
        managed = False
        db_table = "debit_ixioo"
        verbose_name = "debit IXIOO"


COSTS = ("TrainingCostMachineUSD", "SolvingCostMachineUSD", "SolvingCostMachineAPI_Total_USD")
INCOMES = (
    "SolvingAPIIncomeUSD",
    "MachineBuyDataSourceIncomeUSD",
    "MachineCopyCostIncomeUSD",
    "MachineCopyUpdateIncomeUSD",
)


class Billing(models.Model):
    """The flat row from before there were operations: what one party of an operation paid or earned by it."""

    uuid = models.UUIDField(primary_key=True)
    operation = models.ForeignKey(Operation, on_delete=models.DO_NOTHING, related_name="+")
    user_id = models.UUIDField()
    machine_id = models.UUIDField(null=True)
    date_time = models.DateTimeField()
    CountOfLinesTraining = models.BigIntegerField(null=True)
    CountOfTrainingEpoch = models.BigIntegerField(null=True)
    TrainingCostMachineUSD = money_field(null=True)
    CountOfLinesSolvedOwner = models.BigIntegerField(null=True)
    SolvingCostMachineUSD = money_field(null=True)
    CountOfLinesSolvedAPI = models.BigIntegerField(null=True)
    SolvingCostMachineAPI_Total_USD = money_field(null=True)
    SolvingAPIIncomeUSD = money_field(null=True)
    MachineBuyDataSourceIncomeUSD = money_field(null=True)
    MachineCopyCostIncomeUSD = money_field(null=True)
    MachineCopyUpdateIncomeUSD = money_field(null=True)
    CreditFromIxioo = money_field(null=True)
    CreditFromUser = money_field(null=True)

    class Meta:
        managed = False
        db_table = "billing"
        verbose_name = "billing row"

    def __str__(self) -> str:
        return str(self.uuid)

    @property
    def operation_cost(self) -> Decimal:
        """What the operation cost this person, less what she earned by it."""
        return self._sum(COSTS) - self._sum(INCOMES)

    def _sum(self, names: tuple[str, ...]) -> Decimal:
        return sum((getattr(self, name) or Decimal(0) for name in names), Decimal(0))
