"""A person's coupons: what is left of each, until when, and what it paid for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpResponse

from billing import queries
from billing.models import CouponLot, LotUse
from billing.pages.statement import places
from service_base.pages import PageRequest, show, signed_in
from shared_models.clock import utc_now

LAST_USES = 50


@signed_in
async def coupons(request: PageRequest) -> HttpResponse:
    """The person's coupons in the order they are spent, and what they paid for lately."""

    def read() -> dict[str, Any]:
        lots = list(queries.lots_of(request.caller.id))
        uses = LotUse.objects.filter(lot__in=lots).select_related("lot", "journal__operation").order_by("-id")
        used = list(uses[:LAST_USES])
        free = sum((lot.remaining - lot.held for lot in lots if state_of(lot) == "spendable"), Decimal(0))
        held = sum((lot.held for lot in lots), Decimal(0))
        return {
            "lots": [{"lot": lot, "state": state_of(lot)} for lot in lots],
            "uses": used,
            "free": free,
            "held": held,
            "places": places(*(use.amount for use in used)),
            "given": {},
        }

    return await show(request, "billing/my_coupons.html", await sync_to_async(read)())


def state_of(lot: CouponLot) -> str:
    """What a person can still expect of a lot."""
    if lot.remaining <= 0:
        return "expired" if lot.expires_at and lot.expires_at <= utc_now() else "used up"
    if lot.expires_at and lot.expires_at <= utc_now():
        return "expired"
    return "held" if lot.remaining == lot.held else "spendable"
