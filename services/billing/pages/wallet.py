"""The wallet: what is there, what holds it, what moved last, and the ways to put more in."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing import commands, providers, queries
from billing.models import DeclinedWork, Payment
from billing.pages.statement import places_of
from billing.pages.typed import amount_of, key_of
from billing.rules.wording import paid_as
from service_base.errors import NotFound, Refusal
from service_base.formats import Formats
from service_base.pages import PageRequest, show, signed_in
from shared_models.ids import new_id
from shared_models.money import plain

LAST_ENTRIES = 10
LAST_DECLINED = 3


@signed_in
async def wallet(request: PageRequest) -> HttpResponse:
    """The person's wallet."""
    return await _wallet(request)


@signed_in
async def live(request: PageRequest) -> HttpResponse:
    """The part of the wallet that changes by itself; nothing (204) while it is as the page shows it."""
    now, earned = await queries.read_wallet(request.caller.id), await queries.read_earned(request.caller.id)
    if (request.GET.get("version"), request.GET.get("earned")) == (str(now.version), plain(earned)):
        return HttpResponse(status=204)
    return await show(request, "billing/live.html", await sync_to_async(_live)(request.caller.user))


@require_POST
@signed_in
async def start_top_up(request: PageRequest) -> HttpResponse:
    """Start a payment at the test provider and go to its page."""
    amount, key = amount_of(request), key_of(request)

    def work() -> str:
        payment = commands.start_top_up(owner=request.caller.id, amount_usd=amount, key=key)
        return reverse("top-up", args=[payment.pk])

    return await _do(request, work)


@signed_in
async def top_up(request: PageRequest, payment_id: UUID) -> HttpResponse:
    """The test provider's page of a payment; a POST confirms it."""
    owner = request.caller.id
    if request.method == "POST":

        def work() -> str:
            payment = commands.confirm_test_payment(owner=owner, payment_id=payment_id)
            return f"{plain(payment.amount)} USD of test money are in your wallet."

        return await _do(request, work, to_wallet=True)
    payment = await sync_to_async(Payment.objects.filter(pk=payment_id, owner_id=owner).first)()
    if payment is None:
        raise NotFound("There is no such payment, or it is not yours.")
    return await show(request, "billing/top_up.html", {"payment": payment})


@require_POST
@signed_in
async def activate_coupon(request: PageRequest) -> HttpResponse:
    """Activate a coupon."""

    def work() -> str:
        lot = commands.activate_coupon(owner=request.caller.id, code=request.POST.get("code", ""))
        return f"Coupon {lot.coupon_id} is activated: {plain(lot.granted)} of credit, spent before anything else."

    return await _do(request, work, to_wallet=True)


@require_POST
@signed_in
async def pay_bill(request: PageRequest) -> HttpResponse:
    """Pay all that is owed."""

    def work() -> str:
        commands.pay_bill(owner=request.caller.id, key=key_of(request))
        return "You owe nothing any more."

    return await _do(request, work, to_wallet=True)


@require_POST
@signed_in
async def buy_tokens(request: PageRequest) -> HttpResponse:
    """Buy tokens for dollars."""

    def work() -> str:
        amount = amount_of(request)
        commands.buy_tokens(owner=request.caller.id, key=key_of(request), amount_usd=amount)
        return f"{amount} USD are tokens now."

    return await _do(request, work, to_wallet=True)


async def _do(request: PageRequest, work: Callable[[], str], *, to_wallet: bool = False) -> HttpResponse:
    """Run `work` and go to the address it returns, or to the wallet with what it says; a refusal keeps the page."""
    try:
        said = await sync_to_async(work)()
    except Refusal as refusal:
        return await _wallet(request, refusal)
    if not to_wallet:
        return HttpResponseRedirect(said)
    messages.success(request, said)
    return HttpResponseRedirect(reverse("wallet"))


async def _wallet(request: PageRequest, refusal: Refusal | None = None) -> HttpResponse:
    def read() -> dict[str, Any]:
        owner = request.caller.id
        prices = queries.current_prices()
        return {
            **_live(request.caller.user),
            "refusal": refusal,
            "given": request.POST,
            "key": new_id(),
            "prices": prices,
            "is_test_money": providers.chosen().name == providers.TEST,
            "lots": list(queries.lots_of(owner, spendable_only=True)[:20]),
            "pending": list(Payment.objects.filter(owner_id=owner, status="pending").order_by("-created_at")[:3]),
        }

    context = await sync_to_async(read)()
    return await show(request, "billing/wallet.html", context, status=refusal.status if refusal else 200)


def _live(person: Any) -> dict[str, Any]:
    owner, say = person.pk, Formats.of(person).number
    elsewhere = queries.elsewhere_of(owner)
    holds = list(queries.holds_of(owner, open_only=True).order_by("-id")[:20])
    entries = queries.last_entries(owner, LAST_ENTRIES)
    return {
        "wallet": queries.wallet_of(owner),
        "elsewhere": elsewhere,
        "earned": plain(dict(elsewhere).get("earned", Decimal(0))),
        "holds": [{"hold": hold, "parts": paid_as(queries.parts_of(hold), say=say)} for hold in holds],
        "entries": entries,
        "places": places_of(entries),
        "declined": list(DeclinedWork.objects.filter(payer_id=owner).order_by("-declined_at")[:LAST_DECLINED]),
    }
