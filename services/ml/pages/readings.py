"""A large upload while it is read: percent, lines, the way to end it, and then what it became."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from ml import commands, queries
from ml.models import TableReading
from ml.rules.readings import ReadingPurpose
from service_base.errors import NotFound, Refusal
from service_base.pages import PageRequest, show, signed_in


@require_safe
@signed_in
async def reading(request: PageRequest, reading_id: UUID) -> HttpResponse:
    """The reading's page; one that ended well leads on to what it became."""
    found = await sync_to_async(queries.reading_for)(request.caller, reading_id)
    if found.state == "succeeded":
        return HttpResponseRedirect(outcome_of(found))
    return await show(request, "ml/reading.html", _shown(found))


@require_safe
@signed_in
async def live(request: PageRequest, reading_id: UUID) -> HttpResponse:
    """The part of the page that changes; at a good end the page goes on to what came of it."""
    found = await sync_to_async(queries.reading_for)(request.caller, reading_id)
    answer = await show(request, "ml/parts/reading_live.html", _shown(found) | {"is_fragment": True})
    if found.state == "succeeded":
        answer["HX-Redirect"] = outcome_of(found)
    return answer


def _shown(reading: TableReading) -> dict[str, Any]:
    machine = reading.machine
    return {"reading": reading, "machine": machine if machine and machine.deleted_at is None else None}


def outcome_of(reading: TableReading) -> str:
    """Where one looks at what was read."""
    if reading.work_id:
        return reverse("work", args=[reading.work_id])
    if reading.machine_id is None:
        return reverse("machines")
    is_new = reading.purpose in (ReadingPurpose.MACHINE, ReadingPurpose.CORRECTION)
    return reverse("setup" if is_new else "machine", args=[reading.machine_id])


@require_POST
@signed_in
async def cancel(request: PageRequest, reading_id: UUID) -> HttpResponse:
    """End the reading; nothing is kept."""
    found = await sync_to_async(queries.reading_for)(request.caller, reading_id)
    try:
        await sync_to_async(commands.cancel_reading)(reading_id=found.pk)
        is_correction = found.purpose == ReadingPurpose.CORRECTION
        left = "The machine stays as it was." if is_correction else "Nothing of the file was kept."
        messages.success(request, f"Cancelled. {left}")
    except NotFound:
        raise
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    return HttpResponseRedirect(reverse("reading", args=[reading_id]))
