"""What became of coupons: spent, still to be spent, and expired, which is the platform's breakage."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Sum

from billing.models import Coupon, CouponLot, Entry, LotUse
from billing.rules.accounts import Purpose, of_platform
from billing.rules.kinds import COUPON_EXPIRED
from shared_models.money import Currency

ZERO = Decimal(0)


class CouponSum(NamedTuple):
    """A coupon, and what of the credit it gave was spent, is left, and expired."""

    coupon: Coupon
    spent: Decimal
    left: Decimal
    expired: Decimal


def coupon_sums(coupons: Sequence[Coupon]) -> list[CouponSum]:
    """What became of each coupon's credit; the three parts sum to what it gave."""
    lots = CouponLot.objects.filter(coupon__in=coupons).values("coupon_id").annotate(sum=Sum("remaining"))
    uses = LotUse.objects.filter(lot__coupon__in=coupons, journal__kind=COUPON_EXPIRED)
    ended = uses.values("lot__coupon_id").annotate(sum=Sum("amount"))
    left = {row["coupon_id"]: row["sum"] for row in lots}
    expired = {row["lot__coupon_id"]: row["sum"] for row in ended}
    return [_sum(coupon, left.get(coupon.pk, ZERO), expired.get(coupon.pk, ZERO)) for coupon in coupons]


def breakage() -> Decimal:
    """All the credit that expired unspent, by the platform's account for it."""
    account = of_platform(Purpose.BREAKAGE, Currency.COUPON)
    return Entry.objects.filter(account_id=account.id).aggregate(sum=Sum("amount"))["sum"] or ZERO


def _sum(coupon: Coupon, left: Decimal, expired: Decimal) -> CouponSum:
    return CouponSum(coupon, spent=coupon.granted - left - expired, left=left, expired=expired)
