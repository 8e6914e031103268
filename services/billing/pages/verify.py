"""Whether the ledger holds: the newest verdict, those before it, and another one now."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from billing import commands
from billing.models import AwaitedUsage, UsageCount, Verification
from event_bus.models import ParkedEvent
from service_base.errors import NotFound
from service_base.pages import PageRequest, show, signed_in
from service_base.principals.models import Principal

SHOWN = 20


@signed_in
async def verify(request: PageRequest) -> HttpResponse:
    """The newest verdict, or the one that is asked for; a POST verifies now."""
    request.caller.must_be_operator()
    if request.method == "POST":
        found = await sync_to_async(commands.verify_ledger)(asked_by="operator", by=request.caller.id)
        say = messages.success if found.is_ok else messages.error
        say(request, f"Verified in {found.milliseconds} ms.")
        return HttpResponseRedirect(reverse("verify"))
    return await show(request, "billing/verify.html", await sync_to_async(_context)(request.GET.get("id")))


def _context(wanted: str | None) -> dict[str, Any]:
    verdicts = list(Verification.objects.all()[:SHOWN])
    shown = verdicts[0] if verdicts else None
    if wanted:
        shown = next((one for one in verdicts if str(one.pk) == wanted), None)
        if shown is None:
            raise NotFound("There is no such verdict among the newest ones.")
    people = Principal.objects.in_bulk({one.by_id for one in verdicts if one.by_id})
    return {
        "shown": shown,
        "by": _by(shown, people) if shown else "",
        "verdicts": [{"verdict": one, "by": _by(one, people)} for one in verdicts],
        "newest_count": UsageCount.objects.order_by("-received_at").first(),
        "awaited": AwaitedUsage.objects.count(),
        "parked": ParkedEvent.objects.count(),
    }


def _by(verdict: Verification, people: dict[Any, Principal]) -> str:
    """Who asked for it, as people read it."""
    if verdict.by_id is None:
        return str(verdict.asked_by)
    return str(people.get(verdict.by_id, verdict.by_id))
