"""What the payment provider reports, each report acted on once, whatever the order they come in."""

from __future__ import annotations

from uuid import UUID

import structlog
from django.db import transaction

from billing.commands.payouts import settle_payout
from billing.commands.refunds import take_refund
from billing.commands.suspense import set_aside
from billing.commands.topups import fail_top_up, settle_top_up
from billing.models import Payment, Payout, ProviderReport, UnmatchedPayment
from billing.providers import Report, ReportKind
from billing.rules.errors import KeyConflict
from shared_models.money import Currency

log = structlog.get_logger("titan.billing")


@transaction.atomic
def take_report(*, provider: str, report: Report) -> UnmatchedPayment | None:
    """Act on a report; what it led to and the note that it was acted on exist together.

    Told again it changes nothing. A payment that fits none of ours is set aside and returned. Raises RefundTooEarly,
    PaymentEnded, KeyConflict; then nothing was kept, and the provider tells it again.
    """
    told = {"kind": report.kind.value, "reference": report.reference[:100], "happened_at": report.at}
    _, is_new = ProviderReport.objects.get_or_create(provider=provider, event_id=report.event_id, defaults=told)
    if not is_new:
        return UnmatchedPayment.objects.filter(provider=provider, reference=report.reference).first()
    if report.kind == ReportKind.PAID:
        return _paid(provider, report)
    if report.kind == ReportKind.FAILED:
        _failed(provider, report)
    elif report.kind == ReportKind.REFUNDED:
        take_refund(provider=provider, report=report)
    else:
        _payout(provider, report)
    return None


def _paid(provider: str, report: Report) -> UnmatchedPayment | None:
    payment = Payment.objects.filter(provider=provider, reference=report.reference).first()
    if report.currency != Currency.USD:
        return set_aside(provider=provider, report=report, reason=f"paid in {report.currency}, which has no account")
    if payment is None:
        return set_aside(provider=provider, report=report, reason="no payment of ours has this reference")
    if payment.amount != report.amount:
        return set_aside(provider=provider, report=report, reason=f"{payment.amount:.2f} USD were to be paid")
    settle_top_up(payment_id=payment.pk, charge=report.charge, at=report.at)
    return None


def _failed(provider: str, report: Report) -> None:
    payment = Payment.objects.filter(provider=provider, reference=report.reference).first()
    if payment is not None:
        fail_top_up(payment_id=payment.pk, at=report.at)


def _payout(provider: str, report: Report) -> None:
    payout_id = _as_id(report.reference)
    payout = Payout.objects.filter(provider=provider, pk=payout_id).first() if payout_id else None
    if payout is None:
        log.warning("payout.unknown", provider=provider, reference=report.reference)
        return
    if report.amount != payout.amount or report.currency != payout.currency:
        raise KeyConflict(f"This payout is over {payout.amount} {payout.currency}, not what was reported.")
    paid = report.kind == ReportKind.PAYOUT_PAID
    settle_payout(payout_id=payout.pk, paid=paid, reason=report.reason, at=report.at)


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
