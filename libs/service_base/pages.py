"""What every page has: who is looking, where the other services are, and a way to sign in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render

from service_base.addresses import url_of
from service_base.callers import Caller
from service_base.errors import Refusal, Unstorable
from service_base.formats import Formats

# What the navigation shows, in the order of the main job: a label and the service and path behind it.
NAVIGATION = (
    ("Machines", "ml", "/"),
    ("Wallet", "billing", "/"),
    ("Bots", "trading", "/"),
    ("Calendar", "scheduler", "/"),
    ("Account", "identity", "/"),
)
# What operators see of the whole installation: the event map at identity, parked events at each service.
SYSTEM = ("System", "identity", "/system/events")

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


class PageRequest(HttpRequest):
    """A request of a signed-in person."""

    caller: Caller


def signed_in(view: View) -> View:
    """Send whoever is not signed in to identity, and back to this page afterwards."""

    @wraps(view)
    async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if getattr(request, "caller", None) is None:
            return _to_sign_in(request)
        try:
            return await view(request, *args, **kwargs)
        except Refusal as refusal:
            return await refused(request, refusal)
        except DataError:
            return await refused(request, Unstorable())

    return guarded


async def show(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """Render a page on a thread, since templates may look at lazy rows."""
    return await sync_to_async(render)(request, template, context, status=status)


async def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """A refusal as a page: what happened and what to do."""
    answer = await show(request, "titan/refused.html", {"refusal": refusal}, status=refusal.status)
    if "retry_after" in refusal.facts:
        answer["Retry-After"] = str(refusal.facts["retry_after"])
    return answer


def every_page(request: HttpRequest) -> dict[str, Any]:
    """Template context of every page."""
    caller = getattr(request, "caller", None)
    return {
        "service": settings.TITAN_CONTEXT,
        "caller": caller,
        "formats": Formats.of(getattr(request, "user", None)),
        "navigation": _navigation(request, for_operators=caller is not None and caller.is_operator),
        "urls": {service: url_of(service) for service in ("identity", "ml", "billing", "trading", "scheduler")},
    }


def _navigation(request: HttpRequest, *, for_operators: bool) -> list[dict[str, Any]]:
    in_system = request.path_info.startswith("/system/")
    found = [
        {
            "label": label,
            "url": url_of(service) + path,
            "current": service == settings.TITAN_CONTEXT and not in_system,
        }
        for label, service, path in NAVIGATION
    ]
    label, service, path = SYSTEM
    return found + [{"label": label, "url": url_of(service) + path, "current": in_system}] * for_operators


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    back = url_of(settings.TITAN_CONTEXT) + request.get_full_path().removeprefix(settings.FORCE_SCRIPT_NAME or "")
    target = f"{url_of('identity')}/continue?{urlencode({'next': back})}"
    if getattr(request, "htmx", False):
        # A fragment cannot follow a redirect to another origin; the whole page goes instead.
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = target
        return answer
    return HttpResponseRedirect(target)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that came without its token: usually a page left open across a sign-out."""
    detail = "This form is no longer valid. Go back, reload the page and send it again; nothing was changed."
    return render(request, "titan/message.html", {"heading": "The form has expired", "detail": detail}, status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Nothing at that address, or nothing of yours."""
    detail = "There is nothing here, or it belongs to somebody else."
    return render(request, "titan/message.html", {"heading": "Not found", "detail": detail}, status=404)


def page_broken(request: HttpRequest) -> HttpResponse:
    """An error of ours."""
    detail = "Something here is broken, not in what you did; nothing of it was kept. Try again in a moment."
    return render(request, "titan/message.html", {"heading": "That did not work", "detail": detail}, status=500)
