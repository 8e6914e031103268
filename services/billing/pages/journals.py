"""A movement with its causes, the quote behind it, and the operations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse

from billing import queries
from billing.models import Hold, Quote
from billing.rules.kinds import OPERATION_KINDS, label_of
from service_base.errors import BadInput, NotFound
from service_base.formats import Formats
from service_base.pages import PageRequest, show, signed_in
from service_base.pagination import page_of


@signed_in
async def journal(request: PageRequest, journal_id: UUID) -> HttpResponse:
    """A movement: what it was in one sentence, and the chain from the quote to the work behind it."""

    def read() -> dict[str, Any]:
        viewer = request.caller.id
        found = queries.journals_seen_by(viewer).filter(pk=journal_id).select_related("operation").first()
        if found is None:
            raise NotFound("There is no such movement, or none of your accounts is in it.")
        story = queries.story_of(found, viewer, say=Formats.of(request.caller.user).number)
        return {"story": story, "journal": found, "operation": found.operation, "viewer": viewer}

    return await show(request, "billing/journal.html", await sync_to_async(read)())


@signed_in
async def operations(request: PageRequest) -> HttpResponse:
    """What the person used, bought and paid, newest first."""
    kind = request.GET.get("kind") or None
    if kind is not None and kind not in OPERATION_KINDS:
        raise BadInput(f"Choose one of {', '.join(OPERATION_KINDS)}.", field="kind")

    def read() -> dict[str, Any]:
        found, following = page_of(
            queries.operations_of(request.caller.id, kind=kind), cursor=request.GET.get("cursor"), limit=50
        )
        kinds = [(name, label_of(name)) for name in OPERATION_KINDS]
        return {"operations": found, "next_cursor": following, "kind": kind, "kinds": kinds}

    return await show(request, "billing/operations.html", await sync_to_async(read)())


@signed_in
async def quote(request: PageRequest, quote_id: UUID) -> HttpResponse:
    """What a piece of work was to cost at most, why, what was held for it, and what became of it."""

    def read() -> dict[str, Any]:
        mine = Quote.objects.filter(payer_id=request.caller.id).select_related("price_list")
        found = mine.filter(pk=quote_id).first()
        if found is None:
            raise NotFound("There is no such quote, or it was not given to you.")
        hold = Hold.objects.filter(quote=found).select_related("resolution").prefetch_related("parts").first()
        say = Formats.of(request.caller.user).number
        return {"quote": found, "hold": hold, "label": label_of(found.kind), "sentence": queries.quoted(found, say=say)}

    return await show(request, "billing/quote.html", await sync_to_async(read)())
