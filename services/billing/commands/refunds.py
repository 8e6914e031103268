"""Refunds: what the provider gave back leaves the wallet, and what was spent of it meanwhile is owed."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction

from billing import providers
from billing.commands.book import Book, Cause
from billing.commands.parties import lock_parties
from billing.models import Journal, Payment, UnmatchedPayment
from billing.providers import Report
from billing.rules.accounts import Move, Purpose, of_platform, receivable, wallet
from billing.rules.errors import PaymentEnded, RefundTooEarly
from billing.rules.kinds import PAYMENT_REFUNDED
from billing.rules.pricing import money_in
from billing.rules.usage import digest_of
from service_base.errors import NotFound
from shared_models.money import Currency, plain

SUSPENSE = of_platform(Purpose.SUSPENSE, Currency.USD)
CLEARING = of_platform(Purpose.PAYMENT_CLEARING, Currency.USD)

log = structlog.get_logger("titan.billing")


@transaction.atomic
def refund_top_up(*, payment_id: UUID, amount_usd: object | None = None) -> Payment:
    """An operator gives a top-up back, all that is left of it or `amount_usd`; the provider's report posts it.

    Asked from two places at once, it is given back once. Raises NotFound, PaymentEnded (nothing left to give back),
    AmountUnfit, ProviderAway, ProviderRefused.
    """
    owner = Payment.objects.filter(pk=payment_id).values_list("owner_id", flat=True).first()
    if owner is None:
        raise NotFound("There is no such payment.")
    lock_parties(owner)
    payment = Payment.objects.get(pk=payment_id)
    left = payment.amount - payment.refunded
    if payment.status != "succeeded" or payment.charge_reference is None:
        raise PaymentEnded(f"This payment is {payment.status}; only one that came and has not gone back is refunded.")
    amount = left if amount_usd is None else money_in(amount_usd, field="amount_usd", largest=left, places=2)
    report = providers.named(payment.provider).refund(
        # The same for all who want the same: what was given back before and how much now.
        key=f"{payment.pk}-{plain(payment.refunded)}-{plain(amount)}",
        charge=payment.charge_reference,
        amount_usd=amount,
        refunded_before=payment.refunded,
    )
    if report is not None:
        take_refund(provider=payment.provider, report=report)
    return Payment.objects.get(pk=payment_id)


@transaction.atomic
def take_refund(*, provider: str, report: Report) -> Journal | None:
    """Post what the provider gave back of a payment; None when that much was posted before.

    A report says how much went back in all, so that reports may come twice and in any order. Raises RefundTooEarly for
    a payment that has not been reported yet, PaymentEnded for more than was paid.
    """
    owner = _owner_of(provider, report.charge)
    if owner is not None:
        lock_parties(owner)
        payment = Payment.objects.get(provider=provider, charge_reference=report.charge)
        return _give_back(payment, report, owner)
    unmatched = UnmatchedPayment.objects.select_for_update().filter(provider=provider, charge_reference=report.charge)
    found = unmatched.first()
    if found is None:
        raise RefundTooEarly("The payment that this gives back was not reported yet; report it first, then this again.")
    if found.assigned_by_id is not None:
        raise RefundTooEarly("The payment was given to its owner this very moment; report what came back of it again.")
    return _give_back(found, report, None)


def _owner_of(provider: str, charge: str) -> UUID | None:
    found = Payment.objects.filter(provider=provider, charge_reference=charge)
    return found.values_list("owner_id", flat=True).first()


def _give_back(payment: Payment | UnmatchedPayment, report: Report, owner: UUID | None) -> Journal | None:
    more = report.amount - payment.refunded
    if report.amount > payment.amount or report.currency != payment.currency:
        raise PaymentEnded(f"More than was paid, or another currency: {report.amount} {report.currency}.")
    if more <= 0:
        return None
    journal = _post(payment, report, owner, more) if payment.journal_id else None
    payment.refunded = report.amount
    changed = ["refunded"]
    if isinstance(payment, Payment) and payment.refunded == payment.amount:
        payment.status = "refunded"
        changed.append("status")
    payment.save(update_fields=changed)
    log.info("payment.refunded", reference=payment.reference, amount=plain(more))
    return journal


def _post(payment: Payment | UnmatchedPayment, report: Report, owner: UUID | None, more: Decimal) -> Journal:
    book = Book(*([owner] if owner else []))
    cause = Cause(
        f"refund:{payment.provider}", f"{report.charge}:{plain(report.amount)}", digest_of(more=more), report.at
    )
    journal = book.post(
        cause,
        kind=PAYMENT_REFUNDED,
        moves=_moves(book, owner, more),
        details={"provider": payment.provider, "payment": str(payment.pk)},
    )
    book.close()
    return journal.as_model()


def _moves(book: Book, owner: UUID | None, amount: Decimal) -> list[Move]:
    if owner is None:
        return [Move(SUSPENSE, CLEARING, amount)]
    purse = wallet(owner, Currency.USD)
    # What is held stays held: it was promised to work before the refund.
    there = min(max(book.free(purse), Decimal(0)), amount)
    return [Move(purse, CLEARING, there), Move(receivable(owner), CLEARING, amount - there)]
