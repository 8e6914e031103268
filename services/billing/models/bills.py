"""Bills: what a person used in a month, numbered without a gap, never changed, and paid at most once."""

from __future__ import annotations

from django.db import models

from billing.models.ledger import Journal
from billing.rules.bills import number_of
from billing.rules.kinds import label_of
from shared_models.clock import utc_now
from shared_models.fields import id_field, money_field


class BillSeries(models.Model):
    """The last number of a year; counted on in the transaction that issues, so that none is lost or given twice."""

    year = models.IntegerField(primary_key=True)
    last = models.IntegerField()

    class Meta:
        db_table = "bill_series"
        verbose_name_plural = "bill series"

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


class Bill(models.Model):
    """What a person owes for a period, as it was when it was issued. The database writes it and nobody changes it.

    Due is what was brought forward from the bill before, plus what the lines left owed, plus the tax that the wallet
    did not cover, minus what was paid of the debt within the period.
    """

    id = id_field()
    owner_id = models.UUIDField(db_index=True)
    year = models.IntegerField()
    number = models.IntegerField()
    issuer = models.CharField(max_length=500)
    billed_to = models.CharField(max_length=500)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    issued_at = models.DateTimeField()
    pay_by = models.DateTimeField()
    brought_forward_usd = money_field()
    owed_usd = money_field()
    paid_usd = money_field()
    tax_basis_points = models.IntegerField()
    taxable_usd = money_field()
    tax_usd = money_field()
    tax_owed_usd = money_field()
    due_usd = money_field()
    # What charged the tax; nothing where there was none.
    journal = models.OneToOneField(Journal, on_delete=models.PROTECT, null=True, related_name="bill")

    class Meta:
        db_table = "bill"
        constraints = [
            models.UniqueConstraint(fields=["year", "number"], name="bill_number_once"),
            models.UniqueConstraint(fields=["owner_id", "period_end"], name="one_bill_a_period"),
            models.CheckConstraint(
                name="bill_period_forward", condition=models.Q(period_start__lt=models.F("period_end"))
            ),
            models.CheckConstraint(
                name="bill_tax_of_something",
                condition=models.Q(tax_usd__gte=0, tax_owed_usd__gte=0, tax_owed_usd__lte=models.F("tax_usd")),
            ),
            models.CheckConstraint(
                name="bill_adds_up",
                condition=models.Q(
                    due_usd=models.F("brought_forward_usd")
                    + models.F("owed_usd")
                    - models.F("paid_usd")
                    + models.F("tax_owed_usd")
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"bill {self.called}"

    @property
    def called(self) -> str:
        """The number as it is written."""
        return number_of(self.year, self.number)


class BillLine(models.Model):
    """What one kind of movement came to in the period of a bill."""

    id = models.BigAutoField(primary_key=True)
    bill = models.ForeignKey(Bill, on_delete=models.PROTECT, related_name="lines")
    kind = models.CharField(max_length=30)
    count = models.BigIntegerField()
    count_of_lines = models.BigIntegerField()
    coupon = money_field()
    eaml = money_field()
    usd = money_field()
    owed_usd = money_field()
    taxable_usd = money_field()
    tax_usd = money_field()

    class Meta:
        db_table = "bill_line"
        constraints = [models.UniqueConstraint(fields=["bill", "kind"], name="one_line_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind} × {self.count}"

    @property
    def label(self) -> str:
        """The kind as people read it."""
        return label_of(self.kind)


class BillPayment(models.Model):
    """The payment that closed a bill: its primary key is the bill, so there is one at most."""

    bill = models.OneToOneField(Bill, on_delete=models.PROTECT, primary_key=True, related_name="payment")
    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, related_name="+")
    amount_usd = money_field()
    paid_at = models.DateTimeField()

    class Meta:
        db_table = "bill_payment"
        constraints = [models.CheckConstraint(name="bill_payment_positive", condition=models.Q(amount_usd__gt=0))]

    def __str__(self) -> str:
        return f"{self.amount_usd} USD for {self.bill_id}"


class BillRun(models.Model):
    """The order to issue everybody's bills up to a moment; unfinished until the worker has issued the last of them."""

    until = models.DateTimeField(primary_key=True)
    asked_by = models.UUIDField(null=True)
    asked_at = models.DateTimeField(default=utc_now)
    finished_at = models.DateTimeField(null=True)
    issued = models.IntegerField(default=0)

    class Meta:
        db_table = "bill_run"

    def __str__(self) -> str:
        return f"bills until {self.until}"
