"""API routes that every service has for operators, and its contracts, which anybody may read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db.models import Count
from django.http import HttpRequest
from ninja import Router

from event_bus.models import InboxEntry, OutboxEvent, ParkedEvent, PublishedCount
from service_base.api import Request
from service_base.asyncapi import document
from service_base.errors import NotFound
from service_base.operations import parked
from service_base.pagination import as_page
from shared_models.events.contract import every_contract
from shared_models.events.schemas import schema_of

router = Router(tags=["service"])


@router.get("/asyncapi.json", auth=None)
async def asyncapi(request: HttpRequest) -> dict[str, Any]:
    """What this service sends and receives over Kafka, as an AsyncAPI 3.0 document."""
    return document()


@router.get("/events/schemas/{type_}", auth=None)
async def schema(request: HttpRequest, type_: str) -> dict[str, Any]:
    """The JSON Schema of an event type, which events name in `ce_dataschema`."""
    contract = every_contract().get(type_)
    if contract is None:
        raise NotFound("There is no such event type; /api/v1/asyncapi.json lists those that are spoken here.")
    return schema_of(contract)


@router.get("/events/parked")
async def list_parked(
    request: Request, type: str | None = None, key: str | None = None, cursor: str | None = None, limit: int = 50
) -> dict[str, Any]:
    """Events set aside, newest first, with their reason and how many wait behind each; operators only."""
    request.auth.must_be_operator()
    rows = parked.parked(type_=type, key=key)
    return await sync_to_async(as_page)(rows, parked.as_json, cursor=cursor, limit=limit)


@router.get("/events/parked/{int:parked_id}")
async def show_parked(request: Request, parked_id: int) -> dict[str, Any]:
    """One parked event with its headers and its whole body; operators only."""
    request.auth.must_be_operator()
    return parked.whole_as_json(await sync_to_async(parked.the_parked)(parked_id))


@router.post("/events/parked/replay")
async def replay_parked(request: Request, event_id: UUID | None = None) -> dict[str, int]:
    """Handle parked events again (all, or those of one event's key); operators only."""
    request.auth.must_be_operator()
    if event_id is None:
        done = await sync_to_async(parked.replay_all)()
    else:
        done = await sync_to_async(parked.replay_event)(event_id)
    return {"handled": done.handled, "parked": done.parked}


@router.get("/events/counts")
async def counts(request: Request) -> dict[str, Any]:
    """How many events were published and handled by type, what waits and what is parked; operators only."""
    request.auth.must_be_operator()
    return await sync_to_async(_counts)()


def _counts() -> dict[str, Any]:
    handled = InboxEntry.objects.values("type").annotate(n=Count("event_id"))
    return {
        "published": {row.type: row.count for row in PublishedCount.objects.order_by("type")},
        "handled": {row["type"]: row["n"] for row in handled},
        "waiting": OutboxEvent.objects.count(),
        "parked": ParkedEvent.objects.count(),
    }
