"""Prices, the quotes given by them, and the funds reserved for work."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.utils.functional import cached_property

from billing.models.coupons import CouponLot
from billing.models.ledger import Account, Journal
from billing.rules.kinds import OPERATION_KINDS, PURCHASES
from billing.rules.pricing import Prices
from shared_models.clock import utc_now
from shared_models.fields import currency_field, id_field, money_field, one_of
from shared_models.money import plain

OUTCOMES = ["captured", "released", "expired"]


class PriceList(models.Model):
    """One version of the prices; never changed, since quotes refer to it."""

    version = models.IntegerField(primary_key=True)
    training_cell_eaml = money_field()
    solving_line_eaml = money_field()
    level_factors = models.JSONField()
    usd_per_eaml = money_field()
    marketplace_fee_basis_points = models.IntegerField()
    effective_at = models.DateTimeField(default=utc_now)
    published_by = models.UUIDField(null=True)

    class Meta:
        db_table = "price_list"
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"price list {self.version}"

    @cached_property
    def prices(self) -> Prices:
        """The list as the rules read it."""
        return Prices(
            version=self.version,
            training_cell_eaml=self.training_cell_eaml,
            solving_line_eaml=self.solving_line_eaml,
            level_factors={level: Decimal(factor) for level, factor in self.level_factors.items()},
            usd_per_eaml=self.usd_per_eaml,
            marketplace_fee_basis_points=self.marketplace_fee_basis_points,
        )

    @property
    def fee_percent(self) -> str:
        """The marketplace's fee as people read it."""
        return plain(Decimal(self.marketplace_fee_basis_points) / 100)

    @property
    def plain_prices(self) -> dict[str, str]:
        """The amounts as a person would type them."""
        names = ("training_cell_eaml", "solving_line_eaml", "usd_per_eaml")
        return {name: plain(getattr(self, name)) for name in names}

    @property
    def next_version(self) -> int:
        """The version after this one."""
        return self.version + 1


class Quote(models.Model):
    """What a piece of work costs at most, by the price list of its moment; a later list does not touch it."""

    id = id_field()
    payer_id = models.UUIDField(db_index=True)
    work_id = models.UUIDField(unique=True)
    kind = models.CharField(max_length=30)
    machine_id = models.UUIDField()
    machine_name = models.CharField(max_length=500)
    machine_owner_id = models.UUIDField()
    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="+")
    count_of_lines = models.BigIntegerField()
    columns = models.BigIntegerField()
    level = models.IntegerField()
    price_eaml = money_field()
    # What of it goes to a seller, for a purchase; zero for work on one's own machines.
    price_usd = money_field(db_default=0, default=0)
    given_at = models.DateTimeField()

    class Meta:
        db_table = "quote"
        constraints = [one_of("quote_kind_known", "kind", OPERATION_KINDS)]

    def __str__(self) -> str:
        return f"{self.kind} for {self.price_eaml} EAML"

    @property
    def is_of_purchase(self) -> bool:
        """Whether a seller named the price, in dollars for the whole."""
        return self.kind in PURCHASES


class Hold(models.Model):
    """Funds reserved for a piece of work until `expires_at`; it is open until its one resolution."""

    id = id_field()
    work_id = models.UUIDField(unique=True)
    payer_id = models.UUIDField(db_index=True)
    quote = models.OneToOneField(Quote, on_delete=models.PROTECT, related_name="hold")
    cause = models.UUIDField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "hold"

    def __str__(self) -> str:
        return f"hold for work {self.work_id}"

    @property
    def state(self) -> str:
        """`open`, or how it ended."""
        resolution = getattr(self, "resolution", None)
        return resolution.outcome if resolution else "open"


class HoldPart(models.Model):
    """What of one account (and, for coupons, of which lot) a hold reserves."""

    id = models.BigAutoField(primary_key=True)
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="parts")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, db_constraint=False, related_name="+")
    lot = models.ForeignKey(CouponLot, on_delete=models.PROTECT, null=True, related_name="hold_parts")
    currency = currency_field()
    amount = money_field()

    class Meta:
        db_table = "hold_part"
        ordering = ["id"]
        constraints = [models.CheckConstraint(name="hold_part_positive", condition=models.Q(amount__gt=0))]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class HoldResolution(models.Model):
    """How a hold ended. The primary key is the hold, so that it ends once."""

    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, primary_key=True, related_name="resolution")
    outcome = models.CharField(max_length=10)
    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, null=True, related_name="+")
    resolved_at = models.DateTimeField()

    class Meta:
        db_table = "hold_resolution"
        constraints = [
            one_of("outcome_known", "outcome", OUTCOMES),
            models.CheckConstraint(
                name="captured_means_charged",
                condition=models.Q(outcome="captured", journal__isnull=False)
                | (~models.Q(outcome="captured") & models.Q(journal=None)),
            ),
        ]

    def __str__(self) -> str:
        return self.outcome


class DeclinedWork(models.Model):
    """Work that got no hold, and why. A second request for the same work is answered the same way."""

    work_id = models.UUIDField(primary_key=True)
    payer_id = models.UUIDField(db_index=True)
    reason = models.CharField(max_length=30)
    missing = money_field(default=0)
    currency = currency_field(default="USD")
    machine_name = models.CharField(max_length=500, blank=True)
    declined_at = models.DateTimeField()

    class Meta:
        db_table = "declined_work"

    def __str__(self) -> str:
        return f"{self.work_id}: {self.reason}"

    @property
    def why(self) -> str:
        """The reason as people read it."""
        return self.reason.replace("_", " ")
