"""What a person can spend, read from her balances and coupons; commands decide on it only under her lock."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import F, Q

from billing.models.coupons import CouponLot
from billing.models.ledger import Balance
from billing.rules.accounts import AccountName, wallet
from billing.rules.funding import FreeLot, Funds
from shared_models.money import Currency


def funds_of(owner: UUID, *, at: datetime) -> Funds:
    """Her free money, with the coupon lots that are valid `at` that moment in the order they are spent."""
    eaml, usd = wallet(owner, Currency.EAML), wallet(owner, Currency.USD)
    balances = {row.pk: row for row in Balance.objects.filter(pk__in=[eaml.id, usd.id])}
    valid = Q(expires_at=None) | Q(expires_at__gt=at)
    lots = CouponLot.objects.filter(valid, owner_id=owner, remaining__gt=F("held"))
    # A lot without an end is spent after those that would lapse.
    ordered = lots.order_by("priority", F("expires_at").asc(nulls_last=True), "id")
    return Funds(
        lots=[FreeLot(lot.pk, lot.remaining - lot.held) for lot in ordered],
        eaml=_free(balances, eaml),
        usd=_free(balances, usd),
    )


def _free(balances: dict[UUID, Balance], account: AccountName) -> Decimal:
    row = balances.get(account.id)
    return row.posted - row.held if row else Decimal(0)
