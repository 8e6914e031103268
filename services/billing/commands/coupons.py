"""Coupons: made by operators, activated once a person, spent first, and gone when their time is up."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from billing import publishes
from billing.commands.book import Book, Cause
from billing.models import Coupon, CouponLot
from billing.rules.accounts import Move, Purpose, coupon_account, of_platform
from billing.rules.coupons import credit_expires_at, folded_code, must_be_activable
from billing.rules.errors import CouponRefused, CouponUnknown, KeyConflict
from billing.rules.funding import Part
from billing.rules.kinds import COUPON_ACTIVATED, COUPON_EXPIRED
from billing.rules.pricing import money_in
from billing.rules.usage import digest_of
from service_base.errors import BadInput
from shared_models.clock import rfc3339, utc_now
from shared_models.money import Currency

SOURCE = "coupon"
LONGEST_CREDIT_DAYS = 3650


@transaction.atomic
def create_coupon(
    *,
    code: str,
    amount: object,
    budget: object,
    by: UUID | None = None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    credit_days: int | None = None,
    priority: int = 100,
) -> Coupon:
    """Make a coupon: `amount` of credit to each person until `budget` is given out or `valid_until` is reached.

    Made again with the same terms it is the one that exists. Raises BadInput, AmountUnfit, KeyConflict.
    """
    terms: dict[str, Any] = {
        "amount": money_in(amount, field="amount"),
        "budget": money_in(budget, field="budget"),
        "valid_until": valid_until,
        "credit_days": credit_days,
        "priority": priority,
    }
    if credit_days is not None and not 1 <= credit_days <= LONGEST_CREDIT_DAYS:
        raise BadInput(f"Give 1 to {LONGEST_CREDIT_DAYS} days.", field="credit_days")
    if terms["budget"] < terms["amount"]:
        raise BadInput("The budget must be enough for at least one activation.", field="budget")
    coupon, new = Coupon.objects.get_or_create(
        code=folded_code(code), defaults=terms | {"created_by": by, "valid_from": valid_from or utc_now()}
    )
    if not new and any(getattr(coupon, name) != value for name, value in terms.items()):
        raise KeyConflict("There is a coupon with this code and other terms; choose another code.", field="code")
    return coupon


@transaction.atomic
def activate_coupon(*, owner: UUID, code: str, now: datetime | None = None) -> CouponLot:
    """Turn a coupon into credit: promotion expense pays it into the person's coupon account, as a lot of its own.

    Raises CouponUnknown, and CouponRefused when she activated it before, it is not valid now, or its budget is used up.
    """
    at = now or utc_now()
    book = Book(owner)
    # Locked after the party, everywhere: the budget is shared by all who activate.
    coupon = Coupon.objects.select_for_update().filter(pk=folded_code(code)).first()
    if coupon is None:
        raise CouponUnknown("There is no coupon with this code; check how it is written.", field="code")
    if CouponLot.objects.filter(coupon=coupon, owner_id=owner).exists():
        raise CouponRefused("You activated this coupon before; it works once a person.", field="code")
    must_be_activable(coupon.terms, now=at)
    lot = _grant(book, coupon, owner, at=at)
    book.say(publishes.coupon_activated(lot), lot.pk)
    book.close()
    return lot


def expire_coupons(*, now: datetime | None = None) -> int:
    """Take the free credit of lots whose time is up, each in a transaction of its own; how many there were.

    What an open hold reserves of a lot outlives its end: it was promised while it was valid. If it comes back
    unused, the next call takes it.
    """
    moment = now or utc_now()
    due = CouponLot.objects.filter(expires_at__lte=moment, remaining__gt=F("held")).order_by("expires_at")
    return sum(_expire(lot.pk, lot.owner_id, at=moment) for lot in list(due[:1000]))


def _grant(book: Book, coupon: Coupon, owner: UUID, *, at: datetime) -> CouponLot:
    lot = CouponLot(
        coupon=coupon,
        owner_id=owner,
        account_id=coupon_account(owner).id,
        granted=coupon.amount,
        remaining=coupon.amount,
        priority=coupon.priority,
        activated_at=at,
        expires_at=credit_expires_at(coupon.terms, activated_at=at),
    )
    Coupon.objects.filter(pk=coupon.pk).update(granted=F("granted") + coupon.amount)
    book.grant(lot)
    book.post(
        Cause(SOURCE, f"activate:{coupon.pk}:{owner}", digest_of(amount=coupon.amount), at),
        kind=COUPON_ACTIVATED,
        moves=[Move(of_platform(Purpose.PROMO_EXPENSE, Currency.COUPON), coupon_account(owner), coupon.amount)],
        details={"code": coupon.pk, "expires_at": rfc3339(lot.expires_at) if lot.expires_at else None},
    )
    return lot


@transaction.atomic
def _expire(lot_id: UUID, owner: UUID, *, at: datetime) -> bool:
    book = Book(owner)
    lot = CouponLot.objects.get(pk=lot_id)
    free: Decimal = lot.remaining - lot.held
    if free <= 0:
        return False  # it was spent or reserved between our look and our lock
    # A lot can lapse in pieces, when a hold or a reversal gives some back after its end: its uses tell them apart.
    book.post(
        Cause(SOURCE, f"expire:{lot.pk}:{lot.uses.count()}:{lot.remaining}", digest_of(amount=free), at),
        kind=COUPON_EXPIRED,
        moves=[Move(coupon_account(owner), of_platform(Purpose.BREAKAGE, Currency.COUPON), free)],
        lot_parts=[Part(Currency.COUPON, free, lot.pk)],
        details={"code": lot.coupon_id},
    )
    book.close()
    return True
