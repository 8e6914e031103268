"""Pages that every service has for operators: what is parked and why, one event whole, and handling it again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

from event_bus.models import ParkedEvent
from service_base.addresses import SERVICES, url_of
from service_base.operations import parked
from service_base.pages import PageRequest, View, show, signed_in
from service_base.pagination import page_of

A_PAGE = 50


def operators_only(view: View) -> View:
    """Send whoever is not signed in to identity, and refuse everybody but operators."""

    async def guarded(request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.caller.must_be_operator()
        return await view(request, *args, **kwargs)

    return signed_in(guarded)


@require_safe
@operators_only
async def parked_events(request: PageRequest) -> HttpResponse:
    """The events that hold their keys up, newest first, by type or key."""
    asked = {name: request.GET[name] for name in ("type", "key") if request.GET.get(name)}
    context = await sync_to_async(_list)(asked, request.GET.get("cursor"))
    return await show(request, "titan/system/parked.html", {"asked": asked} | context)


@require_safe
@operators_only
async def parked_event(request: PageRequest, parked_id: int) -> HttpResponse:
    """One parked event: the whole error, where it stood, its headers, its body, and what waits behind it."""
    return await show(request, "titan/system/parked_event.html", await sync_to_async(_whole)(parked_id))


@require_safe
@operators_only
async def payload(request: PageRequest, parked_id: int) -> HttpResponse:
    """The body's bytes as they came, as a file."""
    row = await sync_to_async(parked.the_parked)(parked_id)
    name = f"{row.topic}-{row.partition}-{row.offset}.bin"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(bytes(row.payload), content_type="application/octet-stream", headers=headers)


@require_POST
@operators_only
async def replay_all(request: PageRequest) -> HttpResponse:
    """Handle everything parked again."""
    _tell(request, await sync_to_async(parked.replay_all)())
    return _to(reverse("parked"))


@require_POST
@operators_only
async def replay_key(request: PageRequest, parked_id: int) -> HttpResponse:
    """Handle the event and what waits behind it again; back to the event if it is still parked, else to the list."""
    row = await sync_to_async(parked.the_parked)(parked_id)
    done = await sync_to_async(parked.replay_key_of)(row)
    _tell(request, done)
    still = await sync_to_async(parked.parked().filter(pk=parked_id).exists)()
    return _to(reverse("parked-event", args=[parked_id]) if still else reverse("parked"))


def _tell(request: PageRequest, done: parked.Replayed) -> None:
    say = messages.success if done.handled or not done.parked else messages.error
    say(request, done.sentence)


def _to(place: str) -> HttpResponse:
    # The service's own address: behind a proxy this process does not know the one it was asked under.
    return HttpResponseRedirect(url_of(settings.TITAN_CONTEXT) + place.removeprefix(settings.FORCE_SCRIPT_NAME or ""))


def _list(asked: dict[str, str], cursor: str | None) -> dict[str, Any]:
    wanted = parked.first_of_each_key(type_=asked.get("type"), key=asked.get("key"))
    rows, following = page_of(wanted, cursor=cursor, limit=A_PAGE)
    return {
        "rows": rows,
        "types": parked.parked_types(),
        "total": parked.parked().count(),
        "older": f"?{urlencode(asked | {'cursor': following})}" if following else "",
        "elsewhere": parked_pages(),
    }


def _whole(parked_id: int) -> dict[str, Any]:
    row: ParkedEvent = parked.the_parked(parked_id)
    body = bytes(row.payload)
    text, kind = parked.shown(body)
    behind = parked.waiting_behind(row)
    return {
        "row": row,
        "body": text,
        "kind": kind,
        "size": len(body),
        "is_cut": len(body) > parked.MOST_SHOWN // (4 if kind.startswith("bytes") else 1),
        "headers": sorted(row.headers.items()),
        "behind": list(behind[:A_PAGE]),
        "behind_count": behind.count(),
    }


def parked_pages() -> list[dict[str, Any]]:
    """The address of this page in every service."""
    return [
        {"service": service, "url": f"{url_of(service)}/system/parked", "current": service == settings.TITAN_CONTEXT}
        for service in SERVICES
    ]


urlpatterns = [
    path("system/parked", parked_events, name="parked"),
    path("system/parked/replay", replay_all, name="replay-all"),
    path("system/parked/<int:parked_id>", parked_event, name="parked-event"),
    path("system/parked/<int:parked_id>/payload", payload, name="parked-payload"),
    path("system/parked/<int:parked_id>/replay", replay_key, name="replay-key"),
]
