"""Market income: what was earned, what is on its way, and the ways to keep it or have it paid out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing import commands, providers, queries
from billing.models import Payout
from billing.pages.typed import amount_of, key_of
from service_base.errors import Refusal
from service_base.pages import PageRequest, show, signed_in
from shared_models.ids import new_id
from shared_models.money import plain


@signed_in
async def payouts(request: PageRequest) -> HttpResponse:
    """The seller's income and payouts."""
    return await _payouts(request)


@require_POST
@signed_in
async def request_payout(request: PageRequest) -> HttpResponse:
    """Have income paid out."""

    def work() -> str:
        payout = commands.request_payout(
            owner=request.caller.id,
            key=key_of(request),
            amount_usd=amount_of(request),
            destination=request.POST.get("destination", "").strip(),
        )
        return f"A payout of {plain(payout.amount)} USD is requested; its state is below."

    return await _do(request, work)


@require_POST
@signed_in
async def keep_income(request: PageRequest) -> HttpResponse:
    """Put income into the wallet."""

    def work() -> str:
        amount = amount_of(request)
        commands.keep_income(owner=request.caller.id, key=key_of(request), amount_usd=amount)
        return f"{amount} USD of your income are in your wallet."

    return await _do(request, work)


async def _do(request: PageRequest, work: Callable[[], str]) -> HttpResponse:
    try:
        messages.success(request, await sync_to_async(work)())
    except Refusal as refusal:
        return await _payouts(request, refusal)
    return HttpResponseRedirect(reverse("payouts"))


async def _payouts(request: PageRequest, refusal: Refusal | None = None) -> HttpResponse:
    def read() -> dict[str, Any]:
        owner = request.caller.id
        return {
            "income": queries.income_of(owner),
            "payouts": list(Payout.objects.filter(owner_id=owner).order_by("-id")[:50]),
            "needs_destination": providers.chosen().name != providers.TEST,
            "refusal": refusal,
            "given": request.POST,
            "key": new_id(),
        }

    context = await sync_to_async(read)()
    return await show(request, "billing/payouts.html", context, status=refusal.status if refusal else 200)
