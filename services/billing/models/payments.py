"""What goes through the payment provider: top-ups, payouts, its reports, and payments that belong to nobody we know."""

from __future__ import annotations

from django.db import models

from billing.models.ledger import Journal
from shared_models.clock import utc_now
from shared_models.fields import currency_field, id_field, money_field, one_of

PAYMENT_STATES = ["pending", "succeeded", "failed", "refunded"]
PAYOUT_STATES = ["requested", "in_transit", "paid", "failed"]
OPEN_PAYOUTS = ["requested", "in_transit"]


class Payment(models.Model):
    """A top-up: `pending` until the provider says that the money came. `refunded` is what went back of it so far."""

    id = id_field()
    owner_id = models.UUIDField(db_index=True)
    provider = models.CharField(max_length=20)
    # What the person asked for under one key; the provider's own names for the payment and for the money in it.
    request_key = models.CharField(max_length=64, unique=True, null=True)
    reference = models.CharField(max_length=100, unique=True)
    charge_reference = models.CharField(max_length=100, unique=True, null=True)
    pay_at = models.URLField(max_length=2000, blank=True)
    amount = money_field()
    refunded = money_field(default=0)
    currency = currency_field(default="USD")
    status = models.CharField(max_length=10, default="pending")
    created_at = models.DateTimeField(default=utc_now)
    settled_at = models.DateTimeField(null=True)
    journal = models.OneToOneField(Journal, on_delete=models.PROTECT, null=True, related_name="payment")

    class Meta:
        db_table = "payment"
        constraints = [
            one_of("payment_state_known", "status", PAYMENT_STATES),
            models.CheckConstraint(name="payment_positive", condition=models.Q(amount__gt=0)),
            models.CheckConstraint(
                name="refunded_at_most_paid",
                condition=models.Q(refunded__gte=0) & models.Q(refunded__lte=models.F("amount")),
            ),
            models.CheckConstraint(
                name="succeeded_means_posted",
                condition=models.Q(status__in=["succeeded", "refunded"], journal__isnull=False)
                | models.Q(status__in=["pending", "failed"], journal=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} {self.status}"

    @property
    def is_test_money(self) -> bool:
        """Whether no real money stands behind it."""
        return self.provider == "test"


class Payout(models.Model):
    """Market income on its way to its seller. The amount is in her in-transit account while the payout is open."""

    id = id_field()
    owner_id = models.UUIDField(db_index=True)
    provider = models.CharField(max_length=20)
    reference = models.CharField(max_length=100, unique=True, null=True)
    destination = models.CharField(max_length=100, blank=True)
    amount = money_field()
    currency = currency_field(default="USD")
    status = models.CharField(max_length=10, default="requested", db_index=True)
    reason = models.CharField(max_length=500, blank=True)
    requested_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    journal = models.OneToOneField(Journal, on_delete=models.PROTECT, related_name="payout")

    class Meta:
        db_table = "payout"
        constraints = [
            one_of("payout_state_known", "status", PAYOUT_STATES),
            models.CheckConstraint(name="payout_positive", condition=models.Q(amount__gt=0)),
        ]

    def __str__(self) -> str:
        return f"payout of {self.amount} {self.currency}, {self.status}"

    @property
    def is_open(self) -> bool:
        """Whether the provider has not said yet how it ended."""
        return self.status in OPEN_PAYOUTS

    @property
    def is_test_money(self) -> bool:
        """Whether no bank will ever see it."""
        return self.provider == "test"

    @property
    def called(self) -> str:
        """The state as people read it."""
        return str(self.status).replace("_", " ")


class UnmatchedPayment(models.Model):
    """Money that the provider says it took, for no payment of ours: in suspense until an operator finds its owner.

    Without a journal it is in a currency that the ledger has no account for.
    """

    id = id_field()
    provider = models.CharField(max_length=20)
    reference = models.CharField(max_length=100)
    charge_reference = models.CharField(max_length=100, unique=True, null=True)
    amount = money_field()
    refunded = money_field(default=0)
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=200)
    received_at = models.DateTimeField()
    journal = models.OneToOneField(Journal, on_delete=models.PROTECT, null=True, related_name="+")
    assigned_by = models.OneToOneField(Journal, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "unmatched_payment"
        constraints = [models.UniqueConstraint(fields=["provider", "reference"], name="set_aside_once")]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}: {self.reason}"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to look at it."""
        return self.assigned_by_id is None and self.refunded < self.amount


class ProviderReport(models.Model):
    """An event of the payment provider that was acted on; the same one, however often it comes, is acted on once."""

    id = models.BigAutoField(primary_key=True)
    provider = models.CharField(max_length=20)
    event_id = models.CharField(max_length=100)
    kind = models.CharField(max_length=20)
    reference = models.CharField(max_length=100)
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField(default=utc_now)

    class Meta:
        db_table = "provider_report"
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="reported_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"
