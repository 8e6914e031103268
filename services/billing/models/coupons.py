"""Coupons: the codes, the credit that people made of them, and what became of it."""

from __future__ import annotations

from django.db import models

from billing.models.ledger import Account, Journal
from billing.rules.coupons import Terms
from shared_models.clock import utc_now
from shared_models.fields import id_field, money_field


class Coupon(models.Model):
    """A code worth `amount` to each person who activates it, until the budget or its time is up."""

    code = models.CharField(max_length=40, primary_key=True)
    amount = money_field()
    budget = money_field()
    granted = money_field(default=0)
    priority = models.SmallIntegerField(default=100)
    valid_from = models.DateTimeField(default=utc_now)
    valid_until = models.DateTimeField(null=True)
    credit_days = models.IntegerField(null=True)
    created_by = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=utc_now)

    class Meta:
        db_table = "coupon"
        constraints = [
            models.CheckConstraint(name="coupon_worth_something", condition=models.Q(amount__gt=0)),
            models.CheckConstraint(name="within_budget", condition=models.Q(granted__lte=models.F("budget"))),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def terms(self) -> Terms:
        """The coupon as the rules read it."""
        return Terms(self.amount, self.budget, self.granted, self.valid_from, self.valid_until, self.credit_days)


class CouponLot(models.Model):
    """One person's credit of one coupon. Lots are spent by priority, expiry, id; `held` is reserved by open holds."""

    id = id_field()
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="lots")
    owner_id = models.UUIDField(db_index=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, db_constraint=False, related_name="lots")
    granted = money_field()
    remaining = money_field()
    held = money_field(default=0)
    priority = models.SmallIntegerField()
    activated_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "coupon_lot"
        constraints = [
            models.UniqueConstraint(fields=["coupon", "owner_id"], name="one_activation_a_person"),
            models.CheckConstraint(
                name="lot_not_overspent",
                condition=models.Q(held__gte=0)
                & models.Q(remaining__gte=models.F("held"))
                & models.Q(granted__gte=models.F("remaining")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.remaining} of {self.coupon_id}"


class LotUse(models.Model):
    """What a journal took out of a lot, or, below zero, what a reversal gave back to it; only grows."""

    id = models.BigAutoField(primary_key=True)
    lot = models.ForeignKey(CouponLot, on_delete=models.PROTECT, related_name="uses")
    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, related_name="lot_uses")
    amount = money_field()

    class Meta:
        db_table = "lot_use"
        constraints = [models.CheckConstraint(name="lot_use_of_something", condition=~models.Q(amount=0))]

    def __str__(self) -> str:
        return str(self.amount)
