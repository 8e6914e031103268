"""The economic calendar: filtered lists, single events with their history, the next one, and a feed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from scheduler import feed, queries, schemas
from scheduler.api.scopes import READ
from scheduler.models import EconomicEvent
from scheduler.rules.asking import EventFilter
from service_base.api import Request
from service_base.errors import NotFound
from service_base.pagination import as_page
from shared_models.clock import utc_now

router = Router(tags=["calendar"], auth=READ)


@router.get("/events")
async def events(
    request: Request, asked: Query[schemas.EventQuestion], cursor: str | None = None, limit: int = 100
) -> dict[str, Any]:
    """Events in order of time. `country`, `currency` and `importance` may list several, with commas.

    Days are the published ones; with a `timezone` they are that zone's, and each event has its `local` time there.
    """
    wanted = EventFilter.read(asked.dict(by_alias=True))

    def read() -> dict[str, Any]:
        def show(event: EconomicEvent) -> dict[str, Any]:
            return schemas.show_event(event, wanted.zone)

        found = queries.events(wanted)
        return as_page(found, show, cursor=cursor, limit=limit, field="place", newest_first=False)

    return await sync_to_async(read)()


@router.get("/events/next")
async def next_event(request: Request, asked: Query[schemas.EventQuestion]) -> dict[str, Any]:
    """The first event to come that has a time of day, with the seconds until then; filters as in the list."""
    wanted = EventFilter.read(asked.dict(by_alias=True))
    now = utc_now()
    found = await sync_to_async(queries.next_event)(wanted, now)
    if found is None or found.starts_at is None:
        raise NotFound("No such event is known to come.")
    seconds = int((found.starts_at - now).total_seconds())
    return schemas.show_event(found, wanted.zone) | {"starts_in_seconds": seconds}


@router.get("/events.ics", auth=[READ, feed.FeedKey()])
async def calendar_feed(request: HttpRequest, asked: Query[schemas.EventQuestion]) -> HttpResponse:
    """The same filters as an iCalendar file; calendar apps subscribe with the address from the calendar page."""
    wanted = EventFilter.read(asked.dict(by_alias=True))

    def read() -> bytes:
        return feed.as_ical(queries.events(wanted).order_by("-place")[: feed.MOST_EVENTS])

    answer = HttpResponse(await sync_to_async(read)(), content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'inline; filename="titan.ics"'
    return answer


@router.get("/events/{uuid:event_id}")
async def event(request: Request, event_id: UUID, timezone: str | None = None) -> dict[str, Any]:
    """One event with every change that imports made to it."""
    wanted = EventFilter.read({"timezone": timezone})

    def read() -> dict[str, Any]:
        found = queries.event(event_id)
        revisions = [schemas.show_revision(each) for each in found.revisions.select_related("source")]
        return schemas.show_event(found, wanted.zone) | {"revisions": revisions}

    return await sync_to_async(read)()
