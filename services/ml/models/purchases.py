"""Purchases: lines, copies and news for copies, from the request to the delivery."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models

from ml.models.machines import Machine
from ml.rules.purchases import ENDED, MOST_ATTEMPTS, OPEN, PurchaseKind, PurchaseState
from shared_models.fields import Timestamped, id_field, money_field, one_of

KINDS = [kind.value for kind in PurchaseKind]
STATES = [state.value for state in PurchaseState]
_Q = models.Q


class Purchase(Timestamped):
    """What a person buys of a machine's owner: `machine` is what is sold, `copy` the machine she gets or refreshes.

    Its id is the `work_id` that billing holds the price for. `lease_token` grows with each attempt to deliver: a
    slower worker stores nothing. Bought lines are a file of the buyer's own, whatever becomes of the machine.
    """

    id = id_field()
    kind = models.CharField(max_length=20, choices=[(k, k) for k in KINDS])
    state = models.CharField(
        max_length=20, choices=[(s, s) for s in STATES], default=PurchaseState.AWAITING_FUNDS.value
    )
    machine = models.ForeignKey(Machine, on_delete=models.PROTECT, related_name="sales")
    machine_name = models.CharField(max_length=500)
    copy = models.ForeignKey(Machine, on_delete=models.SET_NULL, null=True, blank=True, related_name="bought_by")
    seller = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sales")
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="purchases")
    price_usd = money_field()
    columns = models.IntegerField()
    lines = models.BigIntegerField()

    hold_id = models.UUIDField(null=True, blank=True)
    held = models.JSONField(default=list, blank=True)
    charged = models.JSONField(default=list, blank=True)

    attempts = models.IntegerField(default=0)
    lease_token = models.BigIntegerField(default=0)
    # While it runs, until when its worker has it; while it is queued, before when nobody looks at it again.
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    progress_percent = models.FloatField(default=0)
    progress_stage = models.CharField(max_length=40, blank=True)
    reason = models.TextField(blank=True)
    result_path = models.CharField(max_length=300, blank=True)
    result_sha256 = models.CharField(max_length=64, blank=True)
    result_size = models.BigIntegerField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "purchase"
        indexes = [
            models.Index(fields=["buyer", "-created_at"], name="purchase_by_buyer"),
            models.Index(fields=["machine", "-created_at"], name="purchase_by_machine"),
            models.Index(
                fields=["created_at"],
                name="purchase_to_deliver",
                condition=_Q(state__in=[PurchaseState.QUEUED.value, PurchaseState.RUNNING.value]),
            ),
        ]
        constraints = [
            one_of("purchase_kind_known", "kind", KINDS),
            one_of("purchase_state_known", "state", STATES),
            models.CheckConstraint(name="purchase_price_not_negative", condition=_Q(price_usd__gte=0)),
            models.CheckConstraint(name="nobody_buys_from_herself", condition=~_Q(buyer=models.F("seller"))),
            models.CheckConstraint(name="deliveries_bounded", condition=_Q(attempts__range=(0, MOST_ATTEMPTS))),
            models.CheckConstraint(
                name="ended_purchase_says_when",
                condition=_Q(state__in=sorted(ENDED), finished_at__isnull=False)
                | _Q(state__in=sorted(OPEN), finished_at=None),
            ),
            models.UniqueConstraint(
                fields=["buyer", "machine", "kind"],
                name="one_purchase_at_a_time",
                condition=_Q(state__in=sorted(OPEN)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.machine_name}: {self.state}"

    @property
    def label(self) -> str:
        """What is bought, as people read it."""
        return PurchaseKind(self.kind).label

    @property
    def is_open(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in OPEN

    @property
    def is_of_lines(self) -> bool:
        """Whether it ends with a file to download."""
        return self.kind == PurchaseKind.BUY_DATA_SOURCE

    @property
    def paid_parts(self) -> list[tuple[Decimal, str]]:
        """What was charged, or until then what is held: amounts with their currencies."""
        return [(Decimal(part["amount"]), part["currency"]) for part in self.charged or self.held]
