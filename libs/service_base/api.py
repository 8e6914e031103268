"""The API of a service: its own router below /api/v1, with the documents and operator routes every service has."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest
from ninja import NinjaAPI, Router

from event_bus.models import InboxEntry, OutboxEvent, ParkedEvent, PublishedCount
from event_bus.replay import replay
from service_base import problems
from service_base.asyncapi import document
from service_base.auth import Bearer
from service_base.callers import Caller
from service_base.pagination import as_page
from shared_models.clock import rfc3339

common = Router(tags=["service"])


class Request(HttpRequest):
    """A request whose caller is known; what ninja sets once authentication passed."""

    auth: Caller


def api_of(context: str) -> NinjaAPI:
    """The NinjaAPI of the service `context`, found at `<context>.api.router`."""
    api = NinjaAPI(
        title=f"TITAN {context}", version="1.0.0", urls_namespace=f"{context}-v1", docs_url="/docs", auth=Bearer()
    )
    problems.install(api)
    api.add_router("", import_module(f"{context}.api").router)
    api.add_router("", common)
    return api


@common.get("/asyncapi.json", auth=None)
async def asyncapi(request: HttpRequest) -> dict[str, Any]:
    """What this service sends and receives over Kafka, as an AsyncAPI 3.0 document."""
    return document()


@common.get("/events/parked")
async def parked(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """Events set aside, newest first, with their reason; operators only."""
    request.auth.must_be_operator()
    return await sync_to_async(as_page)(ParkedEvent.objects.all(), _show_parked, cursor=cursor, limit=limit)


@common.post("/events/parked/replay")
async def replay_parked(request: Request, event_id: str | None = None) -> dict[str, int]:
    """Handle parked events again (all, or those of one event's key); operators only."""
    request.auth.must_be_operator()
    handled, left = await sync_to_async(replay)(settings.TITAN_CONSUMER_GROUP, event_id=event_id)
    return {"handled": handled, "parked": left}


@common.get("/events/counts")
async def counts(request: Request) -> dict[str, Any]:
    """How many events were published and handled by type, what waits and what is parked; operators only."""
    request.auth.must_be_operator()
    return await sync_to_async(_counts)()


def _counts() -> dict[str, Any]:
    from django.db.models import Count

    handled = InboxEntry.objects.values("type").annotate(n=Count("event_id"))
    return {
        "published": {row.type: row.count for row in PublishedCount.objects.order_by("type")},
        "handled": {row["type"]: row["n"] for row in handled},
        "waiting": OutboxEvent.objects.count(),
        "parked": ParkedEvent.objects.count(),
    }


def _show_parked(row: ParkedEvent) -> dict[str, Any]:
    return {
        "event_id": str(row.event_id) if row.event_id else None,
        "type": row.type,
        "topic": row.topic,
        "key": row.key,
        "error": row.error,
        "attempts": row.attempts,
        "parked_at": rfc3339(row.parked_at),
        "payload": bytes(row.payload).decode("utf-8", "replace"),
    }
