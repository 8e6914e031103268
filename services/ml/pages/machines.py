"""The list of machines, and a machine with everything that is known about it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from ml import commands, queries
from ml.models import DataLine, Machine, TableReading
from ml.pages.proof import about
from ml.rules.access import Right
from ml.rules.work import OPEN
from ml.store import discard
from ml.uploads import TakesLong, Upload, impatient, receive_upload
from service_base.errors import Refusal
from service_base.formats import Formats
from service_base.pages import PageRequest, show, signed_in
from service_base.pagination import page_of
from shared_models.ids import new_id

SHOWN_COLUMNS = 200
SHOWN_MOVEMENTS = 20


@require_safe
@signed_in
async def machines(request: PageRequest) -> HttpResponse:
    """The person's machines and her teams', newest first, with the work that is under way."""
    return await show(request, "ml/machines.html", await sync_to_async(_machines)(request))


def _machines(request: PageRequest) -> dict[str, Any]:
    mine = queries.visible_machines(request.caller)
    search = request.GET.get("q", "").strip()
    if search:
        mine = mine.filter(machine_name__icontains=search)
    found, following = page_of(mine, cursor=request.GET.get("cursor"), limit=30)
    works = list(queries.visible_works(request.caller).filter(state__in=sorted(OPEN)).order_by("-created_at")[:20])
    rows = [{"machine": machine, "scores": queries.scores_of(machine)} for machine in found]
    return {"rows": rows, "next_cursor": following, "works": works, "search": search} | {
        "readings": list(queries.readings_of(request.caller, is_open=True).order_by("-created_at"))
    }


@require_safe
@signed_in
async def machine(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """A machine: how good it is beside what needs no machine, what matters to it, and what to do with it."""
    return await show(request, "ml/machine.html", await sync_to_async(_machine)(request, machine_id))


def _machine(request: PageRequest, machine_id: UUID) -> dict[str, Any]:
    found = queries.machine_for(request.caller, machine_id, Right.SEE)
    return about(request, found) | {
        "works": queries.latest_works(found),
        "lines": list(found.data_lines.order_by("sequence")[:20]),
        "waiting_lines": sum(line.line_count for line in commands.unsolved_lines(found)),
        "team": queries.team_name(found.machine_owner_team),
        "sales": queries.sales_of(found) if Right.CHANGE in queries.rights_of(request.caller, found) else [],
        "news": _news(request, found),
        "drift": _drift(found),
    }


def _drift(machine: Machine) -> dict[str, Any] | None:
    """How far what it is asked has moved from what it learnt."""
    found = queries.drift_of(machine)
    if found is None:
        return None
    shown = {name: values for name, values in found.series.items() if sum(value is not None for value in values) > 1}
    return {
        "sentence": found.sentence,
        "lines": found.lines,
        "columns": found.movements[:SHOWN_MOVEMENTS],
        "times": found.times,
        "series": list(shown.values()),
        "names": ", ".join(shown),
    }


def _news(request: PageRequest, machine: Machine) -> dict[str, Any] | None:
    """What a copy's owner can get from its original now."""
    original = machine.machine_original
    if original is None or machine.owner_id != request.caller.id or original.deleted_at is not None:
        return None
    fits = original.machine_is_duplicatable and original.column_names == machine.column_names
    lines = sum(line.line_count for line in commands.news_for(machine, original)) if fits else 0
    return {"original": original, "lines": lines, "key": str(new_id())}


@require_POST
@signed_in
async def append(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """Append a file's lines to learn from."""
    found = await sync_to_async(queries.machine_for)(request.caller, machine_id, Right.APPEND)
    upload = await sync_to_async(receive_upload)(request)
    try:
        added = await sync_to_async(_append)(request, found, upload)
        if isinstance(added, TableReading):
            return HttpResponseRedirect(reverse("reading", args=[added.pk]))
        messages.success(request, f"{added.line_count} lines were added; the next training learns from them.")
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    finally:
        discard(upload.received)
    return _to_machine(machine_id)


def _append(request: PageRequest, machine: Machine, upload: Upload) -> DataLine | TableReading:
    if not upload.is_large:
        with suppress(TakesLong):
            return commands.append_lines(
                machine_id=machine.pk, received=upload.received, purpose="learning", hear=impatient()
            )
    return commands.append_by_work(machine, upload.received, "learning", by=request.caller.user)


@require_POST
@signed_in
async def publish(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """Put the machine on the market."""
    found = await sync_to_async(queries.machine_for)(request.caller, machine_id, Right.CHANGE)
    price = Formats.of(request.caller.user).typed(request.POST.get("machine_api_solving_price_usd", ""))
    try:
        await sync_to_async(commands.publish_machine)(machine_id=found.pk, price_usd=price)
        messages.success(request, "The machine is on the market.")
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    return _to_machine(machine_id)


@require_POST
@signed_in
async def withdraw(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """Take the machine off the market."""
    found = await sync_to_async(queries.machine_for)(request.caller, machine_id, Right.CHANGE)
    await sync_to_async(commands.withdraw_machine)(machine_id=found.pk)
    messages.success(request, "The machine is off the market; nobody else can solve with it from now on.")
    return _to_machine(machine_id)


@require_POST
@signed_in
async def copy(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """The same table as a machine of its own, to be trained at another level."""
    found = await sync_to_async(queries.machine_for)(request.caller, machine_id, Right.DELETE)
    made = await sync_to_async(commands.copy_machine)(machine_id=found.pk)
    messages.success(request, "This is the copy. Choose its level; the machine that it was copied from stays as it is.")
    return HttpResponseRedirect(reverse("setup", args=[made.pk]))


@signed_in
async def delete(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """A page that says what is lost, and its answer."""
    found = await sync_to_async(queries.machine_for)(request.caller, machine_id, Right.DELETE)
    if request.method != "POST":
        return await show(request, "ml/delete.html", {"machine": found})
    await sync_to_async(commands.delete_machine)(machine_id=found.pk)
    messages.success(request, f"{found.machine_name} is deleted.")
    return HttpResponseRedirect(reverse("machines"))


def _to_machine(machine_id: UUID) -> HttpResponse:
    return HttpResponseRedirect(reverse("machine", args=[machine_id]))
