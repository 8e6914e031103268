"""What billing needs of a payment provider: start a payment, hear what became of it, give back, pay out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from service_base.errors import BadInput, Unavailable


class ReportKind(StrEnum):
    """What a provider can report."""

    PAID = "paid"
    FAILED = "failed"
    REFUNDED = "refunded"
    PAYOUT_PAID = "payout_paid"
    PAYOUT_FAILED = "payout_failed"


@dataclass(frozen=True, slots=True)
class Started:
    """A payment at the provider: its name for it, and where the person goes to pay."""

    reference: str
    pay_at: str


@dataclass(frozen=True, slots=True)
class Report:
    """Something that happened at the provider. `event_id` is what makes it one report, however often it is told.

    `reference` names the payment (or our payout), `charge` the money in it, by which a refund is reported. A refund's
    `amount` is all that went back so far, so that reports of two refunds may come in any order.
    """

    kind: ReportKind
    event_id: str
    reference: str
    at: datetime
    amount: Decimal = Decimal(0)
    currency: str = "USD"
    charge: str = ""
    reason: str = ""


class ReportUnproven(BadInput):
    """A report whose signature does not prove that the provider sent it; nothing of it was kept."""

    status = 400
    slug = "report-unproven"
    title = "The signature does not fit"


class ProviderAway(Unavailable):
    """The payment provider cannot be asked right now."""

    slug = "payment-provider-away"
    title = "The payment provider does not answer"


class ProviderRefused(BadInput):
    """The payment provider refused what was asked; `detail` has its own words."""

    slug = "payment-provider-refused"
    title = "The payment provider refused"


class Provider(Protocol):
    """A payment provider. Asked twice under one key, it does a thing once. Raises ProviderAway, ProviderRefused."""

    name: str

    def start(self, *, key: str, amount_usd: Decimal, return_to: str) -> Started:
        """Prepare a payment; nothing is paid until a report says so."""
        ...

    def refund(self, *, key: str, charge: str, amount_usd: Decimal, refunded_before: Decimal) -> Report | None:
        """Give money back. The report of it, unless that comes by itself later."""
        ...

    def must_reach(self, destination: str) -> None:
        """Raise BadInput unless a payout can go there."""
        ...

    def pay_out(self, *, key: str, amount_usd: Decimal, destination: str) -> str:
        """Send market income to its seller; the provider's reference of it. How it ended is reported."""
        ...

    def read(self, body: bytes, signature: str) -> Report | None:
        """What a message says; None when it is nothing to us. Raises ReportUnproven unless the provider sent it."""
        ...
