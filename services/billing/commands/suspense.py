"""Suspense: money that came for no payment of ours waits here, in sight of operators, until its owner is found."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction

from billing.commands.book import Book, Cause
from billing.commands.parties import lock_parties
from billing.commands.topups import top_up
from billing.models import Journal, Payment, UnmatchedPayment
from billing.providers import Report
from billing.rules.accounts import Move, Purpose, of_platform
from billing.rules.errors import KeyConflict, PaymentEnded
from billing.rules.kinds import PAYMENT_UNMATCHED
from billing.rules.usage import digest_of
from service_base.errors import NotFound
from shared_models.clock import utc_now
from shared_models.money import Currency

SUSPENSE = of_platform(Purpose.SUSPENSE, Currency.USD)
CLEARING = of_platform(Purpose.PAYMENT_CLEARING, Currency.USD)

log = structlog.get_logger("titan.billing")


@transaction.atomic
def set_aside(*, provider: str, report: Report, reason: str) -> UnmatchedPayment:
    """Keep a payment that fits nothing of ours: in suspense, or, in a currency without an account, beside the ledger.

    The same payment is set aside once, however often it is reported.
    """
    found, is_new = UnmatchedPayment.objects.get_or_create(
        provider=provider,
        reference=report.reference,
        defaults={
            "charge_reference": report.charge or None,
            "amount": report.amount,
            "currency": report.currency[:3],
            "reason": reason,
            "received_at": report.at,
        },
    )
    if is_new and report.currency == Currency.USD and report.amount > 0:
        found.journal = _into_suspense(found)
        found.save(update_fields=["journal"])
    if is_new:
        log.warning("payment.set_aside", provider=provider, reference=report.reference, reason=reason)
    return found


@transaction.atomic
def assign_payment(*, unmatched_id: UUID, owner: UUID, now: datetime | None = None) -> Payment:
    """An operator found whose money it is: out of suspense into her wallet, as the top-up it is.

    Assigned again to the same person it changes nothing. Raises NotFound, PaymentEnded, and KeyConflict for a payment
    that somebody else began.
    """
    lock_parties(owner)
    found = UnmatchedPayment.objects.select_for_update().filter(pk=unmatched_id).first()
    if found is None:
        raise NotFound("There is no such payment in suspense.")
    begun = Payment.objects.filter(reference=found.reference).first()
    if begun is not None and begun.owner_id != owner:
        raise KeyConflict("This payment was begun by somebody else; only she can be its owner.", field="owner_id")
    if found.assigned_by_id is not None and begun is not None:
        return begun
    if found.journal_id is None or found.refunded > 0:
        raise PaymentEnded("It went back, or is in a currency without an account here; settle it at the provider.")
    return _hand_over(found, begun or Payment(owner_id=owner, reference=found.reference), at=now or utc_now())


def _into_suspense(found: UnmatchedPayment) -> Journal:
    book = Book()
    cause = Cause(f"unmatched:{found.provider}", found.reference, digest_of(amount=found.amount), found.received_at)
    move = Move(CLEARING, SUSPENSE, found.amount)
    journal = book.post(cause, kind=PAYMENT_UNMATCHED, moves=[move], details={"reason": found.reason})
    book.close()
    return journal.as_model()


def _hand_over(found: UnmatchedPayment, payment: Payment, *, at: datetime) -> Payment:
    found.assigned_by = payment.journal = top_up(
        owner=payment.owner_id,
        amount=found.amount,
        provider=found.provider,
        reference=found.reference,
        at=at,
        source=SUSPENSE,
    )
    payment.provider, payment.amount, payment.charge_reference = found.provider, found.amount, found.charge_reference
    payment.status, payment.settled_at = "succeeded", at
    payment.save()
    found.save(update_fields=["assigned_by"])
    return payment
