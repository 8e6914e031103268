"""Market income: by machine, day and buyer, what is on its way, and the ways to keep it or have it paid out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing import commands, providers, queries
from billing.models import Payout
from billing.pages.costs import Share, drawn, period
from billing.pages.statement import places
from billing.pages.typed import amount_of, key_of
from billing.rules.kinds import label_of
from service_base.errors import BadInput, Refusal
from service_base.pages import PageRequest, show, signed_in
from shared_models.ids import new_id
from shared_models.money import plain

# What income can be summed up by.
WAYS = [("machine", "machine"), ("day", "day"), ("buyer", "buyer")]


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
    asked = {name: request.GET[name] for name in ("since", "until", "by") if request.GET.get(name)}
    since, until, by, refusal = _asked(asked, refusal)

    def read() -> dict[str, Any]:
        owner = request.caller.id
        earned = queries.earned_by(owner, since=since, until=until, by=by)
        by_day = queries.earned_by(owner, since=since, until=until, by="all")
        shares = [Share(one.day, one.machine_id, one.machine_name or label_of(one.kind), one.amount) for one in by_day]
        return {
            "income": queries.income_of(owner),
            "earned": earned,
            "total": sum((one.amount for one in earned), Decimal(0)),
            "places": places(*(one.amount for one in earned)),
            "chart": drawn(shares, since, until),
            "by": by,
            "ways": WAYS,
            "asked": asked,
            "since": since,
            "until": until,
            "payouts": list(Payout.objects.filter(owner_id=owner).order_by("-id")[:50]),
            "needs_destination": providers.chosen().name != providers.TEST,
            "refusal": refusal,
            "given": request.POST,
            "key": new_id(),
        }

    context = await sync_to_async(read)()
    return await show(request, "billing/payouts.html", context, status=refusal.status if refusal else 200)


def _asked(asked: dict[str, str], refusal: Refusal | None) -> tuple[date, date, str, Refusal | None]:
    """The period and the grouping; where they do not fit, the usual ones and what is wrong."""
    by = asked.get("by", "machine")
    try:
        if by not in dict(WAYS):
            raise BadInput(f"Choose one of {', '.join(dict(WAYS))}.", field="by")
        return *period(asked), by, refusal
    except Refusal as found:
        return *period({}), "machine", refusal or found
