"""The operator's page of what goes through the payment provider: payouts, suspense, refunds; and reversals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing import commands
from billing.models import Payment, Payout, UnmatchedPayment
from billing.pages.typed import id_of
from service_base.errors import Refusal
from service_base.pages import PageRequest, show, signed_in

LATEST = 30


@signed_in
async def payments(request: PageRequest) -> HttpResponse:
    """What waits for an operator, then the latest of each."""
    request.caller.must_be_operator()
    return await _payments(request)


@require_POST
@signed_in
async def settle(request: PageRequest, payout_id: UUID) -> HttpResponse:
    """Say for the test provider how a payout ended."""

    def work() -> str:
        paid = request.POST.get("outcome") == "paid"
        return f"The payout is {commands.settle_test_payout(payout_id=payout_id, paid=paid).status}."

    return await _do(request, work)


@require_POST
@signed_in
async def assign(request: PageRequest, unmatched_id: UUID) -> HttpResponse:
    """Put a payment from suspense into its owner's wallet."""

    def work() -> str:
        commands.assign_payment(unmatched_id=unmatched_id, owner=id_of(request, "owner_id"))
        return "The payment is in its owner's wallet."

    return await _do(request, work)


@require_POST
@signed_in
async def refund(request: PageRequest, payment_id: UUID) -> HttpResponse:
    """Give back what is left of a top-up."""

    def work() -> str:
        payment = commands.refund_top_up(payment_id=payment_id)
        return "It is given back." if payment.status == "refunded" else "Asked for; it is posted when it is reported."

    return await _do(request, work)


@require_POST
@signed_in
async def reverse_journal(request: PageRequest) -> HttpResponse:
    """Take a movement back."""

    def work() -> str:
        journal = commands.reverse_journal(
            journal_id=id_of(request, "journal_id"), reason=request.POST.get("reason", ""), by=request.caller.id
        )
        return f"It is reversed by journal {journal.pk}."

    return await _do(request, work)


async def _do(request: PageRequest, work: Callable[[], str]) -> HttpResponse:
    request.caller.must_be_operator()
    try:
        messages.success(request, await sync_to_async(work)())
    except Refusal as refusal:
        return await _payments(request, refusal)
    return HttpResponseRedirect(reverse("payments"))


async def _payments(request: PageRequest, refusal: Refusal | None = None) -> HttpResponse:
    def read() -> dict[str, Any]:
        unmatched = list(UnmatchedPayment.objects.order_by("-id")[:LATEST])
        return {
            "payouts": list(Payout.objects.order_by("-id")[:LATEST]),
            "unmatched": unmatched,
            "payments": list(Payment.objects.order_by("-id")[:LATEST]),
            "refusal": refusal,
            "given": request.POST,
        }

    context = await sync_to_async(read)()
    return await show(request, "billing/payments.html", context, status=refusal.status if refusal else 200)
