"""The operator's pages: prices and coupons."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from billing import commands, queries
from billing.models import Coupon, PriceList
from billing.pages.typed import amount_of
from billing.rules.pricing import money_in
from service_base.errors import BadInput, Refusal
from service_base.pages import PageRequest, show, signed_in

_AMOUNTS = ("training_cell_eaml", "solving_line_eaml", "usd_per_eaml")


@signed_in
async def prices(request: PageRequest) -> HttpResponse:
    """The price lists; operators publish the next one here."""
    refusal = None
    if request.method == "POST":
        request.caller.must_be_operator()
        try:
            published = await sync_to_async(_publish)(request)
            messages.success(request, f"Price list {published.version} is in force; quotes already given keep theirs.")
            return HttpResponseRedirect(reverse("prices"))
        except Refusal as found:
            refusal = found

    def read() -> dict[str, Any]:
        versions = list(PriceList.objects.all()[:20])
        return {"versions": versions, "current": queries.current_prices(), "given": request.POST, "refusal": refusal}

    context = await sync_to_async(read)()
    return await show(request, "billing/prices.html", context, status=refusal.status if refusal else 200)


@signed_in
async def coupons(request: PageRequest) -> HttpResponse:
    """The coupons and how much of each budget is given out; operators make them here."""
    request.caller.must_be_operator()
    refusal = None
    if request.method == "POST":
        try:
            made = await sync_to_async(_make_coupon)(request)
            messages.success(request, f"Coupon {made.pk} can be activated.")
            return HttpResponseRedirect(reverse("coupons"))
        except Refusal as found:
            refusal = found

    def read() -> dict[str, Any]:
        made_so_far = list(Coupon.objects.order_by("-created_at")[:100])
        sums, lost = queries.coupon_sums(made_so_far), queries.breakage()
        return {"sums": sums, "breakage": lost, "given": request.POST, "refusal": refusal}

    context = await sync_to_async(read)()
    return await show(request, "billing/coupons.html", context, status=refusal.status if refusal else 200)


def _publish(request: PageRequest) -> PriceList:
    current = queries.current_prices()
    amounts = {name: money_in(amount_of(request, name), field=name, zero_fits=True) for name in _AMOUNTS}
    factors = {
        level: money_in(amount_of(request, f"level_{level}"), field=f"level_{level}") for level in current.level_factors
    }
    return commands.publish_prices(
        **amounts,
        level_factors=factors,
        marketplace_fee_basis_points=_whole(request, "marketplace_fee_basis_points") or 0,
        by=request.caller.id,
    )


def _make_coupon(request: PageRequest) -> Coupon:
    return commands.create_coupon(
        code=request.POST.get("code", ""),
        amount=amount_of(request, "amount"),
        budget=amount_of(request, "budget"),
        credit_days=_whole(request, "credit_days"),
        by=request.caller.id,
    )


def _whole(request: PageRequest, field: str) -> int | None:
    text = request.POST.get(field, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadInput("Give a whole number.", field=field)
    return int(text)
