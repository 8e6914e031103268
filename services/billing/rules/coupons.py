"""When a coupon may be activated and until when its credit can be spent."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from billing.rules.errors import CouponRefused
from service_base.errors import BadInput

LONGEST_CODE = 40


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides about a coupon: its credit a person, its budget for all, and its dates."""

    amount: Decimal
    budget: Decimal
    granted: Decimal
    valid_from: datetime
    valid_until: datetime | None
    credit_days: int | None


def folded_code(code: str) -> str:
    """The one form a code is compared and stored in. Raises BadInput."""
    text = unicodedata.normalize("NFKC", code).strip().upper()
    allowed = text.isascii() and all(char.isalnum() or char in "-_" for char in text)
    if not 1 <= len(text) <= LONGEST_CODE or not allowed:
        raise BadInput(f"A coupon code has 1 to {LONGEST_CODE} letters, digits, dashes or underscores.", field="code")
    return text


def must_be_activable(terms: Terms, *, now: datetime) -> None:
    """Raise CouponRefused, saying why, unless the coupon still gives somebody its credit."""
    if now < terms.valid_from:
        raise CouponRefused("This coupon is not valid yet.", field="code")
    if terms.valid_until is not None and now >= terms.valid_until:
        raise CouponRefused("This coupon has expired.", field="code")
    if terms.granted + terms.amount > terms.budget:
        raise CouponRefused("This coupon's budget is used up.", field="code")


def credit_expires_at(terms: Terms, *, activated_at: datetime) -> datetime | None:
    """When the activated credit ends: so many days later; without days, never."""
    return activated_at + timedelta(days=terms.credit_days) if terms.credit_days else None
