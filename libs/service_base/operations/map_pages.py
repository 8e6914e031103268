"""The event map for operators: a page that stays current, and the same as JSON. Identity has it."""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe
from ninja import Router
from redis.exceptions import RedisError

from service_base.addresses import SERVICES, url_of
from service_base.api import Request
from service_base.bus_reports import connect, reports
from service_base.errors import Unavailable
from service_base.operations.event_map import EventMap, event_map
from service_base.operations.pages import operators_only
from service_base.pages import PageRequest, show
from shared_models.clock import utc_now
from shared_models.events.contract import every_contract, topic_of
from shared_models.events.golden import examples
from shared_models.events.schemas import schema_of

router = Router(tags=["service"])


async def current_map() -> EventMap:
    """The map of this moment. Raises Unavailable when the board cannot be read."""
    board = connect()
    try:
        return event_map(await reports(board), services=SERVICES, now=utc_now())
    except (RedisError, OSError) as error:
        raise Unavailable("Valkey, where the workers report, does not answer.") from error
    finally:
        await board.aclose()


@router.get("/events/map")
async def map_as_json(request: Request) -> dict[str, Any]:
    """Who publishes what to whom, with rates, lag, outbox age, parked events and silent services; operators only."""
    request.auth.must_be_operator()
    return (await current_map()).as_json()


@require_safe
@operators_only
async def map_page(request: PageRequest) -> HttpResponse:
    """The whole page, or, asked by htmx, the part that changes."""
    template = "titan/system/event_map_live.html" if getattr(request, "htmx", False) else "titan/system/event_map.html"
    try:
        context: dict[str, Any] = {"map": await current_map()}
    except Unavailable as refusal:
        return await show(request, template, {"refusal": refusal}, status=refusal.status)
    parked_at = {service: f"{url_of(service)}/system/parked" for service in SERVICES}
    context["places"] = [(place, parked_at[place.service]) for place in context["map"].places]
    return await show(request, template, context)


@require_safe
@operators_only
async def type_page(request: PageRequest, type_: str) -> HttpResponse:
    """One event type: what it says, its key and topic, its schema and an example."""
    contract = every_contract().get(type_)
    if contract is None:
        raise Http404
    context = {
        "type": type_,
        "topic": topic_of(type_),
        "key": contract.KEY,
        "says": (contract.__doc__ or "").strip(),
        "schema": json.dumps(schema_of(contract), indent=2, ensure_ascii=False),
        "example": examples()[type_][-1].read_text(),
    }
    return await show(request, "titan/system/event_type.html", context)


urlpatterns = [
    path("system/events", map_page, name="event-map"),
    path("system/events/<str:type_>", type_page, name="event-type"),
]
