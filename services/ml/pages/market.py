"""The market: machines that others sell answers of, or whose lines and copies they sell."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from ml import queries
from ml.pages.proof import about
from ml.rules.access import Right
from ml.rules.prices import in_usd, solving_price
from service_base.errors import NotFound
from service_base.pages import PageRequest, show, signed_in
from service_base.pagination import page_of
from shared_models.ids import new_id

SAMPLE_COLUMNS = 30


@require_safe
@signed_in
async def market(request: PageRequest) -> HttpResponse:
    """All listings, newest first."""
    return await show(request, "ml/market.html", await sync_to_async(_market)(request))


def _market(request: PageRequest) -> dict[str, Any]:
    search = request.GET.get("q", "").strip()
    rows = queries.market()
    if search:
        rows = rows.filter(machine_name__icontains=search)
    found, following = page_of(rows, cursor=request.GET.get("cursor"), limit=30)
    use = queries.use_of(machine.pk for machine in found)
    shown = [
        {"machine": machine, "scores": queries.scores_of(machine), "use": use.get(machine.pk, queries.Use())}
        for machine in found
    ]
    return {"rows": shown, "next_cursor": following, "search": search}


@require_safe
@signed_in
async def listing(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """One listing: what it predicts, the proof, what it needs, what it costs."""
    return await show(request, "ml/listing.html", await sync_to_async(_listing)(request, machine_id))


def _listing(request: PageRequest, machine_id: UUID) -> dict[str, Any]:
    machine = queries.machine_for(request.caller, machine_id, Right.LIST)
    if not machine.is_on_the_market:
        raise NotFound("This machine is not on the market.")
    known = queries.prices()
    platform = in_usd(known, solving_price(known, lines=1))
    sample = queries.sample_of(machine)
    return about(request, machine) | {
        "for_sale": queries.for_sale(machine),
        "sample_names": list(sample[0])[:SAMPLE_COLUMNS] if sample else [],
        "sample": [list(row.values())[:SAMPLE_COLUMNS] for row in sample],
        "is_own": machine.owner_id == request.caller.id,
        "usd_available": queries.available(request.caller.id).usd,
        # One key a form: sent twice, it is one purchase.
        "key": str(new_id()),
        "columns": [(name, machine.mdc_columns_data_type[name]) for name in machine.mdc_columns_name_input],
        "platform_usd": platform,
        "a_thousand_usd": 1000 * (machine.machine_api_solving_price_usd + platform),
    }
