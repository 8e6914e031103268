"""What a person has, pays in, owes and activates, as HTTP shapes."""

from __future__ import annotations

from typing import Any

from ninja import Field, Schema

from billing.models import CouponLot, Payment
from billing.queries import Wallet
from billing.schemas.fields import AMOUNT, id_or_none, time_or_none
from service_base.moments import Moment
from shared_models.clock import rfc3339
from shared_models.money import plain


class TopUpIn(Schema):
    """A top-up to start."""

    amount_usd: str = AMOUNT


class ExchangeIn(Schema):
    """Dollars to turn into tokens."""

    amount_usd: str = AMOUNT


class PayIn(Schema):
    """How much of what is owed to pay; all of it when left out."""

    amount_usd: str | None = Field(default=None, max_length=60)


class CouponCodeIn(Schema):
    """A coupon to activate."""

    code: str = Field(max_length=100)


class CouponIn(Schema):
    """A coupon to make."""

    code: str = Field(max_length=100)
    amount: str = AMOUNT
    budget: str = AMOUNT
    valid_until: Moment | None = None
    credit_days: int | None = None
    priority: int = Field(default=100, ge=0, le=1000)


class CreditLimitIn(Schema):
    """How much a person may owe."""

    limit_usd: str = AMOUNT


def show_wallet(wallet: Wallet) -> dict[str, Any]:
    """A person's money, under the names identity shows and account by account."""
    return {
        "owner_id": str(wallet.owner),
        "version": wallet.version,
        "user_balance": plain(wallet.of("usd").posted),
        "user_ixioo_balance": plain(wallet.of("eaml").posted),
        "coupon_balance": plain(wallet.of("coupon").posted),
        "owed": plain(wallet.owed),
        "credit_limit": plain(wallet.credit_limit),
        "credit_available": plain(wallet.credit_available),
        "last_billing_time": time_or_none(wallet.last_billing_time),
        "accounts": [
            {
                "account": purse.account,
                "currency": purse.currency,
                "posted": plain(purse.posted),
                "held": plain(purse.held),
                "available": plain(purse.available),
            }
            for purse in wallet.purses
        ],
    }


def show_payment(payment: Payment) -> dict[str, Any]:
    """A top-up."""
    return {
        "id": str(payment.pk),
        "provider": payment.provider,
        "test_money": payment.is_test_money,
        "reference": payment.reference,
        "pay_at": payment.pay_at or None,
        "amount_usd": plain(payment.amount),
        "refunded_usd": plain(payment.refunded),
        "status": payment.status,
        "journal_id": id_or_none(payment.journal_id),
        "created_at": rfc3339(payment.created_at),
        "settled_at": time_or_none(payment.settled_at),
    }


def show_lot(lot: CouponLot) -> dict[str, Any]:
    """An activated coupon."""
    return {
        "id": str(lot.pk),
        "code": lot.coupon_id,
        "granted": plain(lot.granted),
        "remaining": plain(lot.remaining),
        "held": plain(lot.held),
        "activated_at": rfc3339(lot.activated_at),
        "expires_at": time_or_none(lot.expires_at),
    }
